"""Limits: how much of a text one message can show, and how much is kept."""

MESSAGE_LIMIT = 4096
CAPTION_LIMIT = 1024
"""Telegram's limits of a message and of a caption, in characters after parsing. We count UTF-16 units, which
are never fewer."""
MESSAGES_LIMIT = 5
"""What needs more messages is sent as a file."""
SPAN_LIMIT = 100
"""Spans of one message. Telegram ignores what exceeds it (found by experiment)."""
WINDOW = MESSAGE_LIMIT // 2
"""Spans are counted for each stretch of this length, for nobody knows yet where the text will be cut."""
SPANS_STORED = SPAN_LIMIT * MESSAGES_LIMIT * MESSAGE_LIMIT // WINDOW
"""Spans of one text, at most."""
