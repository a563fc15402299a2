"""Settings: typed, complete, and every error names its variable."""

import stat
from pathlib import Path

import pytest

from djangobot.bot import doctor
from djangobot.bot.settings import NAMES, SettingsError, load

TELEGRAM = {
    "DJANGOBOT_API_ID": "12345",
    "DJANGOBOT_API_HASH": "0123456789abcdef",
    "DJANGOBOT_BOT_TOKEN": "110201543:made-up",
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
    key.touch()
    settings = load(
        {
            "DJANGOBOT_ADMINS": "1001, 1002",
            "DJANGOBOT_TELEGRAM_SERVER": "127.0.0.1:8443",
            "DJANGOBOT_TELEGRAM_KEY": str(key),
        }
    )
    assert settings.admins == (1001, 1002)
    assert settings.telegram_server == ("127.0.0.1", 8443)


def test_the_jwt_secret_is_generated_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Access tokens outlive a restart, and nobody else can read what signs them."""
    settings = load({"DJANGOBOT_DATA": str(tmp_path / "data")})
    first, second = settings.prepared(), settings.prepared()
    assert len(first.jwt_secret) >= 32
    assert first.jwt_secret == second.jwt_secret
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "jwt_secret").stat().st_mode) == 0o600


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
    in_force = {one.name: one.value for one in load({"DATABASE_URL": url}).in_force()}
    assert in_force["DATABASE_URL"] == shown


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


@pytest.mark.parametrize(
    ("registration", "more", "says"),
    [
        ("", {}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "::1"}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "localhost"}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "warning: open to everybody who reaches the API"),  # noqa: S104
        ("open", {"DJANGOBOT_HTTP_HOST": "::"}, "warning: open to everybody who reaches the API"),
        ("open", {"DJANGOBOT_PUBLIC_URL": "https://bot.example.org"}, "(DJANGOBOT_PUBLIC_URL)"),
        ("invite", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "DJANGOBOT_REGISTRATION=invite"),  # noqa: S104
        ("closed", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "DJANGOBOT_REGISTRATION=closed"),  # noqa: S104
    ],
)
def test_doctor_says_when_anybody_may_register(registration: str, more: dict[str, str], says: str) -> None:
    """Open is the default, and meant for one machine; others hear what to set."""
    finding = doctor._registration(load({"DJANGOBOT_REGISTRATION": registration, **more}))
    assert finding.good
    assert says in finding.says


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
    ("environ", "good", "says"),
    [
        ({}, True, "not believed"),
        ({"DJANGOBOT_TRUSTED_PROXIES": "127.0.0.1"}, True, "believed from 127.0.0.1"),
        ({"DJANGOBOT_TRUSTED_PROXIES": "127.0.0.1,0.0.0.0/0"}, False, "every address"),
        ({"DJANGOBOT_PUBLIC_URL": "https://bot.example.org"}, True, "DJANGOBOT_TRUSTED_PROXIES"),
    ],
)
def test_the_doctor_looks_at_the_trusted_proxies(environ: dict[str, str], good: bool, says: str) -> None:
    """All programs behind a proxy that is not named share its limits; who trusts all has none."""
    finding = doctor._proxies(load(environ))
    assert (finding.good, says in finding.says) == (good, True)
