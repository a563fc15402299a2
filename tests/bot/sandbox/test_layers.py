"""Clients of every layer: each is answered in its own one."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from djangobot.bot.sandbox.mtproto import schema
from djangobot.bot.sandbox.testing import SandboxProcess

from .probe import CallError, Probe

SELF = {"_": "inputUserSelf"}


async def as_layer(probe: Probe, layer: int) -> Probe:
    """The probe's session goes on in another layer."""
    probe.layer, probe.schema = layer, schema.schema_for(layer)
    await probe.call({"_": "help.getConfig"}, init=True)
    return probe


def sending(layer: int, person: int) -> list[dict[str, Any]]:
    """What makes messages of every kind that a layer can say."""
    peer = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
    new = "keyboardInlineButton" in schema.schema_for(layer)
    button: dict[str, Any] = {"_": "keyboardButtonUrl", "text": "A", "url": "https://example.org"}
    reply: dict[str, Any] = {"_": "keyboardButtonRequestPhone", "text": "A"}
    if new:
        button = {"_": "keyboardInlineButton", "text": "A", "type": {**button, "_": "inlineButtonTypeUrl"}}
        reply = {"_": "keyboardButton", "text": "A", "type": {"_": "buttonTypeRequestPhone"}}
    inline_row = "keyboardInlineButtonRow" if new else "keyboardButtonRow"
    keyboards: list[dict[str, Any] | None] = [
        None,
        {"_": "replyInlineMarkup", "rows": [{"_": inline_row, "buttons": [button]}]},
        {"_": "replyKeyboardMarkup", "rows": [{"_": "keyboardButtonRow", "buttons": [reply]}]},
        {"_": "replyKeyboardHide"},
        {"_": "replyKeyboardForceReply"},
    ]
    request = {"_": "messages.sendMessage", "peer": peer, "message": f"layer {layer} @example"}
    return [
        {**request, "random_id": layer * 10 + number, "reply_markup": keyboard}
        for number, keyboard in enumerate(keyboards)
    ]


@pytest.fixture
async def probe(shared_sandbox: SandboxProcess) -> AsyncIterator[Probe]:
    """A connection without a key."""
    async with Probe(shared_sandbox) as made:
        yield made


async def test_a_bot_of_every_layer_is_answered_in_its_own(
    shared_sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """It sends every keyboard, reads itself, its messages and its updates."""
    number, person = new_id(), await shared_sandbox.person(id=new_id())
    await probe.sign_in(number)
    await shared_sandbox.say(person, "/start", number)
    for layer in schema.layers():
        await as_layer(probe, layer)
        state = await probe.call({"_": "updates.getState"})
        sent = [await probe.call(request) for request in sending(layer, person)]
        assert sent[0]["_"] == "updateShortSentMessage"
        assert {answer["_"] for answer in sent[1:]} == {"updates"}
        ids = [
            {"_": "inputMessageID", "id": answer.get("id") or answer["updates"][0]["id"]} for answer in sent
        ]
        found = (await probe.call({"_": "messages.getMessages", "id": ids}))["messages"]
        assert [message["message"] for message in found] == [f"layer {layer} @example"] * len(sent)
        assert [message.get("reply_markup", {"_": None})["_"] for message in found] == [
            request["reply_markup"] and request["reply_markup"]["_"] for request in sending(layer, person)
        ]
        missed = {"_": "updates.getDifference", "pts": state["pts"], "date": 0, "qts": state["qts"]}
        assert len((await probe.call(missed))["new_messages"]) == len(sent)
        assert (await probe.call({"_": "users.getFullUser", "id": SELF}))["full_user"]["bot_info"]
        [me] = await probe.call({"_": "users.getUsers", "id": [SELF]})
        assert (me["id"], me["is_self"]) == (number, True)


async def test_a_layer_that_nobody_knows_is_refused_by_its_number(
    shared_sandbox: SandboxProcess, probe: Probe
) -> None:
    """Older and newer ones get CONNECTION_LAYER_INVALID, and the journal names them; the session goes on."""
    await probe.make_key()
    for layer in (157, 230):
        probe.layer = layer
        with pytest.raises(CallError, match="CONNECTION_LAYER_INVALID"):
            await probe.call({"_": "help.getConfig"}, init=True)
        assert (await shared_sandbox.journal())["protocol"][f"layer {layer} refused"]
    await as_layer(probe, 229)


async def test_a_layer_between_two_is_answered_as_the_nearest_and_named(
    shared_sandbox: SandboxProcess, probe: Probe
) -> None:
    """The journal says so."""
    await probe.make_key()
    await as_layer(probe, 180)
    assert (await shared_sandbox.journal())["protocol"]["layer 180 answered as 179"]


async def test_the_data_centre_is_the_one_the_client_wanted(
    shared_sandbox: SandboxProcess, probe: Probe
) -> None:
    """TDLib asks for the configuration without end while it is another one."""
    probe.dc = 4
    await probe.make_key()
    assert (await probe.call({"_": "help.getConfig"}, init=True))["this_dc"] == 4
    assert (await probe.call({"_": "help.getNearestDc"}))["nearest_dc"] == 4
