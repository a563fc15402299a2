"""The statements that run often in a busy process, each with arguments for the database of test_plans.py."""

import json
from datetime import timedelta

import msgspec

from djangobot.db.admin import broadcasts, stats
from djangobot.db.delivery import (
    backlog,
    claims,
    expiry,
    heads,
    outbox,
    removal,
    scheduled,
    scheduled_messages,
    settlement,
)
from djangobot.db.delivery.limits import quotas
from djangobot.db.delivery.pubsub import changes, waiters
from djangobot.db.messages import (
    acceptance,
    deletions,
    edits,
    idempotency,
    messages,
    presses,
    schedule,
    token_limit,
)
from djangobot.db.messages.acceptance import NewRow
from djangobot.db.messages.files import files, incoming_files
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import digests, erasure, mutes
from djangobot.db.programs import revocations, token_networks

from ..conftest import NOW

HISTORY, BACKLOG, PEOPLE = 20_000, 20_000, 2_000
SOME = "00000000-0000-7000-8000-000000000001"
LATER = NOW + timedelta(minutes=5)


def new_row(*, key: str | None = None, limit_checked: bool = False) -> tuple[object, ...]:
    """The arguments of the statement that accepts a message."""
    row = NewRow.of(NewMessage("x", key=key), "digest 1", LATER, limit_checked=limit_checked)
    return msgspec.structs.astuple(row)


def as_rows(*rows: tuple[object, ...]) -> str:
    """Several of them, for the statement that accepts many."""
    return msgspec.json.encode(rows).decode()


