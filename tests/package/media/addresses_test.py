"""Downloads connect to public addresses only, whatever a URL looks like."""

from __future__ import annotations

import ipaddress
import random

import pytest
from servers import Network, redirect, response, serving

from llama_cpp import MediaError
from llama_cpp._media.addresses import why_not_public
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import load_bytes

# Host of a URL -> the address that it means, and its kind. The system reads these forms of
# addresses (inet_aton(3), RFC 4291), not a name server.
REFUSED = {
    "127.0.0.1": "127.0.0.1, is loopback",
    "127.255.255.254": "127.255.255.254, is loopback",
    "127.1": "127.0.0.1, is loopback",
    "0x7f.1": "127.0.0.1, is loopback",
    "0x7f000001": "127.0.0.1, is loopback",
    "0177.0.0.1": "127.0.0.1, is loopback",
    "2130706433": "127.0.0.1, is loopback",
    "017700000001": "127.0.0.1, is loopback",
    "\u2460\u2461\u2466.0.0.1": "127.0.0.1, is loopback",  # digits in circles
    "127\u30020\u30020\u30021": "127.0.0.1, is loopback",  # full stops of Chinese
    "[::1]": "::1, is loopback",
    "[0:0:0:0:0:0:0:1]": "::1, is loopback",
    "[::ffff:127.0.0.1]": "127.0.0.1|::ffff:7f00:1, is loopback",
    "[::ffff:7f00:1]": "127.0.0.1|::ffff:7f00:1, is loopback",
    "[::ffff:a9fe:a9fe]": "169.254.169.254|::ffff:a9fe:a9fe, is link-local",
    "[::127.0.0.1]": "::7f00:1, is reserved",
    "[::ffff:0:127.0.0.1]": "::ffff:0:7f00:1, is reserved",
    "[64:ff9b::127.0.0.1]": "64:ff9b::7f00:1, is loopback",
    "[64:ff9b::a00:1]": "64:ff9b::a00:1, is private",
    "[64:ff9b:1::8.8.8.8]": "64:ff9b:1::808:808, is reserved",
    "[2002:7f00:1::]": "2002:7f00:1::, is 6to4",
    "[2002:808:808::1]": "2002:808:808::1, is 6to4",
    "[2001:0:7f00:1:0:0:80ff:fffe]": "2001:0:7f00:1::80ff:fffe, is for protocols such as Teredo",
    "[2001:db8::1]": "2001:db8::1, is for documentation",
    "[3fff::1]": "3fff::1, is for documentation",
    "[100::1]": "100::1, is reserved",
    "[5f00::1]": "5f00::1, is reserved",
    "[fd00:ec2::254]": "fd00:ec2::254, is private",
    "[fc00::1]": "fc00::1, is private",
    "[fe80::1]": "fe80::1, is link-local",
    "[fec0::1]": "fec0::1, is site-local",
    "[ff02::1]": "ff02::1, is multicast",
    "[::]": "::, is unspecified",
    "0.0.0.0": "0.0.0.0, is unspecified",
    "0": "0.0.0.0, is unspecified",
    "0.1.2.3": "0.1.2.3, is unspecified",
    "10.0.0.1": "10.0.0.1, is private",
    "172.16.0.1": "172.16.0.1, is private",
    "172.31.255.255": "172.31.255.255, is private",
    "192.168.0.1": "192.168.0.1, is private",
    "169.254.169.254": "169.254.169.254, is link-local",
    "100.64.0.1": "100.64.0.1, is shared",
    "100.100.100.200": "100.100.100.200, is shared",
    "192.0.0.192": "192.0.0.192, is reserved",
    "192.0.2.1": "192.0.2.1, is for documentation",
    "192.88.99.1": "192.88.99.1, is a 6to4 relay",
    "198.18.0.1": "198.18.0.1, is for benchmarks",
    "198.51.100.1": "198.51.100.1, is for documentation",
    "203.0.113.1": "203.0.113.1, is for documentation",
    "224.0.0.1": "224.0.0.1, is multicast",
    "239.255.255.255": "239.255.255.255, is multicast",
    "240.0.0.1": "240.0.0.1, is reserved",
    "255.255.255.255": "255.255.255.255, is reserved",
}
# Next to the networks above, and in use.
PUBLIC = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:db7:ffff::1",
    "2001:db9::",
    "2003::",
    "3ffe:ffff::1",
    "3fff:1000::",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]
PICTURE = b"a picture"


