"""Finds pinned files in the Python index that the user's own pip settings name.

Run by the repository rules of //bazel/pip with the host's Python. Prints one JSON object,
``{"urls": {FILE: [...]}, "reasons": {FILE: ...}, "differ": [FILE, ...]}``: a file that can't be had
has no addresses and one sentence, and is in the last if the index lists it with another SHA-256.

With ``--served`` the pins are files whose download failed. They are read, and ``{FILE: message}``
is printed of those that have other bytes.

For tools/bump, which pins files, ``--list PACKAGE`` prints ``{"certificate": ..., "files": [[name,
url, sha256], ...], "reasons": [...]}``.

The index is asked as the Simple repository API says: JSON (PEP 691) where the server offers it,
HTML (PEP 503) as the fallback. Nothing of the package is executed or unpacked here.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import html.parser
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Iterator, NamedTuple

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
TIMEOUT_SECONDS = 60
# Requests at a time; an answer takes a fraction of a second, most of it waiting.
THREADS = 8


class IndexFile(NamedTuple):
    """One file as an index lists it; ``sha256`` is empty where the index gives none."""

    name: str
    url: str
    sha256: str


class OtherHashError(LookupError):
    """The index lists the file, with another SHA-256 than the pinned one."""


class PipSettings(NamedTuple):
    """The places that the user's pip searches, in pip's own order."""

    indexes: list[str]
    find_links: list[str]
    certificate: str


def pip_settings() -> PipSettings:
    """Reads pip's configuration files and environment, as pip itself merges them."""
    values = _pip_config_values()
    default = _default_index()
    indexes = [values.get("index-url", default), *values.get("extra-index-url", "").split()]
    return PipSettings(
        indexes=[index for index in indexes if index],
        find_links=values.get("find-links", "").split(),
        certificate=values.get("cert", ""),
    )


