"""A person's list of chats, and what is found in one."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

from ...probe import Probe

BOTS = 5


@pytest.fixture
def bots(new_id: Callable[[], int]) -> list[int]:
    """The ids of bots, in the order in which the person has written to them."""
    return [new_id() for _ in range(BOTS)]


@pytest.fixture
async def number(shared_sandbox: SandboxProcess, new_id: Callable[[], int]) -> int:
    """The person's id."""
    return await shared_sandbox.person(id=new_id())


@pytest.fixture
async def person(shared_sandbox: SandboxProcess, number: int, bots: list[int]) -> AsyncIterator[Probe]:
    """A person who has written to each bot."""
    async with Probe(shared_sandbox) as probe:
        for bot in bots:
            await probe.sign_in(bot)
            await shared_sandbox.say(number, f"hello {bot}", bot)
        await probe.sign_in_person(number)
        yield probe


async def page(person: Probe, last: dict[str, Any] | None, limit: int) -> dict[str, Any]:
    """The chats after the last one of the page before."""
    request: dict[str, Any] = {"_": "messages.getDialogs", "limit": limit, "hash": 0}
    offset: dict[str, Any] = {"offset_date": 0, "offset_id": 0, "offset_peer": {"_": "inputPeerEmpty"}}
    if last is not None:
        peer = {"_": "inputPeerUser", "user_id": last["peer"]["user_id"], "access_hash": 0}
        offset |= {"offset_id": last["top_message"], "offset_peer": peer}
    found: dict[str, Any] = await person.call({**request, **offset})
    return found


async def test_the_list_of_chats_comes_in_pages_and_ends(person: Probe, bots: list[int]) -> None:
    """Clients ask on from the last chat until a page is empty; the count is always of all."""
    seen: list[int] = []
    last: dict[str, Any] | None = None
    while dialogs := (found := await page(person, last, 2))["dialogs"]:
        assert (found["_"], found["count"]) == ("messages.dialogsSlice", BOTS)
        assert [message["id"] for message in found["messages"]] == [one["top_message"] for one in dialogs]
        seen += [one["peer"]["user_id"] for one in dialogs]
        last = dialogs[-1]
    assert seen == bots[::-1]
    assert (await page(person, None, BOTS))["_"] == "messages.dialogs"


async def test_nothing_is_archived_and_nothing_is_pinned(person: Probe) -> None:
    """The folder of the archive is empty; there are no pinned chats and no filters."""
    first = {"offset_date": 0, "offset_id": 0, "offset_peer": {"_": "inputPeerEmpty"}, "limit": 9, "hash": 0}
    archived = await person.call({"_": "messages.getDialogs", "folder_id": 1, **first})
    assert archived["dialogs"] == []
    assert (await person.call({"_": "messages.getPinnedDialogs", "folder_id": 0}))["dialogs"] == []
    assert await person.call({"_": "messages.getDialogFilters"}) == []


async def test_chats_are_shown_by_their_peers(person: Probe, bots: list[int]) -> None:
    """In the order asked, with the state to go on from."""
    users = (await page(person, None, BOTS))["users"]
    known = {user["id"]: user["access_hash"] for user in users}
    peers = [{"_": "inputPeerUser", "user_id": bot, "access_hash": known[bot]} for bot in bots[:2]]
    asked = [{"_": "inputDialogPeer", "peer": peer} for peer in peers]
    found = await person.call({"_": "messages.getPeerDialogs", "peers": asked})
    assert [dialog["peer"]["user_id"] for dialog in found["dialogs"]] == bots[:2]
    assert found["state"]["pts"] > BOTS


async def test_messages_are_found_by_their_text_and_their_kind(
    shared_sandbox: SandboxProcess, person: Probe, number: int, bots: list[int]
) -> None:
    """Whatever the letters' case; a filter for photos finds no texts."""
    users = (await page(person, None, BOTS))["users"]
    known = {user["id"]: user["access_hash"] for user in users}
    request = {
        "_": "messages.search",
        "peer": {"_": "inputPeerUser", "user_id": bots[0], "access_hash": known[bots[0]]},
        "filter": {"_": "inputMessagesFilterEmpty"},
        **dict.fromkeys(("min_date", "max_date", "offset_id", "add_offset", "max_id", "min_id", "hash"), 0),
        "limit": 1,
    }
    for text in ("Straße one", "two", "STRASSE three"):
        await shared_sandbox.say(number, text, bots[0])
    found = await person.call({**request, "q": "strasse"})
    assert (found["count"], [message["message"] for message in found["messages"]]) == (2, ["STRASSE three"])
    photos = {"filter": {"_": "inputMessagesFilterPhotos"}}
    assert (await person.call({**request, "q": "", **photos}))["messages"] == []
