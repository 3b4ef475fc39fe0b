"""find_file.py on a local index: JSON, HTML, wrong bytes, missing files, slow and dead servers."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

FIND_FILE = os.environ["FIND_FILE"]
FILE = "demo-1.0-py3-none-any.whl"
SHA256 = hashlib.sha256(b"demo").hexdigest()
OTHER_SHA256 = hashlib.sha256(b"other").hexdigest()

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
# The server sends less than it promises.
BREAKING_TYPE = "application/x-breaking"


def json_page(sha256: str) -> tuple[str, str]:
    page = {
        "meta": {"api-version": "1.0"},
        "files": [{"filename": FILE, "url": f"../../files/{FILE}", "hashes": {"sha256": sha256}}],
    }
    return JSON_TYPE, json.dumps(page)


def html_page(fragment: str) -> tuple[str, str]:
    return "text/html", f'<!DOCTYPE html><a href="../../files/{FILE}{fragment}">{FILE}</a>'


@pytest.fixture
def index() -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    """(address of a simple index, its pages by path, filled by the test)."""
    pages: dict[str, tuple[str, str]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, body = pages.get(self.path, ("text/plain", ""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", content_type)
            missing = 1 if content_type == BREAKING_TYPE else 0
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", pages
    server.shutdown()
    server.server_close()


def find(
    index: str, arguments: tuple[str, ...] = ("Demo", FILE, SHA256), **environment: str
) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    settings.update(PIP_CONFIG_FILE=os.devnull, PIP_INDEX_URL=index, **environment)
    return subprocess.run(
        [sys.executable, FIND_FILE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=settings,
    )


def urls(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["reasons"] == {}
    return answer["urls"][FILE]


def assert_one_sentence(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["urls"] == {FILE: []}
    sentence = answer["reasons"][FILE]
    assert len(sentence.splitlines()) == 1
    for word in (FILE, "pip config list", *words):
        assert word in sentence


def test_json_page_gives_the_absolute_address(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    assert urls(find(address)) == [address.replace("/simple", f"/files/{FILE}")]


@pytest.mark.parametrize("fragment", ["", f"#sha256={SHA256}"])
def test_html_page_is_the_fallback(index, fragment: str) -> None:
    address, pages = index
    pages["/simple/demo/"] = html_page(fragment)
    assert urls(find(address)) == [address.replace("/simple", f"/files/{FILE}")]


def test_find_links_folder_comes_first(index, tmp_path: Path) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    (tmp_path / FILE).write_bytes(b"demo")
    found = urls(find(address, PIP_FIND_LINKS=str(tmp_path)))
    assert found[0] == (tmp_path / FILE).as_uri()
    assert len(found) == 2


def test_another_hash_on_the_page_is_refused(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(OTHER_SHA256)
    assert_one_sentence(find(address), "another sha256", OTHER_SHA256)


def test_an_index_without_the_package(index) -> None:
    assert_one_sentence(find(index[0]), "HTTP 404")


def test_an_index_without_the_file(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    pages["/simple/demo/"] = (JSON_TYPE, json.dumps({"files": []}))
    assert_one_sentence(find(address), "lists no such file")


def test_a_page_that_is_not_what_it_says(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = (JSON_TYPE, "<html>maintenance</html>")
    assert_one_sentence(find(address), "gave no page")


def test_a_dead_server() -> None:
    assert_one_sentence(find("http://127.0.0.1:1/simple"), "refused")


def other_bytes(index: str, **environment: str) -> dict[str, str]:
    result = find(index, ("--served", "Demo", FILE, SHA256), **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_an_index_that_lists_another_hash_is_told_from_a_dead_one(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(OTHER_SHA256)
    assert json.loads(find(address).stdout)["differ"] == [FILE]
    assert json.loads(find("http://127.0.0.1:1/simple").stdout)["differ"] == []


@pytest.mark.parametrize(("body", "differs"), [("other", True), ("demo", False)])
def test_served_bytes_are_compared_with_the_pin(index, body: str, differs: bool) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    pages[f"/files/{FILE}"] = ("application/octet-stream", body)
    found = other_bytes(address)
    assert list(found) == ([FILE] if differs else [])
    for message in found.values():
        said, remedy = message.splitlines()
        assert SHA256 in said and OTHER_SHA256 in said
        assert "`pip download --no-deps Demo`" in remedy


def test_bytes_of_a_directory_are_compared_too(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"other")
    assert list(other_bytes("http://127.0.0.1:1/simple", PIP_FIND_LINKS=str(tmp_path))) == [FILE]


def test_one_address_with_the_pinned_bytes_is_enough(index, tmp_path: Path) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    pages[f"/files/{FILE}"] = ("application/octet-stream", "demo")
    (tmp_path / FILE).write_bytes(b"other")
    assert other_bytes(address, PIP_FIND_LINKS=str(tmp_path)) == {}


def test_a_file_that_can_not_be_read_has_no_other_bytes(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)  # the address of the file gives HTTP 404
    assert other_bytes(address) == {}
    assert other_bytes("http://127.0.0.1:1/simple") == {}


def test_a_connection_that_breaks_gives_no_other_bytes(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    pages[f"/files/{FILE}"] = (BREAKING_TYPE, "dem")
    assert other_bytes(address) == {}


def test_several_files_are_found_by_one_call(index) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    missing = FILE.replace("1.0", "2.0")
    answer = json.loads(find(address, ("Demo", FILE, SHA256, "demo", missing, SHA256)).stdout)
    assert answer["urls"] == {FILE: [address.replace("/simple", f"/files/{FILE}")], missing: []}
    assert list(answer["reasons"]) == [missing]


def test_every_file_of_a_package(index, tmp_path: Path) -> None:
    address, pages = index
    pages["/simple/demo/"] = json_page(SHA256)
    (tmp_path / "demo-0.9.tar.gz").touch()
    result = find(address, ("--list", "Demo"), PIP_FIND_LINKS=str(tmp_path))
    listed = json.loads(result.stdout)
    server = address.removesuffix("/simple")
    assert listed["files"] == [
        ["demo-0.9.tar.gz", (tmp_path / "demo-0.9.tar.gz").as_uri(), ""],
        [FILE, f"{server}/files/{FILE}", SHA256],
    ]
    assert listed["reasons"] == []


def test_a_list_says_why_an_index_gave_no_page(index) -> None:
    listed = json.loads(find(index[0], ("--list", "Demo")).stdout)
    assert listed["reasons"] == ["an index gave no page: HTTP 404"]
