"""The database's address: what DATABASE_URL may contain, and how it is passed to the driver and to
PostgreSQL's own tools. It is checked before anything connects. No error text shows what may be a password."""

import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from djangobot.db import fields

MASK = "•••"
SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
EXPECTED = "expected sqlite:///path/to/file or postgresql://user:password@host/name"
ENCODE = (
    "percent-encode what is special in its user, password and name "
    "(@ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25, a space %20)"
)

UNDERSTOOD = {
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "sslcrl", "sslpassword"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib"),
}
"""asyncpg reads these from an address as libpq does (postgresql.org/docs/current/libpq-connect.html)."""
OURS = {
    "application_name",
    "connect_timeout",
    "fallback_application_name",
    "hostaddr",
    "options",
    "schema",
    "ssl",
}
"""We pass these to the driver ourselves. `schema` and `ssl` come from Prisma and node-postgres."""
OTHERS_OF_LIBPQ = {
    *("channel_binding", "client_encoding", "gssdelegation", "gssencmode", "keepalives", "keepalives_count"),
    *("keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication", "require_auth"),
    *("requirepeer", "requiressl", "scram_client_key", "scram_server_key", "sslcertmode", "sslcompression"),
    *("sslcrldir", "sslkeylogfile", "sslsni", "tcp_user_timeout", "min_protocol_version"),
    *("max_protocol_version",),
}
"""libpq knows these and the driver does not. They are dropped for the driver and passed on to pg_dump and
pg_restore."""
OTHERS_OF_CLIENTS = {
    *("connection_limit", "max_overflow", "pgbouncer", "pool_max_conns", "pool_min_conns", "pool_mode"),
    *("pool_recycle", "pool_size", "pool_timeout", "prepared_statements", "prepareThreshold"),
    *("preparedStatementCacheQueries", "prepared_statement_cache_size", "socket_timeout", "sslaccept"),
    *("sslidentity", "statement_cache_mode", "statement_cache_size", "supa", "uselibpqcompat", "workaround"),
}
"""Hosting providers and other libraries write these into an address. They say nothing about the connection,
so they are dropped."""
SSL_WORDS = {"false": "disable", "0": "disable", "off": "disable", "no": "disable"}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def database_url(environ: Mapping[str, str]) -> str:
    """DATABASE_URL, or the SQLite file in the data folder."""
    given = environ.get("DATABASE_URL", "").strip()
    return given or f"{SQLITE}{environ.get('DJANGOBOT_DATA', '').strip() or 'data'}/djangobot.sqlite"


def is_sqlite(url: str) -> bool:
    """Whether the address is SQLite's. Otherwise it is PostgreSQL's."""
    return url.startswith(SQLITE)


def check(url: str) -> str:
    """Returns the address unchanged. Raises ValueError with a sentence for one that can't be used."""
    if is_sqlite(url):
        _check_sqlite(url.removeprefix(SQLITE))
    elif url.startswith(POSTGRES):
        _check_postgres(url)
    else:
        raise ValueError(_other_scheme(url))
    return url


def _other_scheme(url: str) -> str:
    found = re.match(r"([a-z][a-z0-9]{1,20})((?:\+[a-z0-9_]{1,20})?):", url, re.IGNORECASE)
    if found is None:
        return EXPECTED
    scheme, driver = found[1].lower(), found[2]
    if scheme in ("postgresql", "postgres"):
        return f"write postgresql:// instead of {scheme}{driver}:" if driver else EXPECTED
    if scheme == "sqlite":
        return "write sqlite:///path for a relative path, sqlite:////path for an absolute one"
    return f"{scheme} is not supported: {EXPECTED}"


def _check_sqlite(path: str) -> None:
    if not path:
        raise ValueError("a path belongs behind sqlite:///")
    if is_too_long(path):
        raise ValueError("its path is too long, or a part of it")
    if path.startswith(":memory:"):
        raise ValueError(
            "a database in memory would be gone with every restart: write sqlite:///path/to/file"
        )
    if found := re.search(r"\?([A-Za-z_]{1,40})=", path):
        raise ValueError(f"sqlite:/// takes no parameters: leave ?{found[1]} out")


def is_too_long(path: str) -> bool:
    """Whether the path is longer than Linux and macOS allow (limits.h: PATH_MAX, NAME_MAX), with room for
    names of files beside it."""
    return len(path.encode()) > 1000 or any(len(part.encode()) > 240 for part in path.split("/"))


