"""Signatures of webhooks: each program's own, checked once the bot token has a secret. All comparisons take
the same time, whatever is wrong."""

import base64
import binascii
import hmac
from collections.abc import Callable
from hashlib import sha256

from djangobot.db.clock import utc_now
from djangobot.db.errors import SignatureWrong
from djangobot.db.programs import token_secrets
from djangobot.http.inlets.common.request import InletRequest

IsSigned = Callable[[InletRequest, str], bool]
"""Whether a request is signed with a secret."""


async def check(
    request: InletRequest, is_signed: IsSigned | None, token: int, format_name: str, key: str
) -> None:
    """Raises SignatureWrong, if the format has a signature and the token a secret to check it with. `key`:
    what secrets are sealed with."""
    if is_signed is None:
        return
    secret = await token_secrets.of_token(token, key)
    if secret is not None and not is_signed(request, secret):
        await token_secrets.note_refused(token, format_name, utc_now())
        raise SignatureWrong


def of_github(request: InletRequest, secret: str) -> bool:
    """`X-Hub-Signature-256: sha256=<hex>` of the body."""
    given = request.headers.get("x-hub-signature-256", "")
    return _equal(given, f"sha256={_hex(secret, request.body)}")


def of_gitea(request: InletRequest, secret: str) -> bool:
    """The hex alone, under Forgejo's or Gitea's name."""
    headers = request.headers
    given = headers.get("x-forgejo-signature") or headers.get("x-gitea-signature", "")
    return _equal(given, _hex(secret, request.body))


def of_gitlab(request: InletRequest, secret: str) -> bool:
    """The secret itself in `X-Gitlab-Token`, or the newer signing token's `webhook-signature`, which is over
    the id, the time and the body."""
    headers = request.headers
    if "webhook-signature" not in headers:
        return _equal(headers.get("x-gitlab-token", ""), secret)
    head = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
    signed = head.encode("utf-8", "replace") + request.body
    right = base64.b64encode(hmac.digest(_key(secret), signed, sha256)).decode()
    # One after the other, without stopping at the first: there is one for each of the secrets that hold.
    found = [_equal(given, f"v1,{right}") for given in headers["webhook-signature"].split()[:10]]
    return any(found)


def of_grafana(request: InletRequest, secret: str) -> bool:
    """The hex in `X-Grafana-Alerting-Signature`, of the body, or of `time:body` when a header has the time.
    Its name is the user's choice, with `timestamp` in it."""
    given = request.headers.get("x-grafana-alerting-signature", "")
    times = [value for name, value in request.headers.items() if "timestamp" in name and value.isdigit()]
    bodies = [request.body, *(f"{time}:".encode() + request.body for time in times[:5])]
    found = [_equal(given, _hex(secret, body)) for body in bodies]
    return any(found)


def of_sentry(request: InletRequest, secret: str) -> bool:
    """The hex in `Sentry-Hook-Signature`, keyed with the integration's client secret."""
    return _equal(request.headers.get("sentry-hook-signature", ""), _hex(secret, request.body))


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def _key(secret: str) -> bytes:
    """A key of the Standard Webhooks, which writes it in base64 after `whsec_`; any other as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
