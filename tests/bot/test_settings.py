"""Settings: typed, complete, and every error names its variable."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from djangobot.bot.environment import SettingsError
from djangobot.bot.sandbox.mtproto.rsa_key import RsaKey
from djangobot.bot.settings import NAMES, load, trouble_with
from djangobot.db.engine.address import without_secrets

TELEGRAM = {
    "DJANGOBOT_API_ID": "12345",
    "DJANGOBOT_API_HASH": "0123456789abcdef0123456789abcdef",
    "DJANGOBOT_BOT_TOKEN": f"110201543:{'made-up':-<35}",
}


def test_nothing_set_means_the_documented_defaults() -> None:
    """An empty environment is SQLite in ./data, port 8000 on loopback, guidance rates."""
    settings = load({})
    assert settings.database_url.startswith("sqlite:///")
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8000)
    assert (settings.rate_chat, settings.rate_total) == (1.0, 30.0)
    assert settings.send_wait == 5.0
    assert settings.limit_send == 0


def test_what_telegram_needs_is_listed_by_name() -> None:
    """`run` can say which variables are missing."""
    assert load({}).missing_for_telegram() == list(TELEGRAM)
    assert load(TELEGRAM).missing_for_telegram() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJANGOBOT_API_ID", "twelve"),
        ("DJANGOBOT_BOT_TOKEN", "no-colon"),
        ("DJANGOBOT_ADMINS", "1001,@alex"),
        ("DJANGOBOT_HTTP_PORT", "70000"),
        ("DJANGOBOT_HTTP_PORT", "0"),
        ("DJANGOBOT_TELEGRAM_SERVER", "localhost"),
        ("DJANGOBOT_TELEGRAM_KEY", "/nowhere/key.pem"),
        ("DJANGOBOT_LOG_FORMAT", "xml"),
        ("DJANGOBOT_RATE_CHAT", "-1"),
        ("DJANGOBOT_RATE_TOTAL", "nan"),
        ("DJANGOBOT_LIMIT_SEND", "1.5"),
        ("DJANGOBOT_SEND_WAIT", "61"),
        ("DJANGOBOT_JWT_SECRET", "short"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DJANGOBOT_NO_SUCH", "1"),
        ("DJANGOBOT_API_HASH", "zz"),
        ("DJANGOBOT_API_HASH", "0" * 31),
        ("DJANGOBOT_API_HASH", "0" * 33),
        ("DJANGOBOT_BOT_TOKEN", "110201543:short"),
        ("DJANGOBOT_BOT_TOKEN", "١١٠:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        ("DJANGOBOT_BOT_TOKEN", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PA Dsaw"),
        ("DJANGOBOT_HTTP_HOST", "http://127.0.0.1"),
        ("DJANGOBOT_HTTP_HOST", "127.0.0.1:8000"),
        ("DJANGOBOT_HTTP_HOST", "[127.0.0.1]"),
        ("DJANGOBOT_HTTP_HOST", "a" * 300),
        ("DJANGOBOT_HTTP_HOST", "unix:http.sock"),
        ("DJANGOBOT_HTTP_HOST", "unix:/run/"),
        ("DJANGOBOT_HTTP_HOST", "unix:/run/http.sock?mode=999"),
        ("DJANGOBOT_HTTP_HOST", "unix:/run/" + "a" * 100),
        ("DJANGOBOT_HTTP_PORT", "８０００"),
        ("DJANGOBOT_RATE_CHAT", "1e-9"),
        ("DJANGOBOT_RATE_CHAT", "inf"),
        ("DJANGOBOT_PUBLIC_URL", "https://bot:pw@example.org"),
        ("DJANGOBOT_PUBLIC_URL", "https://example.org/?a=1"),
        ("DJANGOBOT_PUBLIC_URL", "https://[::1"),
        ("DJANGOBOT_PUBLIC_URL", "https://example.org:99999"),
        ("DJANGOBOT_TELEGRAM_SERVER", "127.0.0.1:8443"),
        ("DATABASE_URL", "sqlite:///:memory:"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    """Nobody has to guess which variable is meant."""
    with pytest.raises(SettingsError, match=name):
        load({name: value})


def test_all_wrong_values_are_told_at_once() -> None:
    """One run shows everything there is to mend."""
    with pytest.raises(SettingsError) as caught:
        load({"DJANGOBOT_API_ID": "x", "DJANGOBOT_HTTP_PORT": "y"})
    assert len(caught.value.problems) == 2


def test_a_secret_never_stands_in_an_error() -> None:
    """A token pasted into the wrong shape must not end in a log."""
    with pytest.raises(SettingsError) as caught:
        load({"DJANGOBOT_BOT_TOKEN": "pasted-without-its-number"})
    assert "pasted" not in str(caught.value)


def test_admins_and_server_are_read(tmp_path: Path) -> None:
    """Lists and addresses come typed."""
    key = tmp_path / "key.pem"
    key.write_text(RsaKey(2**2047 + 1, 65537, 0).pem())
    settings = load(
        {
            "DJANGOBOT_ADMINS": "1001, 1002",
            "DJANGOBOT_TELEGRAM_SERVER": "127.0.0.1:8443",
            "DJANGOBOT_TELEGRAM_KEY": str(key),
        }
    )
    assert settings.admins == (1001, 1002)
    assert settings.telegram_server == ("127.0.0.1", 8443)


def test_every_setting_is_documented() -> None:
    """docs/settings.md is complete."""
    documented = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in documented] == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://bot:hidden@db.example.org/bot", "postgresql://bot:•••@db.example.org/bot"),
        ("postgresql://bot:hid@hid/hid#hid@db/bot", "postgresql://bot:•••@db/bot"),
        ("postgresql://db/bot?user=bot&password=hidden", "postgresql://db/bot?•••"),
        ("postgresql://bot@db/bot", "postgresql://bot@db/bot"),
        ("sqlite:////srv/a@b/c.sqlite", "sqlite:////srv/a@b/c.sqlite"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    """However the password is written."""
    assert without_secrets(url) == shown


def test_the_database_in_force_is_shown_without_its_password() -> None:
    """As /config shows it."""
    loaded = load({"DATABASE_URL": "postgresql://bot:hidden@db.example.org/bot?sslpassword=hidden"})
    in_force = {one.name: one.value for one in loaded.in_force()}
    assert in_force["DATABASE_URL"] == "postgresql://bot:•••@db.example.org/bot?•••"


def test_settings_in_force_say_where_they_come_from(tmp_path: Path) -> None:
    """Each variable once; secrets masked; those made for us are told apart from those given."""
    given = {**TELEGRAM, "DJANGOBOT_DATA": str(tmp_path), "DJANGOBOT_SESSION_KEY": "k" * 32}
    in_force = {one.name: one for one in load(given).prepared().in_force()}
    assert set(in_force) == set(NAMES)
    assert (in_force["DJANGOBOT_HTTP_PORT"].value, in_force["DJANGOBOT_HTTP_PORT"].origin) == (
        "8000",
        "default",
    )
    assert in_force["DATABASE_URL"].origin == "default"
    assert in_force["DJANGOBOT_JWT_SECRET"].origin == "generated"
    assert in_force["DJANGOBOT_SESSION_KEY"].origin == "set"
    for name in ("API_HASH", "BOT_TOKEN", "JWT_SECRET", "SESSION_KEY"):
        assert in_force[f"DJANGOBOT_{name}"].value == "•••"


def test_inlets_are_some_of_three_or_none() -> None:
    """In any order, with spaces; a wrong one is one sentence."""
    assert load({}).inlets == ("hook", "gotify", "ntfy")
    assert load({"DJANGOBOT_INLETS": "ntfy, hook"}).inlets == ("hook", "ntfy")
    assert load({"DJANGOBOT_INLETS": "none"}).inlets == ()
    with pytest.raises(SettingsError, match=r"DJANGOBOT_INLETS.*some of: hook, gotify, ntfy"):
        load({"DJANGOBOT_INLETS": "hook,slack"})


def test_who_may_register_is_one_of_three() -> None:
    with pytest.raises(SettingsError, match=r"DJANGOBOT_REGISTRATION.*open, closed, invite"):
        load({"DJANGOBOT_REGISTRATION": "Invite"})


def test_trusted_proxies_are_addresses_and_networks() -> None:
    """Of both kinds; what is shown of them is what was meant."""
    settings = load({"DJANGOBOT_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,[::1]"})
    assert settings.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    shown = {entry.name: entry.value for entry in settings.in_force()}
    assert shown["DJANGOBOT_TRUSTED_PROXIES"] == "127.0.0.1/32,10.0.0.0/8,::1/128"


@pytest.mark.parametrize(
    "value", ["*", "proxy.example.org", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1;::1", ","]
)
def test_what_is_no_network_is_no_trusted_proxy(value: str) -> None:
    """A name may point elsewhere tomorrow."""
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES.*like 127"):
        load({"DJANGOBOT_TRUSTED_PROXIES": value})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("DJANGOBOT_BOTTOKEN", "DJANGOBOT_BOT_TOKEN"),
        ("DJANGOBOT_API_HAHS", "DJANGOBOT_API_HASH"),
        ("DJANGO_BOT_API_ID", "DJANGOBOT_API_ID"),
        ("djangobot_admins", "DJANGOBOT_ADMINS"),
        ("DJANGOBOT_DATABASE_URL", "DATABASE_URL"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(written: str, meant: str) -> None:
    """Letters left out or swapped, other underscores, small letters."""
    with pytest.raises(SettingsError, match=rf"{written}: there is no such setting; did you mean {meant}\?"):
        load({written: "1"})


def test_a_secret_in_the_wrong_variable_is_not_shown_either() -> None:
    """Two lines of a .env file are easily mixed up."""
    token = TELEGRAM["DJANGOBOT_BOT_TOKEN"]
    wrong = dict.fromkeys(("API_ID", "ADMINS", "HTTP_PORT", "HTTP_HOST", "LOG_FORMAT", "PUBLIC_URL"), token)
    with pytest.raises(SettingsError) as refused:
        load({f"DJANGOBOT_{name}": value for name, value in wrong.items()})
    assert len(refused.value.problems) == len(wrong)
    assert "made-up" not in str(refused.value)


def test_an_address_in_brackets_is_taken_and_shown_as_an_address() -> None:
    """IPv6 with its port is read only in brackets."""
    settings = load({"DJANGOBOT_HTTP_HOST": "[::1]"})
    assert settings.http_host == "::1"
    assert settings.address == settings.listening == "http://[::1]:8000"


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])  # noqa: S104 - read, not bound
def test_a_door_that_listens_everywhere_is_shown_at_an_address_that_can_be_reached(everywhere: str) -> None:
    """Nobody can call http://0.0.0.0; the log says where it listens all the same."""
    settings = load({"DJANGOBOT_HTTP_HOST": everywhere})
    host = urlsplit(settings.address).hostname
    assert host
    assert not ip_address(host).is_unspecified
    assert urlsplit(settings.listening).hostname == everywhere
    public = load({"DJANGOBOT_HTTP_HOST": everywhere, "DJANGOBOT_PUBLIC_URL": "https://bot.example.org/"})
    assert public.address == "https://bot.example.org"


