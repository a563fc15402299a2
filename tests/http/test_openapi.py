"""schemathesis throws at every call, over a real socket, what the document allows and what it forbids.

Bounded and repeatable; for a longer hunt set SCHEMATHESIS_EXAMPLES and SCHEMATHESIS_SEED.
"""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.clock import utc_now
from djangobot.db.conf import close_database, open_database
from djangobot.db.fields import line_error
from djangobot.db.messages import acceptance
from djangobot.db.messages.files import files
from djangobot.db.messages.new_message import REPLACE_LIMIT, TEXT_LIMIT, NewMessage
from djangobot.db.messages.send_time import wrong_time
from djangobot.http.limits.limits import Limits
from djangobot.http.openapi.document import openapi_document

from .conftest import Api, Clock, Telegram, a_client, an_app, served

T = TypeVar("T")

SEED = int(os.environ.get("SCHEMATHESIS_SEED", "20230925"))
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))


@pytest.fixture(scope="module")
def document() -> BaseSchema:
    """The document as schemathesis reads it, which takes longer than every process of a run is to wait."""
    return schemathesis.openapi.from_dict(
        _without_long_bounds(openapi_document("0.0.test")),
        config=SchemathesisConfig.from_dict(
            {
                "seed": SEED,
                "generation": {
                    "mode": "all",
                    "with-security-parameters": False,  # authorize() does this
                    "max-examples": EXAMPLES,
                    "deterministic": True,
                    "database": "none",
                },
                # 413, for a text that is too long, is a refusal too.
                "checks": {
                    "negative_data_rejection": {
                        "expected-statuses": ["400", "401", "403", "404", "409", "413", "415", "429"]
                    }
                },
            }
        ),
    )


def _without_long_bounds(part: Any) -> Any:
    """Without the lengths that schemathesis needs seconds for: it writes them into the patterns."""
    if isinstance(part, list):
        return [_without_long_bounds(item) for item in part]
    if not isinstance(part, dict):
        return part
    long = isinstance(part.get("maxLength"), int) and part["maxLength"] >= TEXT_LIMIT
    return {
        name: _without_long_bounds(value)
        for name, value in part.items()
        if not (long and name == "maxLength")
    }


LENIENT: dict[str, list[CheckFunction]] = {
    "gotify": [negative_data_rejection],
    "ntfy": [negative_data_rejection, positive_data_acceptance, unsupported_method],
}
"""What calls do not keep to that take what other programs send, as their own service would: unknown and wrong
values are ignored, delays and actions are sentences, and any address beside ours is no address."""

schema = schemathesis.pytest.from_fixture("document")


@pytest.fixture(autouse=True)
def node_id(request: pytest.FixtureRequest) -> None:
    """Schemathesis 4.32 asks a test for this name, which pytest 9.2 has given up."""
    request.node._nodeid = request.node.nodeid


@dataclass
class Opened:
    """The door in a loop of its own, so that schemathesis may block this one."""

    address: str
    api: Api
    run: "Callable[[Coroutine[Any, Any, Any]], Any]"
    bot_token: str
    message: str
    numbers: "count[int]"

    async def _new_account(self) -> str:
        """A living access token; of a new account each time, for some calls end their own."""
        return (await self.api.access(f"account{next(self.numbers)}"))["authorization"]

    def fill(self, case: "schemathesis.Case[Any]") -> None:
        """Names a message that there is, where one is answered."""
        if not isinstance(case.body, dict):
            return
        body = dict(case.body)
        named = body.get("reply_to")
        if isinstance(named, str) and line_error(named, REPLACE_LIMIT) is None:
            body["reply_to"] = self.message
        case.body = body

    def authorize(self, case: "schemathesis.Case[Any]") -> dict[str, str]:
        """A valid token three times out of four, where there is something to authorize.

        Always where it may stand in the body or in the header: that one of them must, no schema can say.
        """
        security = case.operation.definition.raw.get("security", ())
        wanted = [name for requirement in security for name in requirement]
        if not wanted or ({} not in security and next(self.numbers) % 4 == 0):
            return {}
        if "accessToken" in wanted:
            return {"Authorization": self.run(self._new_account())}
        if isinstance(case.body, dict) and isinstance(case.body.get("bot_token"), str):
            case.body["bot_token"] = self.bot_token
            return {}
        return {"Authorization": f"Bearer {self.bot_token}"}


def with_time_to_come(case: "schemathesis.Case[Any]") -> None:
    """A valid `send_at` becomes a time to come, and stands alone: that it must, no schema can say."""
    body = case.body
    time = body.get("send_at") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(time, str) or wrong_time(time):
        return
    body["send_at"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body.pop("delay", None)


@pytest.fixture(scope="module")
def opened(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    path = tmp_path_factory.mktemp("schemathesis") / sqlite_template.name
    shutil.copy(sqlite_template, path)
    ready: list[Opened] = []
    up, down = threading.Event(), asyncio.Event()

    async def deliver(api: Api) -> None:
        while True:
            await api.deliver()
            await asyncio.sleep(0.05)

    async def live() -> None:
        loop = asyncio.get_running_loop()

        def run(work: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(work, loop).result(30)

        clock = Clock(steps=60)
        await open_database(f"sqlite:///{path}")
        app = an_app(limits=Limits(clock=clock, now=clock.utc), send_wait=0.2)
        async with served(app) as address, a_client(address) as client:
            api = Api(client, clock, Telegram())
            bot_token = await api.bot_token(await api.access("sender"))
            delivering = asyncio.create_task(deliver(api))
            answered = await acceptance.accept(bot_token, NewMessage("answered"), utc_now())
            ready.append(Opened(address, api, run, bot_token, answered.id, count()))
            up.set()
            await down.wait()
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
        await close_database()

    def work() -> None:
        try:
            asyncio.run(live())
        finally:
            up.set()

    thread = threading.Thread(target=work)
    thread.start()
    up.wait(PATIENCE)
    print(f"SCHEMATHESIS_SEED={SEED} SCHEMATHESIS_EXAMPLES={EXAMPLES}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_rules", files.Rules(path.parent / "files"))
        yield ready[0]
        ready[0].run(_set(down))
        thread.join(PATIENCE)


async def _set(event: asyncio.Event) -> None:
    event.set()


@pytest.mark.timeout(20 * PATIENCE)  # all calls of the document are one test
@schema.parametrize()
@hypothesis.seed(SEED)
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)
def test_every_call_keeps_to_the_document(case: "schemathesis.Case[Any]", opened: Opened) -> None:
    """No 5xx, no undocumented status or shape, nothing forbidden accepted, nothing allowed refused."""
    opened.fill(case)
    with_time_to_come(case)
    # Forms write lists as JSON, and a text may be empty only beside a file: schemathesis can't write the one,
    # and no schema that it reads says the other.
    excluded: list[CheckFunction] = [positive_data_acceptance] if "form" in (case.media_type or "") else []
    for tag in case.operation.tags:
        excluded += LENIENT.get(tag, ())
    case.call_and_validate(
        base_url=opened.address,
        headers=opened.authorize(case),
        excluded_checks=excluded,
    )
