"""How a person wants it: kept, obeyed, and right on the days when clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from djangobot.db.delivery import outbox
from djangobot.db.people import chat_settings, chats
from djangobot.db.people.chat_settings import ChatSettings

from ..conftest import World


async def test_what_a_person_changes_is_kept_and_the_rest_stays(world: World) -> None:
    """One change after another; nobody else's."""
    person, other = await world.person(), await world.person()
    await chats.change_settings(person.id, language="ru")
    assert await chats.change_settings(person.id, zone="Europe/Moscow") == ChatSettings(
        language="ru", zone="Europe/Moscow"
    )
    found = await chats.get(person.id)
    assert found is not None
    assert found.chat_settings == ChatSettings(language="ru", zone="Europe/Moscow")
    assert found.language_tag == "ru"
    untouched = await chats.get(other.id)
    assert untouched is not None
    assert untouched.settings == chat_settings.UNCHANGED


async def test_the_chosen_language_is_spoken_by_deliveries_too(world: World) -> None:
    """It overrides Telegram's for what the outbox sends."""
    person = await world.person()
    await chats.change_settings(person.id, language="ru")
    await outbox.add_notice("linked", person.id, world.now)
    (message,) = await world.deliver()
    assert (chat_settings.read(message.settings).language, message.language) == ("ru", "en")
    await chats.change_settings(person.id, language="")
    await outbox.add_notice("linked", person.id, world.now)
    (message,) = await world.deliver()
    assert (message.settings, message.language) == (chat_settings.UNCHANGED, "en")


def test_settings_of_another_version_are_read_as_far_as_they_are_known() -> None:
    """An unknown field, or no JSON at all, keeps nobody's messages back."""
    assert chat_settings.read('{"language":"ru","later":1}').language == "ru"
    assert chat_settings.read("nonsense") == ChatSettings()
    assert chat_settings.read('{"quiet_mode":"other"}') == ChatSettings()


@pytest.mark.parametrize(
    ("name", "offset"),
    [("", 0), ("UTC+05:30", 330), ("UTC-03:00", -180), ("Asia/Tokyo", 540), ("Nowhere/Land", 0)],
)
def test_a_zone_is_a_name_or_an_offset(name: str, offset: int) -> None:
    """One this machine does not know is UTC."""
    moment = datetime(2026, 1, 1, tzinfo=UTC).astimezone(chat_settings.zone_named(name))
    assert moment.utcoffset() == timedelta(minutes=offset)
