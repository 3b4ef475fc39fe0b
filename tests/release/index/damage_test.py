"""Damaged files on the index's host, and connections that break: pip and uv refuse them, or install
the right bytes.

The limit of the hashes is shown here too: where somebody changes a wheel and the page that has its
hash, only a hash that the user keeps (uv.lock, --require-hashes) reveals it.
"""

from __future__ import annotations

import http.server
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import projects
import pytest
import serve
import small_site
import synthetic
from clients import Pip, Uv

VERSION = "0.3.100+cpu"
REQUIREMENT = f"{synthetic.PROJECT}=={VERSION}"
# Bit flips that are tried in a page, spread evenly; pip takes ten times as long as uv.
FLIPS = {Pip: 12, Uv: 24}


@dataclass
class Target:
    """The files of one wheel in a private copy of the site."""

    site: Path

    @property
    def folder(self) -> Path:
        return self.site / "whl" / "cpu" / synthetic.PROJECT

    @property
    def wheel(self) -> Path:
        return next(self.folder.glob(f"*-{VERSION}-*.whl"))

    @property
    def metadata(self) -> Path:
        return next(self.folder.glob(f"*-{VERSION}-*.whl.metadata"))

    @property
    def pages(self) -> list[Path]:
        return [self.folder / "index.v1_json", self.folder / "index.html"]

    def leave_html_only(self) -> None:
        for page in self.site.rglob("index.v1_json"):
            page.unlink()


@pytest.fixture
def target(site: Path, tmp_path: Path) -> Target:
    shutil.copytree(site, tmp_path / "site")
    return Target(tmp_path / "site")


def flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def truncate(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def flip_at(path: Path, text: bytes) -> None:
    flip(path, path.read_bytes().index(text))


def swap_wheel(target: Target) -> None:
    """Puts in another whole wheel, with right checksums inside, of the same size and with the
    original's metadata."""
    synthetic.make_wheel(
        target.folder, VERSION, requires=[small_site.DEPENDENCY], seed="somebody else's"
    )


def flip_hash(target: Target) -> None:
    for page in target.pages:
        if page.exists():
            flip_at(page, synthetic.sha256(target.wheel).encode())


def cut_after_half(target: Target) -> None:
    """Ends in the middle of the first wheel's hash."""
    digest = synthetic.sha256(target.wheel).encode()
    for page in target.pages:
        if page.exists():
            truncate(page, page.read_bytes().index(digest) + 32)


class Installer:
    """One client with one environment for all tests; nothing is kept in caches."""

    def __init__(self, client: Pip | Uv) -> None:
        self.client = client

    def __call__(self, url: str) -> tuple[bool, str]:
        """Installs the wheel from scratch; returns whether that succeeded, and the output."""
        pypi, index = f"{url}/pypi", f"{url}/whl/cpu"
        if isinstance(self.client, Pip):
            if self.client.installed():
                self.client("uninstall", "-y", synthetic.PROJECT)
            options = ["--retries=0", f"--index-url={pypi}", f"--extra-index-url={index}"]
            result = self.client("--no-cache-dir", "install", *options, REQUIREMENT, check=False)
        else:
            self.client("pip", "uninstall", synthetic.PROJECT)
            options = ["--no-cache", f"--default-index={pypi}", f"--index={index}"]
            result = self.client(
                "pip", "install", *options, REQUIREMENT, check=False, UV_HTTP_RETRIES=0
            )
        return result.returncode == 0, result.stdout + result.stderr

    def payload(self) -> bytes:
        """Returns the installed bytes that tell one wheel from another."""
        (path,) = self.client.folder.glob(".venv/lib/*/site-packages/llama_cpp/payload.bin")
        return path.read_bytes()


@pytest.fixture(scope="module", params=["pip", "uv"])
def installer(
    request: pytest.FixtureRequest, pip_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installer:
    folder = tmp_path_factory.mktemp("installer") / request.param
    return Installer(Pip(folder, pip_program) if request.param == "pip" else Uv(folder, ""))


PIP_HASH = "DO NOT MATCH THE HASHES"
UV_WHEEL_HASH = f"Hash mismatch for `{REQUIREMENT}`"
UV_METADATA_HASH = "Hash mismatch for package metadata"

# Damage -> its effect, and the messages with which pip and uv refuse.
REFUSED: dict[str, tuple[Callable[[Target], None], str, str]] = {
    "another wheel": (swap_wheel, PIP_HASH, UV_WHEEL_HASH),
    "bit flip in the wheel": (
        lambda target: flip(target.wheel, 5_000),
        PIP_HASH,
        # uv unpacks while it downloads, and sees the archive's own checksum first.
        "Bad CRC",
    ),
    "bit flip outside of the archive's checksums": (
        lambda target: flip_at(target.wheel, b"PK\x05\x06"),
        PIP_HASH,
        "Failed to extract archive",
    ),
    "truncated wheel": (
        lambda target: truncate(target.wheel, 15_000),
        PIP_HASH,
        "Failed to extract archive",
    ),
    "bit flip in .metadata": (
        lambda target: flip_at(target.metadata, b"small-dependency"),
        PIP_HASH,
        UV_METADATA_HASH,
    ),
    "truncated .metadata": (
        lambda target: truncate(target.metadata, 60),
        PIP_HASH,
        UV_METADATA_HASH,
    ),
    "bit flip in the JSON page's hash": (flip_hash, PIP_HASH, UV_WHEEL_HASH),
    "bit flip in the HTML page's hash": (
        lambda target: (target.leave_html_only(), flip_hash(target)),
        PIP_HASH,
        UV_WHEEL_HASH,
    ),
    "truncated JSON page": (cut_after_half, "JSONDecodeError", "unexpected JSON"),
    "truncated HTML page": (
        lambda target: (target.leave_html_only(), cut_after_half(target)),
        # An unfinished link is none.
        "No matching distribution found",
        f"there is no version of {REQUIREMENT}",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_damage_is_refused(case: str, installer: Installer, target: Target, serve_folder) -> None:
    damage, pip_reason, uv_reason = REFUSED[case]
    damage(target)
    succeeded, output = installer(serve_folder(target.site))
    assert not succeeded
    assert (pip_reason if isinstance(installer.client, Pip) else uv_reason) in output
    assert installer.client.installed() == ""


def test_without_damage_it_installs(installer: Installer, target: Target, serve_folder) -> None:
    """Otherwise the tests above would pass for another reason."""
    succeeded, _ = installer(serve_folder(target.site))
    assert succeeded and installer.client.installed() == VERSION


@pytest.mark.parametrize("page", ["index.v1_json", "index.html"])
def test_no_bit_flip_in_a_page_installs_other_bytes(
    page: str, installer: Installer, target: Target, serve_folder
) -> None:
    """A page has no hash. A flip in it makes the client refuse, or is harmless."""
    if page == "index.html":
        target.leave_html_only()
    path = target.folder / page
    whole = path.read_bytes()
    url = serve_folder(target.site)
    assert installer(url)[0]
    expected = installer.payload()
    refused = 0
    flips = FLIPS[type(installer.client)]
    for number in range(flips):
        offset = number * len(whole) // flips + number
        path.write_bytes(whole)
        flip(path, offset, bit=number % 8)
        succeeded, _ = installer(url)
        refused += not succeeded
        assert not succeeded or installer.payload() == expected, (offset, number % 8)
    print(f"{refused} of {flips} pages refused")
    # Names and hashes of the requested files are a good part of the page.
    assert refused


class Cut:
    """Serves a directory, and breaks the connection in the middle of files with one ending."""

    def __init__(self, folder: Path, ending: str) -> None:
        class Handler(serve._Handler):
            def _send_file(self, path: Path, content_type: str, **headers: str) -> None:
                if not path.name.endswith(ending):
                    return super()._send_file(path, content_type, **headers)
                body = path.read_bytes()
                self._send_head(serve.HTTPStatus.OK, content_type, len(body), headers)
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True

        Handler.folder, Handler.is_quiet = folder.resolve(), True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def cut(target: Target) -> Iterator[Callable[[str], str]]:
    servers = []

    def start(ending: str) -> str:
        servers.append(Cut(target.site, ending))
        return servers[-1].url

    yield start
    for server in servers:
        server.server.shutdown()
        server.server.server_close()


@pytest.mark.parametrize(
    "ending", [f"{synthetic.LINUX}.whl", ".metadata", "index.v1_json", "index.html"]
)
def test_a_connection_that_breaks_is_an_error(
    ending: str, installer: Installer, target: Target, cut
) -> None:
    if ending == "index.html":
        target.leave_html_only()
    succeeded, _ = installer(cut(ending))
    assert not succeeded
    assert installer.client.installed() == ""


def swap_wheel_and_pages(target: Target) -> None:
    """Replaces the wheel and its hashes, as somebody who can write to the host could."""
    old = synthetic.sha256(target.wheel)
    swap_wheel(target)
    for page in target.pages:
        text = page.read_text(encoding="utf-8")
        assert old in text
        page.write_text(text.replace(old, synthetic.sha256(target.wheel)), encoding="utf-8")


def test_the_index_alone_cannot_tell_a_wheel_changed_with_its_pages(
    installer: Installer, target: Target, serve_folder
) -> None:
    url = serve_folder(target.site)
    assert installer(url)[0]
    before = installer.payload()
    swap_wheel_and_pages(target)
    assert installer(url)[0]
    assert installer.payload() != before


def test_uv_lock_can(uv: Uv, target: Target, serve_folder) -> None:
    url = serve_folder(target.site)
    project = projects.WITH_ONE_INDEX.format(backend="cpu", url=url, version="0.3.100")
    uv.write_project(project.replace("~=0.3.100", f"=={VERSION}"))
    uv("lock", UV_DEFAULT_INDEX=f"{url}/pypi")
    swap_wheel_and_pages(target)
    result = uv("sync", "--locked", "--no-cache", UV_DEFAULT_INDEX=f"{url}/pypi", check=False)
    assert result.returncode != 0
    assert UV_WHEEL_HASH in result.stderr
    assert uv.installed() == ""


def test_required_hashes_can(pip: Pip, target: Target, serve_folder) -> None:
    url = serve_folder(target.site)
    requirements = pip.folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{synthetic.sha256(target.wheel)}\n")
    swap_wheel_and_pages(target)
    options = ["--require-hashes", "--no-deps", f"--index-url={url}/whl/cpu"]
    result = pip("install", *options, "-r", requirements, check=False)
    assert result.returncode != 0
    assert PIP_HASH in result.stderr
    assert pip.installed() == ""
