"""Which network addresses downloads may connect to, and from names to such addresses.

The table is our own, after IANA's registries of special-purpose addresses
(iana-ipv4-special-registry, iana-ipv6-special-registry; RFC 6890), because `is_private` and
`is_global` of the module ipaddress differ between Python 3.9 and 3.15, and between patch versions.
"""

from __future__ import annotations

import queue
import socket
import threading
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from .._errors import MediaError
from .deadline import Deadline
from .item import Item

Address = Union[IPv4Address, IPv6Address]
SocketAddress = Union[Tuple[str, int], Tuple[str, int, int, int], Tuple[int, bytes]]

_NOT_PUBLIC_4 = (
    ("0.0.0.0/8", "unspecified (RFC 791)"),
    ("10.0.0.0/8", "private (RFC 1918)"),
    ("100.64.0.0/10", "shared by a provider's customers (RFC 6598)"),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("169.254.0.0/16", "link-local (RFC 3927)"),
    ("172.16.0.0/12", "private (RFC 1918)"),
    ("192.0.0.0/24", "reserved (RFC 6890)"),
    ("192.0.2.0/24", "for documentation (RFC 5737)"),
    ("192.88.99.0/24", "a 6to4 relay (RFC 7526)"),
    ("192.168.0.0/16", "private (RFC 1918)"),
    ("198.18.0.0/15", "for benchmarks (RFC 2544)"),
    ("198.51.100.0/24", "for documentation (RFC 5737)"),
    ("203.0.113.0/24", "for documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved (RFC 1112)"),
)
# Teredo (2001::/32) is within 2001::/23. It and 6to4 hold an IPv4 address of anybody's choice, and
# both are history, so all of them are refused.
_NOT_PUBLIC_6 = (
    ("::/128", "unspecified (RFC 4291)"),
    ("::1/128", "loopback (RFC 4291)"),
    ("2001::/23", "for protocols such as Teredo (RFC 2928)"),
    ("2001:db8::/32", "for documentation (RFC 3849)"),
    ("2002::/16", "6to4 (RFC 7526)"),
    ("3fff::/20", "for documentation (RFC 9637)"),
    ("fc00::/7", "private (RFC 4193)"),
    ("fe80::/10", "link-local (RFC 4291)"),
    ("fec0::/10", "site-local (RFC 3879)"),
    ("ff00::/8", "multicast (RFC 4291)"),
)
# The rest of IPv6 is not assigned, or local by its very form, as 64:ff9b:1::/48 (RFC 8215).
_GLOBAL_6 = IPv6Network("2000::/3")
# The last 32 bits are the IPv4 address that is reached: mapped (RFC 4291) and NAT64 (RFC 6052),
# which a machine without IPv4 gets for every public host.
_HOLDS_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

_NETWORKS_4 = tuple((IPv4Network(network), kind) for network, kind in _NOT_PUBLIC_4)
_NETWORKS_6 = tuple((IPv6Network(network), kind) for network, kind in _NOT_PUBLIC_6)


class Place(NamedTuple):
    """A resolved address to connect to, as the module socket takes it.

    Attributes:
        family: AF_INET or AF_INET6.
        address: Address and port.
    """

    family: int
    address: SocketAddress


def why_not_public(address: Address) -> Optional[str]:
    """Returns the kind of an address that is not public, such as "loopback (RFC 1122)"."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _NETWORKS_4 if address in network), None)
    if any(address in network for network in _HOLDS_IPV4):
        return why_not_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    for network, kind in _NETWORKS_6:
        if address in network:
            return kind
    return None if address in _GLOBAL_6 else "reserved (RFC 4291)"


def resolve(host: str, port: int, item: Item, deadline: Deadline) -> List[Place]:
    """Returns the addresses of a host, which are all public unless the policy allows others.

    The name is looked up once. A caller that connects to these very addresses cannot be sent
    elsewhere by a second answer of the name server.

    Raises:
        MediaError: an address is not public. One is enough: no honest host has both kinds.
        OSError: the name cannot be resolved (gaierror), or not in time (TimeoutError).
    """
    places = []
    for family, _, _, _, address in _lookup(host, port, deadline):
        if family in (socket.AF_INET, socket.AF_INET6):
            place = Place(family, address)
            if not item.policy.allow_private:
                _check_public(host, place, item)
            places.append(place)
    if not places:
        raise OSError(f"{host} has no IP address")
    return places


def _check_public(host: str, place: Place, item: Item) -> None:
    # An address may have a zone: fe80::1%eth0.
    address = ip_address(str(place.address[0]).partition("%")[0])
    kind = why_not_public(address)
    if kind is not None:
        raise MediaError(
            f"{item} is refused: the address of {host}, {address}, is {kind}\n"
            "Set MediaPolicy(allow_private=True) only if no stranger can write such URLs."
        )


_Found = Sequence[Tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]]


def _lookup(host: str, port: int, deadline: Deadline) -> _Found:
    """Returns getaddrinfo()'s answer, which has no time limit of its own.

    Waiting for another thread also lets Ctrl-C through. A thread that is given up ends with the
    system's own limits.
    """
    answers: queue.SimpleQueue[Union[_Found, Exception]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # raised below, in the thread that asked
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