@pytest.mark.parametrize("host", REFUSED, ids=ascii)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_is_refused_and_nothing_is_connected_to(
    host: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[object] = []
    monkeypatch.setattr("socket.socket.connect", lambda _, address: connections.append(address))
    address, _, kind = REFUSED[host].partition(", is ")
    expected = "|".join(f"{each.replace('.', '[.]')}, is {kind}" for each in address.split("|"))
    with pytest.raises(MediaError, match=f"{expected}.*\n.*allow_private"):
        load_bytes(f"{scheme}://{host}:8080/latest/meta-data", MediaPolicy(allow_http=True))
    assert connections == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost."])
def test_localhost_is_refused_by_its_address(host: str, network: Network) -> None:
    network.names = {"localhost": [["127.0.0.1"]], "localhost.": [["::1"]]}
    with pytest.raises(MediaError, match="is loopback"):
        load_bytes(f"https://{host}/", MediaPolicy())
    assert network.connections == []


@pytest.mark.parametrize("address", PUBLIC)
def test_it_is_public(address: str) -> None:
    assert why_not_public(ipaddress.ip_address(address)) is None


def random_addresses() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Returns addresses from everywhere, those of IPv6 with many zeros."""
    draw = random.Random(20)
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = []
    for _ in range(3000):
        found.append(ipaddress.IPv4Address(draw.getrandbits(32)))
        start = draw.choice([0, 0x64, 0x100, 0x2001, 0x2002, 0x3FFF, draw.getrandbits(16)])
        rest = draw.getrandbits(112) & draw.choice([(1 << 112) - 1, (1 << 104) - 1, (1 << 32) - 1])
        found.append(ipaddress.IPv6Address(start << 112 | rest))
    return found


def test_nothing_that_this_python_calls_not_global_is_taken() -> None:
    """Holds for each version of the module ipaddress; ours is the stricter one."""
    local = [
        address
        for address in random_addresses()
        if not address.is_global or address.is_multicast or address.is_reserved
    ]
    assert len(local) > 1000
    assert [str(address) for address in local if why_not_public(address) is None] == []


def test_a_server_on_this_machine_needs_two_permissions() -> None:
    with serving(response(PICTURE)) as server:
        url = f"http://127.0.0.1:{server.port}/picture"
        with pytest.raises(MediaError, match="http: URL.*\n.*allow_http=True"):
            load_bytes(url, MediaPolicy())
        with pytest.raises(MediaError, match="http: URL.*\n.*allow_http=True"):
            load_bytes(url, MediaPolicy(allow_private=True))
        with pytest.raises(MediaError, match="127.0.0.1, is loopback"):
            load_bytes(url, MediaPolicy(allow_http=True))
        assert server.n_connections == 0
        assert load_bytes(url, MediaPolicy(allow_http=True, allow_private=True)) == PICTURE
        assert server.n_connections == 1


def test_a_public_host_is_connected_to_at_its_address(network: Network) -> None:
    network.names = {"pictures.example": [["1.2.3.4"]]}
    with serving(response(PICTURE)) as server:
        network.servers = {("1.2.3.4", 8080): server.port}
        assert load_bytes("http://pictures.example:8080/", MediaPolicy(allow_http=True)) == PICTURE
    assert network.connections == [("1.2.3.4", 8080)]


def test_the_next_address_is_tried(network: Network) -> None:
    network.names = {"pictures.example": [["1.2.3.4", "1.2.3.5"]]}
    with serving(response(PICTURE)) as server:
        network.servers = {("1.2.3.5", 80): server.port}
        assert load_bytes("http://pictures.example/", MediaPolicy(allow_http=True)) == PICTURE
    assert network.connections == [("1.2.3.4", 80), ("1.2.3.5", 80)]


@pytest.mark.parametrize("addresses", [["1.2.3.4", "10.0.0.1"], ["::1", "1.2.3.4"]])
def test_one_private_address_is_enough(network: Network, addresses: list[str]) -> None:
    network.names = {"pictures.example": [addresses]}
    with pytest.raises(MediaError, match="is private|is loopback"):
        load_bytes("http://pictures.example/", MediaPolicy(allow_http=True))
    assert network.connections == []


def test_the_second_answer_of_a_name_server_changes_nothing(network: Network) -> None:
    """A name that is public when it is checked, and private when it is connected to."""
    network.names = {"rebinding.example": [["1.2.3.4"], ["127.0.0.1"]]}
    with serving(response(PICTURE)) as public, serving(response(b"secret")) as private:
        network.servers = {("1.2.3.4", 80): public.port, ("127.0.0.1", 80): private.port}
        policy = MediaPolicy(allow_http=True)
        assert load_bytes("http://rebinding.example/", policy) == PICTURE
        assert network.lookups == ["rebinding.example"]
        assert network.connections == [("1.2.3.4", 80)]
        with pytest.raises(MediaError, match="rebinding.example, 127.0.0.1, is loopback"):
            load_bytes("http://rebinding.example/", policy)
        assert private.n_connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://private.example/",
        "//private.example/",
        "http://127.0.0.1/",
        "http://0x7f.1/",
        "http://[::1]/",
    ],
)
def test_a_redirect_to_a_private_address_is_refused(network: Network, location: str) -> None:
    network.names = {
        "public.example": [["1.2.3.4"]],
        "private.example": [["10.0.0.1"]],
        "127.0.0.1": [["127.0.0.1"]],
        "0x7f.1": [["127.0.0.1"]],
        "::1": [["::1"]],
    }
    with serving(redirect(location)) as public:
        network.servers = {("1.2.3.4", 80): public.port}
        with pytest.raises(MediaError, match=r"redirected to http://.*is (private|loopback)"):
            load_bytes("http://public.example/", MediaPolicy(allow_http=True))
    assert network.connections == [("1.2.3.4", 80)]


def test_a_redirect_to_the_same_host_is_looked_up_again(network: Network) -> None:
    network.names = {"rebinding.example": [["1.2.3.4"], ["169.254.169.254"]]}
    with serving(redirect("/latest/meta-data")) as public:
        network.servers = {("1.2.3.4", 80): public.port}
        with pytest.raises(MediaError, match="169.254.169.254, is link-local"):
            load_bytes("http://rebinding.example/", MediaPolicy(allow_http=True))
    assert network.connections == [("1.2.3.4", 80)]
