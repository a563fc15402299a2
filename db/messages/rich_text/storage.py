"""How spans are kept in a column: compact JSON."""

import msgspec

from djangobot.db.messages.rich_text.limits import SPANS_STORED
from djangobot.db.messages.rich_text.spans import Span

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[Span, ...])


def encode_spans(spans: tuple[Span, ...]) -> str:
    """Such as `[["bold",0,5,null],["text_link",6,4,"https://example.com"]]`. Empty for no spans; SPANS_STORED
    of them at most."""
    return _encoder.encode(spans[:SPANS_STORED]).decode() if spans else ""


def decode_spans(stored: str) -> tuple[Span, ...]:
    """What encode_spans has made. Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(stored) if stored else ()
