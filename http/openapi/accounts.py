"""The calls for accounts: /api/user/, /api/auth/ and /api/cabinet/."""

from collections.abc import Mapping
from typing import Any

from djangobot.db import errors as family
from djangobot.db.credentials import gotify_token
from djangobot.http.accounts import Changed, Changes, DeleteAccount, NewAccount
from djangobot.http.auth import Credentials, SignedIn
from djangobot.http.cabinet import LONG, History, Redeemed, Redemption
from djangobot.http.openapi.operation import ID, MOMENT, TEXT, Json, Operation, Success
from djangobot.http.responses import Answered, Refusal

ACCOUNT = {"name": "Fedor", "login": "FedXL", "psw": "password1234"}


def _query(name: str, description: str, **schema: Any) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "integer", **schema}}


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/api/user/"): Operation(
        "Make an account",
        {201: Success(Answered, "The account is made.", {"answer": "success"})},
        (
            family.FieldsInvalid,
            family.RegistrationClosed,
            family.InviteMissing,
            family.InviteInvalid,
            family.LoginTaken,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "30 a minute from one address. Who may, the service's admins decide: anybody, nobody, or whoever has "
        "an `invite` from them, which is good for one account.",
        NewAccount,
        ACCOUNT,
    ),
    ("put", "/api/user/"): Operation(
        "Change an account's name, login or password",
        {
            200: Success(
                Changed,
                "Changed. After a new password, and with `revoke_tokens`, `bot_tokens` says how many live.",
                {"answer": "success data was changed", "bot_tokens": 0},
            )
        },
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "What is left out stays. A new password ends all older access tokens: sign in again. Bot tokens "
        "live on unless `revoke_tokens` is true: then all of them end, what they have queued is canceled, "
        "and the people they wrote to are told.",
        Changes,
        ACCOUNT,
        security=["accessToken"],
        more={
            403: Success(
                Refusal,
                "The login is another account's, or this account is banned.",
                {"answer": "This login is already used."},
            )
        },
    ),
    ("delete", "/api/user/"): Operation(
        "Remove an account",
        {200: Success(Answered, "Removed.", {"answer": "success user was deleted"})},
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.AccountBanned,
            family.NotYours,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "With its bot tokens and its history. Messages that wait are canceled, and the people it could "
        "write to are told. The body may be left out; a `login` or `psw` given in it must be this account's.",
        DeleteAccount,
        ACCOUNT,
        body_required=False,
        security=["accessToken"],
    ),
    ("post", "/api/auth/"): Operation(
        "Sign in",
        {
            200: Success(
                SignedIn, "An access token for a day.", {"answer": "success", "access_token": "eyJhbGciOi…"}
            )
        },
        (
            family.FieldsInvalid,
            family.WrongCredentials,
            family.AccountBanned,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "60 a minute from one address; 20 wrong passwords in 5 minutes for one login from one address, and "
        "fewer from all the addresses it has not signed in from.",
        Credentials,
        {"login": "FedXL", "psw": "password1234"},
    ),
    ("post", "/api/cabinet/"): Operation(
        "Exchange a code from the bot for a bot token",
        {
            200: Success(
                Redeemed,
                "The bot token, shown this once. `gotify_token` is the same token, for programs that take "
                "nothing but a token of Gotify's form.",
                {
                    "answer": "success",
                    "bot_token": "PD1B0WwEmdVQIc7SzfKFUQrPH",
                    "gotify_token": gotify_token("PD1B0WwEmdVQIc7SzfKFUQrPH"),
                },
            )
        },
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.AccountBanned,
            family.CodeInvalid,
            family.TooManyRequests,
            family.TooManyWrongCodes,
            family.DatabaseUnavailable,
        ),
        "The person is told at once who may write to them. 10 wrong codes in 10 minutes for one account, "
        "60 from one address.",
        Redemption,
        {"code": "0123456789", "name": "backups"},
        security=["accessToken"],
    ),
    ("get", "/api/cabinet/"): Operation(
        "Read the history",
        {
            200: Success(
                History,
                "Newest first. `next` is the `before` of the next page, null on the last.",
                {
                    "answer": "success",
                    "messages": [
                        {
                            "time": MOMENT,
                            "text": TEXT,
                            "type": "Text",
                            "id": ID,
                            "status": "sent",
                            "chat": 5000000001,
                            "token": "backups",
                        }
                    ],
                    "name": "Fedor",
                    "next": None,
                },
            )
        },
        (family.FieldsInvalid, family.AccessDenied, family.AccountBanned, family.DatabaseUnavailable),
        "All messages this account sent, through all its bot tokens.",
        security=["accessToken"],
        parameters=[
            _query("limit", "Messages on a page.", minimum=1, maximum=200, default=50),
            _query("before", "`next` of the page before.", format="int64", minimum=1, maximum=LONG),
            _query("chat", "Only messages to this chat.", format="int64", minimum=-LONG, maximum=LONG),
        ],
    ),
}