def _pip_config_values() -> dict[str, str]:
    """Returns ``pip config list``; a command's or variable's value wins over a global one."""
    listing = subprocess.run(
        [sys.executable, "-E", "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    by_section: dict[str, dict[str, str]] = {}
    for line in listing.stdout.splitlines():
        key, _, quoted = line.partition("=")
        section, _, name = key.strip().rpartition(".")
        by_section.setdefault(section, {})[name] = quoted.strip().strip("'\"").replace("\\n", " ")
    merged: dict[str, str] = {}
    for section in ("global", "install", "download", ":env:"):
        merged.update(by_section.get(section, {}))
    # A Python without pip still honours pip's environment variables.
    for name in ("index-url", "extra-index-url", "find-links", "cert"):
        value = os.environ.get("PIP_" + name.replace("-", "_").upper())
        if value:
            merged[name] = value
    return merged


def _default_index() -> str:
    """Returns pip's own default index, a constant of pip, so that no host is named here."""
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        return ""
    return PyPI.simple_url


class _Links(html.parser.HTMLParser):
    """Collects the anchors of a PEP 503 project page."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.hrefs.append(href)


def parse_project_page(base: str, content_type: str, body: bytes) -> Iterator[IndexFile]:
    """Yields the files of a project page, JSON or HTML, with absolute addresses."""
    if "json" in content_type:
        for entry in json.loads(body)["files"]:
            yield IndexFile(
                name=entry["filename"],
                url=urllib.parse.urljoin(base, entry["url"]),
                sha256=entry.get("hashes", {}).get("sha256", ""),
            )
        return
    page = _Links()
    page.feed(body.decode("utf-8", "replace"))
    for href in page.hrefs:
        address = urllib.parse.urlsplit(urllib.parse.urljoin(base, href))
        match = re.match(r"sha256=([0-9a-f]{64})$", address.fragment)
        yield IndexFile(
            name=urllib.parse.unquote(address.path.rsplit("/", 1)[-1]),
            url=urllib.parse.urlunsplit(address._replace(fragment="")),
            sha256=match.group(1) if match else "",
        )


def _read(address: str, certificate: str) -> tuple[str, str, bytes]:
    """Returns a page's (final address, content type, body); index.html for a `file:` directory."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "file":
        page = Path(urllib.request.url2pathname(parts.path)) / "index.html"
        return page.as_uri(), "text/html", page.read_bytes()
    request = urllib.request.Request(address, headers={"Accept": ACCEPT})
    with _open(request, certificate) as reply:
        return reply.geturl(), reply.headers.get("Content-Type", ""), reply.read()


def _open(request: urllib.request.Request | str, certificate: str) -> urllib.response.addinfourl:
    context = ssl.create_default_context(cafile=certificate or None)
    return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context)


def project_page(index: str, package: str) -> str:
    """Address of a package's page on an index (PEP 503 normalised name, trailing slash)."""
    normalized = re.sub(r"[-_.]+", "-", package).lower()
    return f"{index.rstrip('/')}/{normalized}/"


def find_urls(settings: PipSettings, package: str, file: str, sha256: str) -> list[str]:
    """Returns addresses that should serve ``file``; LookupError with one sentence if none does.

    It is an OtherHashError if an index lists the file with another SHA-256.
    """
    urls: list[str] = []
    differs = False
    looked_at: list[str] = []
    for folder in settings.find_links:
        path = Path(folder) / file
        if path.is_file():
            urls.append(path.resolve().as_uri())
    for index in settings.indexes:
        try:
            base, content_type, body = _read(project_page(index, package), settings.certificate)
            listed = [
                entry
                for entry in parse_project_page(base, content_type, body)
                if entry.name == file
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            looked_at.append(f"the index gave no page ({_reason(error)})")
            continue
        if not listed:
            looked_at.append("the index lists no such file")
        for entry in listed:
            if entry.sha256 and entry.sha256 != sha256:
                differs = True
                looked_at.append(f"the index lists it with another sha256 ({entry.sha256})")
                continue
            urls.append(entry.url)
    if urls:
        return urls
    if not settings.indexes and not settings.find_links:
        looked_at.append("pip names no index")
    raise (OtherHashError if differs else LookupError)(
        f"{file} (package {package}) can't be had from the index of your pip settings: "
        f"{'; '.join(looked_at)}. Check `pip config list`, or try "
        f"`pip download --no-deps {package}` to see pip's own words."
    )


def find_all(settings: PipSettings, pins: list[tuple[str, str, str]]) -> dict[str, dict]:
    """Returns the addresses of each file of ``(package, file, sha256)``, or the reason for none."""
    urls: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    differ: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        found = {pin[1]: threads.submit(find_urls, settings, *pin) for pin in pins}
    for file, future in found.items():
        try:
            urls[file] = future.result()
        except LookupError as error:
            urls[file], reasons[file] = [], str(error)
            if isinstance(error, OtherHashError):
                differ.append(file)
    return {"urls": urls, "reasons": reasons, "differ": differ}


def other_bytes(settings: PipSettings, package: str, file: str, sha256: str) -> str:
    """Returns an error message if the addresses of ``file`` serve other bytes than the pinned ones.

    Else "": one serves the pinned bytes, or none can be read.
    """
    try:
        urls = find_urls(settings, package, file, sha256)
    except LookupError:
        return ""
    served = {_served_sha256(url, settings.certificate) for url in urls} - {""}
    if not served or sha256 in served:
        return ""
    return (
        f"{file} (package {package}) is pinned with the sha256 {sha256}, and the index of your pip "
        f"settings serves it with {', '.join(sorted(served))}\n"
        f"Compare with `pip download --no-deps {package}`, and correct the pin"
    )


def _served_sha256(url: str, certificate: str) -> str:
    """Returns "" if the address can't be read to its end."""
    try:
        with _open(url, certificate) as reply:
            # read(size) would not raise when the connection breaks.
            return hashlib.sha256(reply.read()).hexdigest()
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def all_other_bytes(settings: PipSettings, pins: list[tuple[str, str, str]]) -> dict[str, str]:
    """Returns file -> message for the files of which :func:`other_bytes` has one."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        found = {pin[1]: threads.submit(other_bytes, settings, *pin) for pin in pins}
    return {file: future.result() for file, future in found.items() if future.result()}


def list_files(settings: PipSettings, package: str) -> tuple[list[IndexFile], list[str]]:
    """Returns every file of a package, and for each index that gave no page the reason."""
    files = [
        IndexFile(path.name, path.resolve().as_uri(), "")
        for folder in settings.find_links
        for path in sorted(Path(folder).glob("*"))
    ]
    reasons: list[str] = []
    for index in settings.indexes:
        try:
            base, content_type, body = _read(project_page(index, package), settings.certificate)
            files += parse_project_page(base, content_type, body)
        except (OSError, ValueError, KeyError, TypeError) as error:
            reasons.append(f"an index gave no page: {_reason(error)}")
    return files, reasons


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def main() -> int:
    if sys.argv[1:2] == ["--list"]:
        settings = pip_settings()
        files, reasons = list_files(settings, *sys.argv[2:])
        print(json.dumps(dict(certificate=settings.certificate, files=files, reasons=reasons)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--served", action="store_true", help="compare the bytes of the files")
    parser.add_argument("pins", nargs="+", metavar="PACKAGE FILE SHA256")
    arguments = parser.parse_args()
    words = arguments.pins
    if len(words) % 3:
        parser.error("a pin is a package, a file, and its SHA-256")
    answer = all_other_bytes if arguments.served else find_all
    print(json.dumps(answer(pip_settings(), list(zip(words[::3], words[1::3], words[2::3])))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