# Whatever runs more than once a second in a busy process, with arguments for the filled database below.
ASKED: dict[str, tuple[str, *tuple[object, ...]]] = {
    "claim in some chats": (claims.DUE_IN_CHATS, LATER, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
    "claim": (claims.MARK_SENDING, LATER, json.dumps([[HISTORY + 1, "x"]])),
    "claim, all free": (claims.MARK_IF_ALL_ARE_FREE, LATER, json.dumps([[HISTORY + 1, "x"]]), 1),
    "poll": (outbox.WAITING_CHATS,),
    "health": (outbox.OLDEST_DUE, LATER),
    "sent": (settlement.SENT, LATER, json.dumps([[HISTORY + number, 1, 1] for number in range(10, 20)])),
    "end": (settlement.END, HISTORY + 1, 1, "failed", "x"),
    "hold": (settlement.HOLD, HISTORY + 1, 1, LATER),
    "postpone": (settlement.POSTPONE, HISTORY + 1, 1, LATER, "x"),
    "postpone, not done": (settlement.POSTPONE_NOT_DONE, HISTORY + 1, 1, LATER, "x", None),
    "put back": (settlement.PUT_BACK, HISTORY + 1, 1, LATER, "x", None, None),
    "fix the parts": (claims.FIX, HISTORY + 1, 1, "x"),
    "expiring": (expiry.EXPIRING, LATER, 1000),
    "expire": (expiry.EXPIRE, LATER, "x", [HISTORY + 1, HISTORY + 2]),
    "held and to be told": (digests.TO_TELL, LATER, 100),
    "digest": (digests.RELEASE_HELD, 1, LATER),
    "scheduled jobs": (scheduled.DUE, LATER, 20),
    "waited for": (waiters.SETTLED_ROWS, [SOME]),
    "accept": (acceptance.ONE, *new_row()),
    "accept once": (acceptance.ONE, *new_row(key="k")),
    "accept many": (acceptance.INSERT.many, as_rows(new_row(), new_row())),
    "accept many once": (acceptance.INSERT_ONCE.many, as_rows(new_row(key="k"), new_row(key="l"))),
    "accept after the limit was checked": (acceptance.ONE, *new_row(limit_checked=True)),
    "limit": (token_limit.LATEST, PEOPLE, NOW - timedelta(minutes=1), LATER, PEOPLE, 10),
    "key": (idempotency.OF_KEY, "digest 1", "k", LATER, NOW),
    "release of a key": (idempotency.RELEASE, "digest 1", "k", LATER),
    "sweep of keys": (idempotency.SWEEP, LATER, 200),
    "why not": (acceptance.WHY_NOT, "digest 1", LATER),
    "network": (token_networks.KNOW, 1, "10.0.0.0/24", LATER, 20),
    "broadcast's room": (broadcasts.DUE, 1, LATER),
    "broadcast's skips": (broadcasts.SKIP, 1),
    "broadcast's chats": (broadcasts.CHATS, 0, LATER, 100),
    **{
        f"edit: {name}": (sql, HISTORY + 1, 1)
        for name, sql in (
            ("its message gives up the key", settlement.GIVE_UP_KEY),
            ("it is overtaken", settlement.END_OVERTAKEN),
            ("it is not wanted", settlement.END_UNWANTED),
            ("its tags go", settlement.DROP_TAGS),
            ("the others", settlement.GIVE_UP_EDITS),
        )
    },
    **{
        f"edit: {name}": (sql, HISTORY + 1, 1, '[["backup"]]')
        for name, sql in (
            ("tags of its message", settlement.ADD_TAGS_TO_EDITED),
            ("tags of its own", settlement.ADD_OWN_TAGS),
        )
    },
    "edit: sent": (settlement.EDITED, json.dumps([[HISTORY + number, 1, None] for number in range(10, 20)])),
    "edit: sent anew": (settlement.SEND_ANEW, HISTORY + 1, 1, LATER, "x", True),
    "edit: what is superseded": (edits.TAKE_OVER, 1, HISTORY + 1),
    "superseded: its edits": (settlement.MOVE_EDITS, 1, HISTORY + 1),
    "superseded: deleted": (settlement.DELETE_SUPERSEDED, 1, HISTORY + 1, LATER),
    "superseded: in no list": (settlement.SUPERSEDE, 1, HISTORY + 1, LATER),
    "superseded: once": (settlement.SUPERSEDED, 1, HISTORY + 1),
    "deletion: find": (deletions.FIND, SOME, 1),
    "deletion: of a job": (deletions.OF_JOB, 1),
    "deletion: cancel": (deletions.CANCEL, HISTORY + 1, "x", LATER),
    "deletion: cancel the edits": (deletions.CANCEL_EDITS, 1, "x"),
    "deletion: ask": (deletions.ASK, 1, LATER),
    "deletion: an edit in flight": (deletions.EDIT_IN_FLIGHT, 1, 1),
    "deletion: record": (deletions.RECORD, 1, LATER),
    "deletion: give up": (deletions.GIVE_UP, 1),
    "edit: a page of all": (edits.PAGE, NOW, 0, 0, 50),
    "edit: watched": (settlement.WATCHED, [HISTORY + 1, HISTORY + 2]),
    "edit: ended": (settlement.ENDED, [HISTORY + 1, HISTORY + 2]),
    "edit: its token": (edits.LOCK, "digest 1"),
    "edit: its message": (edits.ROOT, 1, "k 1"),
    "edit: the others end": (edits.END_WAITING, 1),
    "edit: the scheduled ones": (edits.MOVE_SCHEDULED, 1, HISTORY + 1),
    "edit: a message instead": (edits.END_ROOT, HISTORY + 1, 1),
    "edit: its message by id": (edits.BY_ID, 1, SOME),
    "several messages": (settlement.KEEP_IDS, HISTORY + 1, 1, "[1, 2]"),
    "schedule: due": (scheduled_messages.DUE, LATER, 500),
    "schedule: next": (scheduled_messages.NEXT,),
    "schedule: queue": (scheduled_messages.QUEUE, LATER, [HISTORY + BACKLOG + 1]),
    "schedule: of a person": (schedule.COMING, 1, 5, 0),
    "schedule: cancel": (schedule.CANCEL, 1, HISTORY + BACKLOG + 1, "x"),
    "schedule: send now": (schedule.SEND_NOW, 1, HISTORY + BACKLOG + 1, LATER),
    "press: what was asked": (presses.ASKED, 1, 1),
    "press: record": (presses.RECORD, 1, 1, "{}", LATER),
    "watch": (changes.VERSIONS, [SOME]),
    "one message": (f"{messages.ONE} AND m.public_id = $1::uuid AND m.token = $2", SOME, 1),
    "files: of a message": (files.OF_MESSAGE, 1),
    "files: attach": (files.ATTACH, HISTORY + 1, 1, 0),
    "files: read": (files.FIND, 1),
    "files: without a message": (files.ORPHANS, NOW),
    "files: not needed": (files.USELESS, NOW, NOW),
    "files: on disk": (files.KEYS,),
    "files: room of a chat": (incoming_files.KEPT.format(whose="chat"), 1),
    "files: room of an account": (incoming_files.KEPT.format(whose="account"), 1),
    "revoke": (revocations.CANCEL, PEOPLE, PEOPLE),
    "revoke: scheduled": (revocations.CANCEL_SCHEDULED, PEOPLE, PEOPLE),
    "revoke: undo": (revocations.RESTORE, PEOPLE, PEOPLE, LATER),
    "undecided": (backlog.UNDECIDED, "failed", 0, 200),
    "undecided: count": (backlog.UNDECIDED_COUNT, "failed"),
    "erasure: counts": (erasure.STORED_COUNTS, PEOPLE, NOW, str(PEOPLE)),
    "erasure: messages": (erasure.DELETE_MESSAGES, PEOPLE),
    "removal: of a chat": (removal.PAGE_OF_CHAT, PEOPLE, LATER, NOW - timedelta(days=1), 0, 100),
    "removal: of an account": (removal.PAGE_OF_ACCOUNT, 1, "", 0, 100),
    "first and last message": (stats.ENDS,),
    "senders of a person": (mutes.SENDERS, PEOPLE, LATER),
}

# What is about a part of the backlog, and the indexes by which SQLite must find it. Others hold the history.
FOUND = {
    "limit of a token": (token_limit.LATEST, {"message_of_chat"}),
    "revoke": (revocations.CANCEL, {"message_unsettled"}),
    "revoke: scheduled": (revocations.CANCEL_SCHEDULED, {"message_scheduled_of_chat"}),
    "revoke: undo": (revocations.RESTORE, {"message_canceled"}),
    "undecided": (backlog.UNDECIDED, {"message_failed_or_uncertain"}),
    "undecided: count": (backlog.UNDECIDED_COUNT, {"message_failed_or_uncertain"}),
    "backlog of a chat": (
        backlog.LISTED_OF["chat"],
        {"message_unsettled", "message_failed_or_uncertain"},
    ),
    "erasure: counts": (
        erasure.STORED_COUNTS,
        {"message_of_chat", "message_unsettled", "message_scheduled_of_chat", "message_failed_or_uncertain"},
    ),
}

# What counts the backlog of a sender or of a chat. It reads as much as waits, and nothing that was sent.
COUNTED = {
    name: sql.format(bytes="LENGTH(m.text)", unsettled=heads.ALL_UNSETTLED)
    for name, sql in (("room of an account", quotas.OF_ACCOUNT), ("room of a chat", quotas.OF_CHAT))
}
