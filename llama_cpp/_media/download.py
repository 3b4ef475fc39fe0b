"""Downloads a file that a stranger may have named, from nowhere but where the policy allows.

Environment variables for proxies are ignored: a proxy would look the host's name up itself, so the
address that was checked here need not be the one that the bytes come from. Programs behind a proxy
download the file themselves and pass its bytes.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from typing import TYPE_CHECKING, List, NoReturn, Union

from .._errors import MediaError
from . import urls
from .addresses import Place, resolve
from .deadline import Deadline
from .files import read_to_end
from .item import Item, short, url_label

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_REDIRECTS = (301, 302, 303, 307, 308)
_FIELDS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "llama-cpp-python",
}
_CHECK = "Check the URL, or download it in your program and pass the file's bytes."


def download(url: str, item: Item) -> bytes:
    """Returns the file at an `http:` or `https:` URL.

    Every address is checked before it is connected to, also those of redirects. Certificates are
    verified against the host's name. Nothing is decompressed, and nothing but status 200 is taken.

    Raises:
        MediaError: the policy refuses the URL or an address; the file is too large or did not
            arrive in time; the server cannot be reached or does not have it.
    """
    deadline = Deadline(item.policy.timeout)
    first = item.label
    for _ in range(item.policy.max_redirects + 1):
        found = _get(url, item, deadline)
        if isinstance(found, bytes):
            return found
        url = found
        item = item._replace(label=f"{first} (redirected to {url_label(url)})")
    raise MediaError(
        f"{item} is refused: it is redirected more than {item.policy.max_redirects} times\n"
        "Pass the URL at which the redirects end."
    )


def _get(url: str, item: Item, deadline: Deadline) -> Union[bytes, str]:
    """Returns the bytes at a URL, or the URL that it is redirected to."""
    target = urls.http_url(url, item)
    try:
        with _connect(target, item, deadline) as connected:
            return _request(target, _TimedSocket(connected, deadline), item)
    except MediaError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        _raise(error, target, item)


def _raise(error: Exception, target: urls.HttpUrl, item: Item) -> NoReturn:
    # socket.timeout is a class of its own before Python 3.10.
    if isinstance(error, (TimeoutError, socket.timeout)):
        raise MediaError(
            f"{item} did not arrive within {item.policy.timeout:g} seconds\n"
            "Try again, or set MediaPolicy(timeout=...)."
        ) from None
    if isinstance(error, socket.gaierror):
        reason = f"the host {target.host} is unknown ({error.strerror})"
    elif isinstance(error, ssl.SSLCertVerificationError):
        reason = f"the certificate of {target.host} is invalid ({error.verify_message})"
    elif isinstance(error, http.client.HTTPException):
        reason = f"the server does not keep to HTTP ({type(error).__name__}: {short(str(error))})"
    else:
        reason = short(str(error)) or type(error).__name__
    raise MediaError(f"{item} cannot be downloaded: {reason}\n{_CHECK}") from None


# ---- the connection


def _connect(target: urls.HttpUrl, item: Item, deadline: Deadline) -> socket.socket:
    places = resolve(target.host, target.port, item, deadline)
    connected = _connect_to_any(places, deadline)
    if target.scheme == "http":
        return connected
    try:
        connected.settimeout(deadline.left())
        # A name with its root's dot has the same certificate (RFC 6066, section 3).
        return ssl.create_default_context().wrap_socket(
            connected, server_hostname=target.host.rstrip(".")
        )
    except BaseException:
        connected.close()
        raise


def _connect_to_any(places: List[Place], deadline: Deadline) -> socket.socket:
    """Returns a connection to the first address that answers; each has its share of the time."""
    for index, place in enumerate(places):
        candidate = socket.socket(place.family, socket.SOCK_STREAM)
        try:
            candidate.settimeout(deadline.left() / (len(places) - index))
            candidate.connect(place.address)
            return candidate
        except BaseException as error:
            candidate.close()
            if index == len(places) - 1 or not isinstance(error, OSError):
                raise
    raise AssertionError("resolve() returns at least one address")


class _TimedReader(io.RawIOBase):
    """The bytes of a socket, until the deadline.

    A timeout of the socket itself would begin anew with every byte of a slow server.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)


class _TimedSocket:
    """The part of a socket that http.client uses, with a deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._socket, self._deadline))

    def close(self) -> None:
        """Does nothing: the socket is closed by its owner."""


# ---- the request


def _request(target: urls.HttpUrl, connected: _TimedSocket, item: Item) -> Union[bytes, str]:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = connected
    connection.request("GET", target.target, headers={"Host": target.host_header, **_FIELDS})
    with connection.getresponse() as response:
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return urls.redirect(target, location)
        if response.status != 200:
            reason = short(response.reason)
            raise MediaError(
                f"{item} cannot be downloaded: the server answers {response.status} {reason}\n"
                f"{_CHECK}"
            )
        _check_encoding(response, item)
        return _body(response, item)


def _check_encoding(response: http.client.HTTPResponse, item: Item) -> None:
    for field, plain in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        encoding = response.getheader(field, plain)
        if encoding.strip().lower() != plain:
            raise MediaError(
                f"{item} is refused: the server sends it with the {field} {short(encoding)}\n"
                "Download it in your program, and pass the file's bytes."
            )


def _body(response: http.client.HTTPResponse, item: Item) -> bytes:
    if response.length is not None:
        item.check_length(response.length)
    data = read_to_end(response.read, item)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return data
