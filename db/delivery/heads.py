"""The head of each chat's queue, its oldest unsettled message, or its oldest edit when there is none: the SQL
that finds it."""

# ruff: noqa: S608 - the statements below are put together from constants of this file.
# The form of these statements limits their cost to the rows they touch, whatever the planner believes about
# the table. Its statistics may be from before the queue was full. Each partial index has a condition that is
# spelled differently, so no other index is used instead. Rows are looked up one by one (`$lookup`). A range
# of one chat in the index's order allows only that index. A scalar subquery runs for each row.
UNSETTLED = "m.status IN ('queued', 'sending')"
# All that is unsettled of one chat; `m.chat = $1 AND` stands before it. The condition on `is_edit` is always
# true. Only the index of unsettled messages has that column. So no other index of a chat is used instead.
ALL_UNSETTLED = f"m.is_edit IN (false, true) AND {UNSETTLED}"
SENDING = "CASE s.status WHEN 'sending' THEN 1 END = 1"
# No index has these conditions. The row is looked up, and its status is compared.
IS_SENDING, IS_QUEUED = "status || '' = 'sending'", "status || '' = 'queued'"
# The edits of a message that are to come.
COMING_EDITS = "CASE WHEN replaces IS NOT NULL THEN status END IN ('queued', 'scheduled') AND replaces ="
# The order of a chat's messages: as they were accepted. A scheduled message stands behind what had been
# accepted when it fell due (db/delivery/scheduled_messages.py).
# Edits stand behind all messages.
IN_ORDER = "m.chat, m.is_edit, COALESCE(m.place, m.id * 2), m.send_at, m.id"
OLDEST = f"""
SELECT m.id FROM message m WHERE m.chat BETWEEN {{chat}} AND {{chat}} AND {UNSETTLED}
ORDER BY {IN_ORDER} LIMIT 1
"""
# Finds the chats that have unsettled messages, by skipping along the partial index from chat to chat, and the
# oldest message of each. It costs a few steps per chat with a backlog, however long the backlog and the
# history are. Every person's id is more than 0.
HEADS = f"""
WITH RECURSIVE backlog (chat) AS (
    SELECT 0::bigint
    UNION ALL
    SELECT (SELECT m.chat FROM message m WHERE {UNSETTLED} AND m.chat > b.chat ORDER BY {IN_ORDER} LIMIT 1)
    FROM backlog b WHERE b.chat IS NOT NULL
), heads (id) AS (
    SELECT ({OLDEST.format(chat="b.chat")}) FROM backlog b WHERE b.chat IS NOT NULL
)
"""
# The message that is being sent need not be the oldest of its chat: PostgreSQL gives ids out before the
# commit.
WAITING = f"""m.status = 'queued' AND c.blocked IS NULL AND c.banned IS NULL
  AND (SELECT 1 FROM message s WHERE s.chat = m.chat AND {SENDING} LIMIT 1) IS NULL"""
FROM_HEADS = "FROM heads h JOIN $lookup(message m: m.id = h.id) JOIN $lookup(chat c: c.id = m.chat)"
# Does the same for given chats only. It runs each time a message of one of them was sent or accepted.
HEADS_OF = f"""
WITH heads (id) AS (
    SELECT ({OLDEST.format(chat="b.value")}) FROM $each3 b
)
"""
