"""Built indexes and a directory to publish them in, for the tests beside this file."""

from __future__ import annotations

import contextlib
import hashlib
import html.parser
import io
import json
from pathlib import Path
from urllib.parse import unquote

import publish
import synthetic
import write_index

CPU = Path("whl/cpu", synthetic.PROJECT)
TIME = "2026-11-01T00:00:00Z"
LATER = "2026-12-01T00:00:00Z"
COMMANDS = {f"cpu-{synthetic.LINUX}": "build //:{abi}", f"cu13-{synthetic.LINUX}": "cuda //:{abi}"}


class _Links(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def listed(folder: Path) -> dict[str, dict]:
    """Entries of the JSON page of a project, by file name."""
    page = json.loads((folder / "index.v1_json").read_text(encoding="utf-8"))
    return {entry["filename"]: entry for entry in page["files"]}


class Host:
    """Built indexes, and a directory to publish them in.

    Attributes:
        folder: Directory of all files.
        target: The hosted index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = folder / "hosted"
        self._numbers = iter(range(100))

    def index(self, *versions: str, seed: str = "", time: str = TIME) -> Path:
        """Returns an index of one wheel for each version."""
        folder = self.folder / f"build{next(self._numbers)}"
        (folder / "wheels").mkdir(parents=True)
        paths = [synthetic.make_wheel(folder / "wheels", v, seed=seed) for v in versions]
        wheels = write_index.read_wheels(paths)
        write_index.write_index(wheels, folder / "index", {"": time}, COMMANDS)
        return folder / "index"

    def run_publish(self, index: Path, *options: str) -> tuple[int, str, str]:
        """Returns the exit code, output and error output."""
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code = publish.main([str(index), str(self.target), *options])
        return code, out.getvalue(), error.getvalue()

    def publish(self, index: Path, *options: str) -> str:
        code, out, error = self.run_publish(index, *options)
        assert (code, error) == (0, "")
        self.check_consistent()
        self.check_pages_agree()
        return out

    def assert_refused(self, index: Path, *words: str) -> str:
        """Asserts one sentence of error, and the same files before and after."""
        before = files(self.target)
        code, out, error = self.run_publish(index)
        assert (code, out) == (1, "")
        assert error.startswith("publish: ") and error.count("\n") == 1, error
        for word in words:
            assert word in error
        assert files(self.target) == before
        return error

    def check_consistent(self) -> None:
        """Asserts that each page links to existing files with the hashes that it gives."""
        for page in self.target.glob("whl/*/index.v1_json"):
            for project in json.loads(page.read_text(encoding="utf-8"))["projects"]:
                assert (page.parent / project["name"] / "index.v1_json").is_file()
        for page in self.target.glob("whl/*/*/index.v1_json"):
            for name, entry in listed(page.parent).items():
                self.check_entry(page.parent, name, entry)
        for page in self.target.rglob("index.html"):
            for address in _Links(page.read_text(encoding="utf-8")).addresses:
                path = page.parent / unquote(address.partition("#")[0])
                assert path.exists(), f"{page}: {address}"
        assert not list(self.target.rglob(".*"))

    def check_entry(self, folder: Path, name: str, entry: dict) -> None:
        assert synthetic.sha256(folder / name) == entry["hashes"]["sha256"]
        assert (folder / name).stat().st_size == entry["size"]
        if "core-metadata" in entry:
            metadata = (folder / f"{name}.metadata").read_bytes()
            assert hashlib.sha256(metadata).hexdigest() == entry["core-metadata"]["sha256"]

    def check_pages_agree(self) -> None:
        for page in self.target.glob("whl/*/*/index.v1_json"):
            links = _Links(page.with_name("index.html").read_text(encoding="utf-8")).addresses
            entries = listed(page.parent).values()
            assert links == [f"{e['url']}#sha256={e['hashes']['sha256']}" for e in entries]


def wheel_name(version: str) -> str:
    tags = f"{synthetic.PYTHON_TAG}-{synthetic.ABI_TAG}-{synthetic.LINUX}"
    return f"llama_cpp_python-{version}-{tags}.whl"
