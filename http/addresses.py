"""Whose address a call comes from when proxies stand between: X-Forwarded-For, as far as it is trusted."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 20
"""Proxies one behind the other; what stands further left is not looked at."""


class Trusted:
    """The proxies that are believed: DJANGOBOT_TRUSTED_PROXIES."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(network) for network in networks)
        self._is_one = lru_cache(maxsize=10_000)(self._poll)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: str) -> bool:
        return bool(self._networks) and self._is_one(host)

    def _poll(self, host: str) -> bool:
        address = address_in(host)
        return address is not None and any(address in network for network in self._networks)

    def caller(self, peer: str, forwarded: Sequence[bytes]) -> str:
        """Who calls through `peer`. Each proxy adds at the right whom it was called by, so this reads from
        the right up to the first who is no proxy of ours; what is no address ends it, too."""
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
    None for anything else. IPv4 written as IPv6 is IPv4."""
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
    if address.scope_id is not None:  # a network card's name, by whoever wrote it
        return None
    return address.ipv4_mapped or address


def _is_port(text: str) -> bool:
    """Nothing, or a colon and a port."""
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6)