def test_a_data_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    """A file in its place, or one on the way to it, or a place that is none."""
    (tmp_path / "file").touch()
    for data in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/data")):
        with pytest.raises(SettingsError, match=r"DJANGOBOT_DATA: the folder .* can't be used"):
            load({"DJANGOBOT_DATA": str(data)}).prepared()
        assert trouble_with(data)


def test_a_unix_socket_needs_the_address_that_programs_use() -> None:
    """Nobody could be shown a path."""
    socket = {"DJANGOBOT_HTTP_HOST": "unix:/run/djangobot/http.sock?mode=660"}
    with pytest.raises(SettingsError, match="HTTP_HOST: a Unix socket needs DJANGOBOT_PUBLIC_URL"):
        load(socket)
    settings = load({**socket, "DJANGOBOT_PUBLIC_URL": "https://bot.example.org"})
    assert settings.address == "https://bot.example.org"
    assert settings.listening == settings.http_host == socket["DJANGOBOT_HTTP_HOST"]


@pytest.mark.parametrize(
    ("written", "path"), [("/notify", "/notify"), ("/a/b-c.d/", "/a/b-c.d"), ("/", ""), ("", "")]
)
def test_a_base_path_is_part_of_the_address(written: str, path: str) -> None:
    """Where nothing else says where programs reach the API."""
    assert load({"DJANGOBOT_BASE_PATH": written}).address == f"http://127.0.0.1:8000{path}"


@pytest.mark.parametrize("wrong", ["notify", "/a//b", "/a b", "/../x", "/a?b", "/ä", "/" + "a" * 200])
def test_a_base_path_is_a_plain_path(wrong: str) -> None:
    """What a proxy might write in another way is refused."""
    with pytest.raises(SettingsError, match="DJANGOBOT_BASE_PATH"):
        load({"DJANGOBOT_BASE_PATH": wrong})
