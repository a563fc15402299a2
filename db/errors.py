"""What can go wrong, in one family: a class's docstring is the sentence people read."""

from typing import ClassVar

SOON = 2.0
"""Seconds until a retry makes sense when only the moment is bad. By then the calls under way have ended."""


class DjangoBotError(Exception):
    """Something went wrong."""

    sentence: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.sentence = (cls.__doc__ or "").strip().partition("\n")[0]

    def __str__(self) -> str:
        return self.sentence


class FieldsInvalid(DjangoBotError):
    """Some fields are missing or wrong."""

    def __init__(self, details: dict[str, str]) -> None:
        super().__init__()
        self.details = details


class LoginTaken(DjangoBotError):
    """This login is already used."""


class WrongCredentials(DjangoBotError):
    """The login or the password is wrong."""


class AccessDenied(DjangoBotError):
    """The access token is not valid any more; sign in again."""


class AccountBanned(DjangoBotError):
    """This account is banned here; ask the service's admins."""


class UserIsAdmin(DjangoBotError):
    """This person is an admin; dismiss them first."""


class NotYours(DjangoBotError):
    """The login or the password is not this account's."""


class CodeInvalid(DjangoBotError):
    """This code is wrong, used or expired; ask the bot for a new one with /code."""


class TokenInvalid(DjangoBotError):
    """This bot token is not valid."""


class SignatureWrong(DjangoBotError):
    """The signature of this webhook is missing or wrong."""


class TokenNotFound(DjangoBotError):
    """There is no such token in this chat."""


class TokensTooMany(DjangoBotError):
    """There are too many tokens in this chat; revoke some, or try again tomorrow."""


class TokenPaused(DjangoBotError):
    """The person has paused this bot token; nothing is sent with it until they resume it."""


class ChatBlocked(DjangoBotError):
    """The person has blocked the bot."""


class ChatBanned(DjangoBotError):
    """This person can't be written to."""


class KeyReused(DjangoBotError):
    """This Idempotency-Key was used for another message that waits or is less than 24 hours old."""

    def __init__(self, public_id: str = "", status: str = "") -> None:
        super().__init__()
        self.public_id = public_id
        self.status = status


class MessageNotFound(DjangoBotError):
    """There is no such message."""


class MessageNotInChat(DjangoBotError):
    """The message is not in the chat, so there is nothing to delete."""

    def __init__(self, status: str = "") -> None:
        super().__init__()
        self.status = status

    def __str__(self) -> str:
        return f"{self.sentence[:-1]}: it is {self.status}." if self.status else self.sentence


class DeletionRefused(DjangoBotError):
    """Telegram does not let a bot delete this message any more, or not all of it."""


class TextTooLong(DjangoBotError):
    """The text is longer than 65536 characters."""


class TooManyRequests(DjangoBotError):
    """Too many requests; try again later."""

    def __init__(self, retry_after: float = SOON) -> None:
        super().__init__()
        self.retry_after = retry_after


class TokenLimited(TooManyRequests):
    """The person allows this bot token fewer messages a minute; try again later."""


class TooManyWrongCodes(TooManyRequests):
    """Too many wrong codes have been tried here; ask the bot for a new one with /code: it works at once."""


class RegistrationClosed(DjangoBotError):
    """Nobody can register here; ask the service's admins."""


class InviteMissing(DjangoBotError):
    """Registering takes an invite here: ask the service's admins for one, and send it as `invite`."""


class InviteInvalid(DjangoBotError):
    """This invite is wrong, used, revoked or expired; ask the service's admins for a new one."""


class TooMuchWaiting(TooManyRequests):
    """Too much waits to be delivered already; try again when some of it has been."""

    def __init__(self, retry_after: float, what: str = "") -> None:
        super().__init__(retry_after)
        self.what = what

    def __str__(self) -> str:
        if not self.what:
            return self.sentence
        return f"Too much waits to be delivered {self.what}; try again when some of it has been."


class DatabaseUnavailable(DjangoBotError):
    """The database does not answer right now; nothing was changed. Try again."""


class DiskFull(DatabaseUnavailable):
    """The disk of the database is full; nothing was changed. Try again when there is room."""


class DiskNearlyFull(DiskFull):
    """The disk of the database is nearly full; no more is accepted until there is room."""


class FilesUnavailable(DatabaseUnavailable):
    """Files can't be stored right now; nothing was kept. Try again."""


class FileDiskFull(DiskFull):
    """The disk for files is full; nothing was kept. Try again when there is room."""


class FilesTooLarge(DjangoBotError):
    """The files of this message are too large."""

    def __init__(self, most: int = 0) -> None:
        super().__init__()
        self.most = most

    def __str__(self) -> str:
        if not self.most:
            return self.sentence
        return f"The files of this message are larger than {self.most >> 20} MiB together."


class FileGone(DjangoBotError):
    """The bytes of this file are gone."""


def reason(exc: BaseException) -> str:
    """Why, in the words of what is behind it, on one line."""
    cause = exc.__cause__ or exc
    return " ".join(str(cause).split()) or type(cause).__name__
