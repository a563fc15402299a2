"""Where a call comes from: its address, also behind trusted proxies, and the network it belongs to."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.types import Scope

from djangobot.db.fields import whole_number

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
"""The key of a call without an address. A client can't choose it."""

LOCAL = "local"
"""The key of a call through a Unix socket that names no address. A client can't choose it, either."""

MOST_HOPS = 20
"""Proxies in a chain that are read. Entries further left are ignored."""


class Trusted:
    """The proxies that are trusted: DJANGOBOT_TRUSTED_PROXIES."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(network) for network in networks)
        self._is_one = lru_cache(maxsize=10_000)(self._poll)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: str) -> bool:
        return host == LOCAL or (bool(self._networks) and self._is_one(host))

    def _poll(self, host: str) -> bool:
        address = address_in(host)
        return address is not None and any(address in network for network in self._networks)

    def caller(self, peer: str, forwarded: Sequence[bytes]) -> str:
        """The address of the caller behind `peer`. Each proxy adds its own caller at the right. So this reads
        from the right up to the first address that is no proxy of ours. It also stops at text that is no
        address."""
        caller = peer
        hops = b",".join(forwarded).rsplit(b",", MOST_HOPS)[-MOST_HOPS:] if forwarded else []
        for hop in reversed(hops):
            if caller not in self:
                break
            address = address_in(hop.decode("latin-1"))
            if address is None:
                break
            caller = str(address)
        return caller


def address_in(text: str) -> Address | None:
    """The address in `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`;
    None for anything else. IPv4 written as IPv6 is returned as IPv4."""
    text = text.strip(" \t")
    if len(text) > 64:
        return None
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host or not _is_port(port):
            return None
        text = host
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:  # the name of a network card, which anybody can write
        return None
    return address.ipv4_mapped or address


def _is_port(text: str) -> bool:
    """Whether the text is empty, or a colon and a port."""
    return not text or (text[0] == ":" and whole_number(text[1:], 0, 65535) is not None)


def address_of(scope: Scope) -> str:
    """The key of limits by address: an IPv4 address, or an IPv6 address's /64."""
    client = scope.get("client")
    if client is None:  # a Unix socket
        return LOCAL
    try:
        address = ip_address(client[0])
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


def network_of(scope: Scope) -> str:
    """The network of a call, as people are told: an IPv4 address's /24, an IPv6 address's /64."""
    client = scope.get("client")
    return LOCAL if client is None else _network(client[0])


@lru_cache(maxsize=10_000)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


@lru_cache(maxsize=10_000)
def neighbourhood(address: str) -> str:
    """The network in which one owner may have many addresses: an IPv4 /24, or an IPv6 /48, the network of a
    site."""
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return address
    prefix = 24 if network.version == 4 else 48
    return str(network.supernet(new_prefix=prefix)) if network.prefixlen > prefix else str(network)
