"""The database's address: what is understood, what is refused in a sentence, and what is never shown."""

import ssl

import pytest

from djangobot.db.engine import address

UNFIT = [
    ("mysql://x", "mysql is not supported"),
    ("postgresql+asyncpg://x", r"write postgresql:// instead of postgresql\+asyncpg:"),
    ("postgres+psycopg2://x", "write postgresql://"),
    ("sqlite+aiosqlite:///x", "write sqlite:///"),
    ("sqlite://x", "write sqlite:///path"),
    ("sqlite:///", "a path belongs"),
    ("sqlite:///:memory:", "in memory"),
    ("sqlite:///x.sqlite?timeout=30", r"no parameters: leave \?timeout out"),
    ("data.sqlite", "expected sqlite:///"),
    ("postgresql://u@h/d?nonsense=1", "no parameter nonsense"),
    ("postgresql://u@h/d?search_path=x", "options=-c"),
    ("postgresql://u@h/d?sslmode=no", "sslmode is one of"),
    ("postgresql://u@h/d?connect_timeout=soon", "number of seconds"),
    ("postgresql://u@h:99999/d", "port"),
    ("postgresql://u@h/d?port=x", "port"),
]
WITH_PASSWORDS = [
    "postgresql://u:topsec?ret@127.0.0.1/db",
    "postgresql://u:topsec#ret@127.0.0.1/db",
    "postgresql://u:topsec/ret@127.0.0.1/db",
    "postgresql://u:topsec@ret@127.0.0.1/db",
    "postgresql://u:topsec:ret@127.0.0.1/db",
    "postgresql://u:topsec%ret@127.0.0.1/db",
    "postgresql://u:topsec ret@127.0.0.1/db",
    "postgresql://u:topsec[ret@127.0.0.1/db",
    "postgresql://u:topsec@127.0.0.1?ret=x@127.0.0.1/db",
    "postgresql://u:topsec",
    "postgresql://u@127.0.0.1/db?topsec",
    "topsec://ret",
    "topsec",
]


@pytest.mark.parametrize(("url", "says"), UNFIT)
def test_an_address_that_cannot_be_used_is_refused_with_the_fix(url: str, says: str) -> None:
    """In a sentence; it is no driver's exception later on."""
    with pytest.raises(ValueError, match=says):
        address.check(url)


@pytest.mark.parametrize("url", WITH_PASSWORDS)
def test_no_part_of_a_password_is_shown_when_an_address_is_refused(url: str) -> None:
    """Nor when it can't be taken apart; it says what to percent-encode."""
    with pytest.raises(ValueError, match=r".") as refused:
        address.check(url)
    said = str(refused.value).replace("topsec is not supported", "")
    assert "topsec" not in said
    assert "ret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40ss%3Aw%2Fo%3Frd@db.example.org:5432/name",
        "postgres://u@[::1]:5432/d",
        "postgresql://h1:5432,h2:5433/d?target_session_attrs=read-write",
        "postgresql:///d?host=/run/postgresql&user=u%40tenant",
        "postgresql://",
        "sqlite:////srv/a@b/c%20d.sqlite",
        "sqlite:///data/djangobot.sqlite",
    ],
)
def test_a_good_address_is_taken_as_it_is(url: str) -> None:
    """Percent-encoded passwords, several hosts, IPv6, sockets."""
    assert address.check(url) == url


def test_what_hosters_write_into_an_address_is_understood_or_dropped() -> None:
    """The driver gets what it knows, the rest does not stop it."""
    given = (
        "postgresql://u:p@h/d?sslmode=require&channel_binding=require&connect_timeout=10&schema=public"
        "&pgbouncer=true&application_name=bot%20one&keepalives=1&options=-c%20jit%3Doff"
    )
    address.check(given)
    said = address.for_driver(given)
    assert said["dsn"] == "postgresql://u:p@h/d?sslmode=require"
    assert said["timeout"] == 10.0
    assert said["server_settings"] == {"application_name": "bot one", "options": "-c jit=off"}


def test_other_spellings_of_what_the_driver_knows_are_translated() -> None:
    """`ssl=true`, a schema of one's own, the system's certificates, an address without a name."""
    assert address.for_driver("postgresql://h/d?ssl=true")["dsn"].endswith("?sslmode=require")
    assert address.for_driver("postgresql://h/d?ssl=false")["dsn"].endswith("?sslmode=disable")
    own = address.for_driver("postgresql://h/d?schema=bot")
    assert own["server_settings"] == {"search_path": "bot"}
    system = address.for_driver("postgresql://h/d?sslmode=verify-full&sslrootcert=system")
    assert system["ssl"].verify_mode == ssl.CERT_REQUIRED
    assert system["ssl"].check_hostname
    assert address.for_driver("postgresql:///d?hostaddr=127.0.0.1")["dsn"].endswith("?host=127.0.0.1")


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:top%40sec@h/d?sslmode=require&pgbouncer=true", "postgresql://h/d?password=top%40sec"],
)
def test_the_tools_get_the_password_by_the_environment(url: str) -> None:
    """Never as an argument, which everybody on the machine can read; and no parameter that libpq lacks."""
    said, passwords = address.for_tools(url, "other")
    assert passwords == {"PGPASSWORD": "top@sec"}
    assert "top" not in said
    assert "pgbouncer" not in said
    assert "/other" in said
