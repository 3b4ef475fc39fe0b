"""Serves a directory that `wheel_index` wrote, on this machine only: serve.py FOLDER [--port PORT].

It answers GET and HEAD, chooses between a directory's HTML and JSON page by the Accept header (PEP
691), and never leaves the directory: the duties of a package index's host, no more.
"""

from __future__ import annotations

import argparse
import http.server
import shutil
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Callable, Optional
from urllib.parse import unquote, urlsplit

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = "application/vnd.pypi.simple.v1+html"
_PLAIN_HTML = "text/html; charset=utf-8"

# Media type of a request -> (page in the directory, Content-Type of the answer); the server's
# preference comes first.
_REPRESENTATIONS = {
    _JSON: ("index.v1_json", _JSON),
    "application/vnd.pypi.simple.latest+json": ("index.v1_json", _JSON),
    _HTML: ("index.html", _HTML),
    "application/vnd.pypi.simple.latest+html": ("index.html", _HTML),
    "text/html": ("index.html", _PLAIN_HTML),
}

_CONTENT_TYPES = {
    ".html": _PLAIN_HTML,
    ".json": "application/json",
    ".metadata": "text/plain; charset=utf-8",
    ".v1_json": _JSON,
    ".whl": "application/octet-stream",
}


def _qualities(accept: str) -> dict[str, float]:
    """Returns media type -> quality of an Accept header; an unreadable quality counts as none."""
    qualities = {}
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            qualities[media_type] = float(quality)
        except ValueError:
            qualities[media_type] = 0.0
    return qualities


def negotiate(accept: str, has_json: bool) -> tuple[str, str]:
    """Returns (page, Content-Type) for a directory; plain HTML if no requested type exists."""
    qualities = _qualities(accept)
    best, best_quality = _REPRESENTATIONS["text/html"], 0.0
    for media_type, representation in _REPRESENTATIONS.items():
        is_page = has_json or media_type == "text/html"
        if is_page and qualities.get(media_type, 0.0) > best_quality:
            best, best_quality = representation, qualities[media_type]
    return best


class _Handler(http.server.BaseHTTPRequestHandler):
    # With Content-Length on every answer a client may keep its connection.
    protocol_version = "HTTP/1.1"
    folder: Path
    is_quiet: bool

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        if not self.is_quiet:
            super().log_message(format, *args)

    def _find(self, address: str) -> Optional[Path]:
        """Returns the file or directory at an address, if it is in the served directory."""
        parts = unquote(address).split("/")
        if any(part == ".." or "\0" in part or "\\" in part for part in parts):
            return None
        try:
            path = self.folder.joinpath(*filter(None, parts)).resolve()
            return path if path.exists() and path.is_relative_to(self.folder) else None
        except OSError:  # the name is too long
            return None

    def _answer(self) -> None:
        try:
            address = urlsplit(self.path).path
        except ValueError as error:
            self._send_text(HTTPStatus.BAD_REQUEST, f"{self.path} is no address: {error}.\n")
            return
        path = self._find(address)
        if not path:
            self._send_text(HTTPStatus.NOT_FOUND, f"There is nothing at {address}.\n")
        elif path.is_file():
            content_type = _CONTENT_TYPES.get(path.suffix, "application/octet-stream")
            self._send_file(path, content_type)
        elif not address.endswith("/"):
            # Relative links of a page are right only below the slash. `//host/` would lead
            # elsewhere.
            location = "/" + address.strip("/") + "/"
            self._send_text(HTTPStatus.MOVED_PERMANENTLY, f"See {location}\n", Location=location)
        else:
            self._send_page(path, address)

    def _send_page(self, folder: Path, address: str) -> None:
        has_json = (folder / "index.v1_json").is_file()
        page, content_type = negotiate(self.headers.get("Accept", ""), has_json)
        if (folder / page).is_file():
            self._send_file(folder / page, content_type, Vary="Accept")
        else:
            self._send_text(HTTPStatus.NOT_FOUND, f"There is no page at {address}.\n")

    def _send_head(
        self, status: HTTPStatus, content_type: str, length: int, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_text(self, status: HTTPStatus, text: str, **headers: str) -> None:
        body = text.encode()
        self._send_head(status, "text/plain; charset=utf-8", len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_file(self, path: Path, content_type: str, **headers: str) -> None:
        with path.open("rb") as file:
            self._send_head(HTTPStatus.OK, content_type, path.stat().st_size, headers)
            if self.command != "HEAD":
                shutil.copyfileobj(file, self.wfile)


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        # A client that has seen enough hangs up; that is no error of ours.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _server(folder: Path, port: int, is_quiet: bool) -> _Server:
    attributes = {"folder": folder.resolve(strict=True), "is_quiet": is_quiet}
    return _Server(("127.0.0.1", port), type("Handler", (_Handler,), attributes))


def _url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def start(directory: str | Path, port: int = 0) -> tuple[str, Callable[[], None]]:
    """Serves `directory` in the background: (address without a final slash, stop function)."""
    server = _server(Path(directory), port, is_quiet=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return _url(server), stop


def main() -> int:
    parser = argparse.ArgumentParser(description="Serves a package index on this machine only.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    arguments = parser.parse_args()
    try:
        server = _server(arguments.directory, arguments.port, is_quiet=False)
    except FileNotFoundError:
        print(
            f"serve: there is no folder {arguments.directory}; "
            "build it with `./bazelw build //:index`",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(
            f"serve: port {arguments.port} cannot be had ({error.strerror}); try --port=0",
            file=sys.stderr,
        )
        return 1
    print(f"Serving {arguments.directory} at {_url(server)}/ (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