def _check_postgres(url: str) -> None:
    if re.search(r"[\s\x00-\x1f\x7f]", url) or re.search(r"%(?![0-9A-Fa-f]{2})|%00", url):
        raise ValueError(ENCODE)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"its host is not right; {ENCODE}") from None
    if parts.fragment or url.endswith("#") or parts.netloc.count("@") > 1 or "@" in parts.path + parts.query:
        raise ValueError(ENCODE)
    if parts.netloc.rpartition("@")[0].count(":") > 1:
        raise ValueError(ENCODE)
    for host in parts.netloc.rpartition("@")[2].split(","):
        _check_port(re.sub(r"^(\[[^\]]*\]|[^:\[\]]*)", "", host).removeprefix(":"))
    _check_parameters(_parameters(parts.query))


def _check_parameters(given: Mapping[str, str]) -> None:
    for port in given.get("port", "").split(","):
        _check_port(port)
    if given.get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(SSL_MODES)}")
    if not re.fullmatch(r"-?[0-9]{1,6}", given.get("connect_timeout", "0")):
        raise ValueError("connect_timeout is a number of seconds")
    if not re.fullmatch(r"\w{1,63}", given.get("schema", "public")):
        raise ValueError("schema is the name of one schema")


def _check_port(port: str) -> None:
    if port and fields.whole_number(port, 1, 65535) is None:
        raise ValueError(f"its port is no number from 1 to 65535; {ENCODE}")


def _parameters(query: str) -> dict[str, str]:
    """The parameters of an address. Of several with one name the last counts, as in libpq. Raises ValueError
    for an unknown one."""
    found = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]{1,40}", name):
            raise ValueError(f"behind its ? belongs name=value&name=value; {ENCODE}")
        if name not in UNDERSTOOD | OURS | OTHERS_OF_LIBPQ | OTHERS_OF_CLIENTS:
            raise ValueError(
                f"there is no parameter {name}: libpq's are understood, "
                "a setting of the server is written options=-c%20name%3Dvalue"
            )
        if value:
            found[name] = unquote(value)
    if "ssl" in found:
        found.setdefault("sslmode", SSL_WORDS.get(found.pop("ssl").lower(), "require"))
    return found


def for_driver(url: str) -> dict[str, Any]:
    """The arguments of asyncpg.connect for an address that was checked."""
    parts = urlsplit(url)
    given = _parameters(parts.query)
    said: dict[str, Any] = {}
    if seconds := max(0, int(given.get("connect_timeout", "0"))):
        said["timeout"] = float(max(2, seconds))  # libpq: 1 is rounded to 2, 0 waits for ever
    settings: dict[str, str] = {}
    settings |= {name: given[name] for name in ("application_name", "options") if name in given}
    if "fallback_application_name" in given:
        settings.setdefault("application_name", given["fallback_application_name"])
    if given.get("schema", "public") != "public":
        settings["search_path"] = given["schema"]
    if settings:
        said["server_settings"] = settings
    if "hostaddr" in given and not parts.netloc.rpartition("@")[2]:
        given.setdefault("host", given["hostaddr"])
    if given.get("sslrootcert") == "system":
        del given["sslrootcert"]
        said["ssl"] = ssl.create_default_context()
    return {"dsn": _with(url, {name: given[name] for name in given if name in UNDERSTOOD}), **said}


def for_tools(url: str, database: str | None = None) -> tuple[str, dict[str, str]]:
    """The address for pg_dump and pg_restore, or of another database on that server, and the passwords. These
    go into the environment, because everybody on the machine can read arguments."""
    parts = urlsplit(url)
    given = _parameters(parts.query)
    user, _, host = parts.netloc.rpartition("@")
    user, _, password = user.partition(":")
    password = unquote(password) or given.pop("password", "")
    if database is not None:
        given.pop("dbname", None)
        given.pop("database", None)
    elif "database" in given:
        given["dbname"] = given.pop("database")
    ours = UNDERSTOOD - {"database", "gsslib", "password"} | OTHERS_OF_LIBPQ
    ours |= {"application_name", "connect_timeout", "fallback_application_name", "hostaddr", "options"}
    address = urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))
    if database is not None:
        address = urlunsplit(urlsplit(address)._replace(path=f"/{quote(database, safe='')}"))
    address = _with(address, {name: value for name, value in given.items() if name in ours})
    return address, {"PGPASSWORD": password} if password else {}


def _with(url: str, parameters: Mapping[str, str]) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    parts = urlsplit(url)
    text = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return f"{text}?{query}" if query else text


def without_secrets(text: str) -> str:
    """An address without its password, which may contain any character up to the last @, and without its
    query string, where drivers accept passwords too."""
    if "://" not in text or text.startswith("sqlite:"):
        return text
    masked = re.sub(r"(://[^:@/?#]*)[:/?#].*@", rf"\1:{MASK}@", text, flags=re.DOTALL)
    return re.sub(r"\?.*", f"?{MASK}", masked, flags=re.DOTALL)
