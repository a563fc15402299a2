"""GET /metrics: what Prometheus reads. Counts are the process's, so tests look at what they add."""

import asyncio
import math
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import metrics
from djangobot.db.delivery import outbox
from djangobot.db.errors import DatabaseUnavailable
from djangobot.http import metrics as door
from djangobot.http.cache import Cached

from .conftest import Api
from .inlets.recorded import the

Samples = dict[str, float]


async def scraped(api: Api) -> Samples:
    """name{label values} → value."""
    answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    return {
        "".join([sample.name, *(f"{{{value}}}" for value in sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def added(before: Samples, after: Samples, name: str) -> float:
    return after.get(name, 0) - before.get(name, 0)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Each scrape is a new one, but where keeping it is what is tested."""
    if "kept" not in request.node.name:
        monkeypatch.setattr(Cached, "get", lambda _, find: find())


async def test_an_answer_is_kept_for_a_second_and_shared(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks without pause makes the database look once a second, not once a call."""
    looks, look, asked, go_on = 0, outbox.depth, asyncio.Event(), asyncio.Event()

    async def slow() -> int:
        nonlocal looks
        looks += 1
        asked.set()
        await go_on.wait()
        return await look()

    monkeypatch.setattr(outbox, "depth", slow)
    asking = [asyncio.create_task(api.client.get("/metrics")) for _ in range(16)]
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    go_on.set()
    answers = {answer.text for answer in await asyncio.gather(*asking)}
    assert (looks, len(answers)) == (1, 1)
    while looks == 1:  # and after a second it looks again
        await scraped(api)
        await asyncio.sleep(0.1)
    assert Cached[int](1.0).seconds == 1


async def test_what_is_kept_is_found_anew_when_its_time_is_over() -> None:
    """And whoever is cut off does not take it from the others."""
    now, found = 100.0, 0
    kept: Cached[int] = Cached(1.0, lambda: now)

    async def find() -> int:
        nonlocal found
        await asyncio.sleep(0)
        found += 1
        return found

    impatient = asyncio.create_task(kept.get(find))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await kept.get(find) == 1
    now += 0.9
    assert await kept.get(find) == 1
    now += 0.2
    assert await kept.get(find) == 2


async def test_a_message_that_was_sent_is_counted_once_with_its_latency(api: Api) -> None:
    """Repeats under its key are none; neither are notices, nor what was refused."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    before = await scraped(api)
    for _ in range(3):
        body = {"text": "x", "bot_token": token}
        headers = {"idempotency-key": "k", "prefer": "wait=0"}
        await api.client.post("/api/send_message", json=body, headers=headers)
    await api.send("x" * 25)
    queued = await scraped(api)
    assert added(before, queued, "djangobot_accepted_total") == 1
    assert queued["djangobot_queue_messages"] == 1
    await api.deliver()
    await api.bot_token(await api.access())
    await api.deliver()
    after = await scraped(api)
    assert added(before, after, "djangobot_sent_total") == 1
    assert added(before, after, "djangobot_send_seconds_count") == 1
    assert 0 <= added(before, after, "djangobot_send_seconds_sum") < 30
    assert (after["djangobot_queue_messages"], after["djangobot_oldest_due_seconds"]) == (0, 0)


async def test_what_foreign_programs_send_is_counted_by_its_format(api: Api) -> None:
    """Each delivery once, edits included; not what is refused, and not what is nothing new."""
    token = await api.bot_token(await api.access())
    before = await scraped(api)
    firing, resolved = the("alertmanager", "firing"), the("alertmanager", "resolved")
    for one in (firing, resolved, firing, the("github", "push"), the("github", "push")):
        await api.client.post(f"/api/hook/{token}", content=one.content, headers=one.headers)
        await api.deliver()
    await api.client.post("/api/hook/7EVgXzmREWIf1qHsaYkegiQMa?as=json", content=b"{}")
    await api.client.post("/message", json={"message": "x"}, headers={"x-gotify-key": token})
    await api.client.put(f"/{token}", content=b"x")
    await api.send(token)
    after = await scraped(api)
    counted = {name: added(before, after, name) for name in after if "inlet_messages" in name}
    assert {name.partition("{")[2]: count for name, count in counted.items() if count} == {
        "alertmanager}": 2,
        "github}": 1,
        "gotify}": 1,
        "ntfy}": 1,
    }


@pytest.mark.parametrize(("reason", "label"), [("blocked", "blocked"), ("NEW_ERROR_777", "other")])
async def test_a_failure_is_counted_under_a_reason_from_a_closed_list(
    api: Api, reason: str, label: str
) -> None:
    """Telegram can't make time series without end."""
    token = await api.bot_token(await api.access())
    await api.send(token)
    before = await scraped(api)
    await api.deliver(reason)
    after = await scraped(api)
    assert added(before, after, f"djangobot_failed_total{{{label}}}") == 1
    assert reason == label or not [name for name in after if reason in name]


@pytest.mark.parametrize(("telegram", "value"), [("connected", 1), ("connecting", 0), ("off", 0)])
async def test_whether_telegram_is_connected_is_asked_at_each_scrape(
    api: Api, telegram: str, value: int
) -> None:
    """1 or 0."""
    api.telegram.state = telegram
    assert (await scraped(api))["djangobot_telegram_connected"] == value


@pytest.mark.parametrize("hangs", [True, False])
async def test_counts_are_shown_when_the_database_is_away(
    api: Api, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    """What it would tell is unknown, not zero: an alert on an old queue must not fall silent."""

    async def away() -> int:
        if hangs:
            await asyncio.Event().wait()
        raise DatabaseUnavailable

    monkeypatch.setattr(outbox, "depth", away)
    monkeypatch.setattr(door, "PATIENCE", 0.01)
    samples = await scraped(api)
    assert "djangobot_accepted_total" in samples
    assert math.isnan(samples["djangobot_queue_messages"])
    assert math.isnan(samples["djangobot_oldest_due_seconds"])


async def test_the_answer_is_prometheus_text_and_documented(api: Api) -> None:
    """Every name has our prefix, its help and its line in docs/http.md."""
    answer = await api.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    families = list(text_string_to_metric_families(answer.text))
    assert len(families) == len(list(metrics.REGISTRY.collect())) == 14
    table = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name.startswith("djangobot_")
        assert family.documentation
        assert f"`{name}" in table
