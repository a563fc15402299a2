"""Signatures of webhooks: checked when the person has set a secret on the token's card, and only then."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import structlog

from djangobot.db.errors import SignatureWrong
from djangobot.db.messages import acceptance
from djangobot.db.programs import token_secrets

from ..conftest import SESSION_KEY, Api
from .recorded import Recorded, the

SECRET = "a-secret-of-the-card"
Sign = Callable[[Recorded, str], dict[str, str]]


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def by_github(one: Recorded, secret: str) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={signature(one.content, secret)}"}


def by_gitea(one: Recorded, secret: str) -> dict[str, str]:
    return {"x-gitea-signature": signature(one.content, secret)}


def by_gitlab(_: Recorded, secret: str) -> dict[str, str]:
    return {"x-gitlab-token": secret}


def by_gitlabs_signing_token(one: Recorded, secret: str) -> dict[str, str]:
    signed = b"msg_1.1763874000." + one.content
    made = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    head = {"webhook-id": "msg_1", "webhook-timestamp": "1763874000"}
    return {**head, "webhook-signature": f"v1,bm90IHRoaXMgb25l v1,{made}"}


def by_grafana(one: Recorded, secret: str) -> dict[str, str]:
    return {"x-grafana-alerting-signature": signature(one.content, secret)}


def by_grafana_with_time(one: Recorded, secret: str) -> dict[str, str]:
    made = signature(b"1763874000:" + one.content, secret)
    return {"x-grafana-alerting-signature": made, "x-grafana-alerting-timestamp": "1763874000"}


def by_sentry(one: Recorded, secret: str) -> dict[str, str]:
    return {"sentry-hook-signature": signature(one.content, secret)}


SIGNED: list[tuple[Sign, str, str]] = [
    (by_github, "github", "push"),
    (by_gitea, "gitea", "push"),
    (by_gitlab, "gitlab", "push"),
    (by_gitlabs_signing_token, "gitlab", "push"),
    (by_grafana, "grafana", "firing"),
    (by_grafana_with_time, "grafana", "firing"),
    (by_sentry, "sentry", "issue"),
]


@pytest.fixture
async def token(api: Api) -> str:
    """A token whose card has the secret."""
    person = await api.person()
    token = await api.bot_token(await api.access(), person)
    sender = await acceptance.sender(token, datetime.now(UTC))
    assert await token_secrets.put(person.id, sender.token, SECRET, SESSION_KEY, version=0)
    return token


@pytest.mark.parametrize(("sign", "format_name", "name"), SIGNED)
async def test_a_right_signature_is_taken_and_any_other_is_401(
    api: Api, token: str, sign: Sign, format_name: str, name: str
) -> None:
    """Missing, of another secret, of another body, or no signature at all."""
    one = the(format_name, name)
    another = the(format_name, name)
    another.body["more"] = 1
    wrong = [{}, sign(one, "another secret"), dict.fromkeys(sign(one, SECRET), "é")]
    if sign is not by_gitlab:  # it signs no body
        wrong.append(sign(another, SECRET))
    with structlog.testing.capture_logs() as logs:
        for headers in wrong:
            answer = await post(api, token, one, headers)
            assert (answer, headers) == (401, headers)
    assert SECRET not in repr(logs)
    assert token not in repr(logs)
    assert await post(api, token, one, sign(one, SECRET)) == 200
    (told,) = await token_secrets.refused(datetime.now(UTC))
    assert (told.times, told.format, told.prefix) == (len(wrong), format_name, token[:4])


async def test_without_a_secret_nothing_is_checked(api: Api) -> None:
    """A signature that nobody can check is no reason to refuse."""
    token = await api.bot_token(await api.access())
    one = the("github", "push")
    assert await post(api, token, one, by_github(one, "whatever")) == 200


async def test_a_format_without_signatures_is_taken_as_before(api: Api, token: str) -> None:
    """Alertmanager signs nothing; the token alone lets it in."""
    assert await post(api, token, the("alertmanager", "firing"), {}) == 200


async def test_a_secret_sealed_under_another_key_lets_nobody_in(api: Api, token: str) -> None:
    """The database was moved without its key: 401, and the log says which setting it is."""
    sender = await acceptance.sender(token, datetime.now(UTC))
    with structlog.testing.capture_logs() as logs, pytest.raises(SignatureWrong):
        await token_secrets.of_token(sender.token, "another key")
    assert "DJANGOBOT_SESSION_KEY" in logs[0]["event"]


async def post(api: Api, token: str, one: Recorded, headers: dict[str, str]) -> int:
    encoded = {name.encode(): value.encode() for name, value in {**one.headers, **headers}.items()}
    answer = await api.client.post(f"/api/hook/{token}", content=one.content, headers=encoded)
    return answer.status_code
