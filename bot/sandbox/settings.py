"""How the sandbox behaves; all of it can be changed while it runs."""

from typing import Annotated, Literal

import msgspec

# Ten years, so that dates stay within 32 bits.
MAX_SHIFT = 10 * 366 * 86_400


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """GET /settings shows them, POST /settings changes those it names."""

    repeats: Literal["echo", "error"] = "echo"
    """What a repeated random_id gets: success with the first message's id, or 500 RANDOM_ID_DUPLICATE."""
    answers: Literal["telegram", "updates"] = "telegram"
    """What a sent text gets: as the real server answers bots (updateShortSentMessage for plain texts
    without buttons), or always the long `updates`."""
    resend_answers: bool = True
    """Whether answers nobody acknowledged are sent again after a reconnect."""
    keep_updates: bool = True
    """Whether updates.getDifference gives what came while the client was away."""
    strict_limits: bool = False
    """Whether bots are held to Telegram's sending rates."""
    press_timeout: float = 15.0
    """Seconds a pressed button waits for the bot's answer."""
    clock_shift: Annotated[float, msgspec.Meta(ge=-MAX_SHIFT, le=MAX_SHIFT)] = 0.0
    """Seconds by which dates here are ahead of the machine's clock: messages grow old at once."""
    code: str = "12345"
    """What people type to sign in."""
