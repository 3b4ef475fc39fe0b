"""Takes URLs apart, strictly: two readings of the same text are how checks are evaded."""

from __future__ import annotations

import re
import string
from ipaddress import IPv6Address
from typing import NamedTuple, Optional
from urllib.parse import quote, urljoin, urlsplit

from .._errors import MediaError
from .item import Item

# RFC 3986, section 3.1, but for schemes of one letter, which are Windows' drives.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
# Python's urlsplit() removes some of the characters below U+0020, in some versions only; browsers
# take a backslash as a slash.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# RFC 3986, section 3.2, without user names, zones (RFC 6874) and addresses of the future.
_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]*))(?::(?P<port>[0-9]{0,5}))?"
)
# RFC 1123 with the underscores that exist in practice, 253 characters at most (RFC 1035).
_HOST = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}")
_PORTS = {"http": 80, "https": 443}


class HttpUrl(NamedTuple):
    """An `http:` or `https:` URL.

    Attributes:
        text: The URL itself, the base of relative ones.
        scheme: "http" or "https".
        host: Name or IP address in ASCII and lower case, an IPv6 address without brackets.
        port: Port to connect to.
        target: Path and query, in ASCII, as a request has them.
    """

    text: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """Returns the value of the field Host (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def scheme(text: str) -> Optional[str]:
    """Returns the scheme of a URL in lower case, None for texts that are paths or base64."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else None


def http_url(text: str, item: Item) -> HttpUrl:
    """Takes an `http:` or `https:` URL apart.

    Raises MediaError if the policy does not allow it, if it has a user name, or if it is malformed.
    """
    found = scheme(text)
    if found not in _PORTS:
        raise MediaError(f"{item} is refused: only https: URLs are downloaded\nPass such a URL.")
    if found == "http" and not item.policy.allow_http:
        raise MediaError(
            f"{item} is refused: an http: URL is neither secret nor authentic\n"
            "Write https:, or set MediaPolicy(allow_http=True)."
        )
    if _AMBIGUOUS.search(text):
        raise MediaError(
            f"{item} is refused: its URL has a space, a control character or a backslash\n"
            "Percent-encode such characters: %20 is a space."
        )
    try:
        return _split(text, found, item)
    except ValueError as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(
            f"{item} is refused: its URL is malformed ({error})\n"
            "Write it as https://host/path, as a browser shows it."
        ) from None


def redirect(base: HttpUrl, location: str) -> str:
    """Returns the URL that a redirect leads to.

    `location` is a header field as http.client has it: each character is a byte. Raises ValueError.
    """
    return urljoin(base.text, quote(location, safe=string.punctuation, encoding="latin-1"))


def _split(text: str, scheme: str, item: Item) -> HttpUrl:
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise MediaError(
            f"{item} is refused: its URL has a user name\n"
            "Download it in your program, and pass the file's bytes."
        )
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None:
        raise ValueError("it is not of the form host:port")
    if authority["ipv6"]:
        host = str(IPv6Address(authority["ipv6"]))
    else:
        host = _host_name(authority["name"])
    port = int(authority["port"] or _PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port}")
    # All of ASCII's punctuation may stand in a target; whitespace is refused above.
    target = quote(parts.path or "/", safe=string.punctuation)
    if parts.query:
        target += "?" + quote(parts.query, safe=string.punctuation)
    return HttpUrl(text, scheme, host, port, target)


def _host_name(name: str) -> str:
    """Returns a host's name in ASCII and lower case. Raises ValueError."""
    if not name.isascii():
        if len(name) > 253:  # the codec takes quadratic time
            raise ValueError("the host's name is too long")
        name = name.encode("idna").decode("ascii")
    if not _HOST.fullmatch(name.lower()):
        raise ValueError("it has no valid host")
    return name.lower()
