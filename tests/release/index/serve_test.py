"""serve.py: content negotiation, HEAD, errors with a body, and nothing outside of the directory."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import serve
import synthetic

PAGE = f"/whl/cpu/{synthetic.PROJECT}/"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"

# Accept headers of pip 26.3 and uv 0.13.9.
PIP_ACCEPT = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV_ACCEPT = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def connection(url: str):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    yield connection
    connection.close()


def ask(connection, path: str, method: str = "GET", **headers: str):
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PIP_ACCEPT, JSON),
        (UV_ACCEPT, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (f"{JSON};q=0.1, {HTML};q=0.9", HTML),
        (f"{JSON};q=0, text/html", "text/html; charset=utf-8"),
        (f"{JSON};q=many, text/html;q=0.1", "text/html; charset=utf-8"),
        (BROWSER_ACCEPT, "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/json", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
    ],
)
def test_accept_chooses_the_page(connection, site: Path, accept: str, content_type: str) -> None:
    response, body = ask(connection, PAGE, Accept=accept)
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Vary"] == "Accept"
    page = "index.v1_json" if content_type == JSON else "index.html"
    assert body == (site / PAGE.strip("/") / page).read_bytes()


def test_the_landing_page_has_no_json(connection) -> None:
    response, _ = ask(connection, "/", Accept=PIP_ACCEPT)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        (".whl", "application/octet-stream"),
        (".whl.metadata", "text/plain; charset=utf-8"),
        ("/index.v1_json", JSON),
        ("/index.html", "text/html; charset=utf-8"),
    ],
)
def test_files_have_their_type(connection, site: Path, suffix: str, content_type: str) -> None:
    folder = site / PAGE.strip("/")
    file = next(p for p in sorted(folder.iterdir()) if str(p).endswith(suffix))
    response, body = ask(connection, PAGE + file.name.replace("+", "%2B"))
    assert (response.status, response.headers["Content-Type"]) == (200, content_type)
    assert body == file.read_bytes()


@pytest.mark.parametrize("path", [PAGE, "/", "/nothing", "/whl/cpu"])
def test_head_is_get_without_a_body_on_one_connection(connection, path: str) -> None:
    get, body = ask(connection, path)
    head, nothing = ask(connection, path, "HEAD")
    assert nothing == b""
    assert head.status == get.status
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(body))
    assert head.version == 11


def test_a_folder_without_its_slash_is_redirected(connection) -> None:
    response, _ = ask(connection, "/whl/cpu")
    assert (response.status, response.headers["Location"]) == (301, "/whl/cpu/")


def test_a_redirect_stays_on_this_host(connection) -> None:
    response, _ = ask(connection, "//whl/cpu")
    assert response.headers["Location"] == "/whl/cpu/"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/whl/",
        "/../secret",
        "/whl/../../secret",
        "/whl/%2e%2e/%2e%2e/secret",
        "/whl/..%2f..%2fsecret",
        "/whl/..%5c..%5csecret",
        "/link",
        "/%00",
        "//etc/passwd",
    ],
)
def test_what_is_not_there_is_404_with_a_body(tmp_path: Path, serve_folder, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "whl").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path / "secret")
    connection = http.client.HTTPConnection(urlsplit(serve_folder(root)).netloc, timeout=20)
    response, body = ask(connection, path)
    connection.close()
    assert response.status == 404
    assert body.startswith(b"There is no") and b"secret\n" not in body.replace(path.encode(), b"")


def test_a_name_that_no_file_can_have_is_404(connection) -> None:
    response, body = ask(connection, f"/{'a' * 300}")
    assert response.status == 404 and body.startswith(b"There is nothing at /aaa")


def test_stop_frees_the_port(tmp_path: Path) -> None:
    address, stop = serve.start(tmp_path)
    stop()
    port = urlsplit(address).port
    again, stop = serve.start(tmp_path, port)
    assert again == address
    stop()
