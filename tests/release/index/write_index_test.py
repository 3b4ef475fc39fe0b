"""The tree that write_index.py writes: pages agree with each other and the files; refusals."""

from __future__ import annotations

import html.parser
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
import small_site
import synthetic
import write_index
from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from wheel_file import InvalidWheelError

WRITE_INDEX = write_index.__file__


class Page(html.parser.HTMLParser):
    """Links and meta elements of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self.meta: dict[str, str] = {}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append({**values, "text": ""})
        elif tag == "meta" and "name" in values:
            self.meta[values["name"]] = values["content"]

    def handle_data(self, data: str) -> None:
        if self.links and not self.links[-1]["text"]:
            self.links[-1]["text"] = data


def files_of_html(path: Path) -> dict[str, dict[str, object]]:
    """Returns file name -> the facts that HTML can hold, in the words of the JSON page."""
    files = {}
    for link in Page(path).links:
        address, _, fragment = link["href"].partition("#sha256=")
        assert link["data-core-metadata"] == link["data-dist-info-metadata"]
        files[link["text"]] = {
            "url": address,
            "hashes": {"sha256": fragment},
            "core-metadata": {"sha256": link["data-core-metadata"].removeprefix("sha256=")},
            **(
                {"requires-python": link["data-requires-python"]}
                if "data-requires-python" in link
                else {}
            ),
        }
    return files


def project_folders(site: Path) -> list[Path]:
    folders = sorted((site / "whl").glob("*/*/"))
    assert [folder.parent.name for folder in folders] == ["cpu", "cu13", "metal"]
    return folders


def json_page(folder: Path) -> dict:
    return json.loads((folder / "index.v1_json").read_text(encoding="utf-8"))


def tree_bytes(folder: Path) -> dict[str, bytes]:
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_json_describes_the_files_beside_it(site: Path) -> None:
    for folder in project_folders(site):
        page = json_page(folder)
        assert page["meta"] == {"api-version": "1.4"}
        assert page["name"] == synthetic.PROJECT
        assert {entry["filename"] for entry in page["files"]} == {
            path.name for path in folder.glob("*.whl")
        }
        for entry in page["files"]:
            wheel = folder / unquote(entry["url"])
            assert wheel.name == entry["filename"]
            assert entry["hashes"] == {"sha256": synthetic.sha256(wheel)}
            assert entry["size"] == wheel.stat().st_size
            _, version, _, _ = parse_wheel_filename(wheel.name)
            assert str(version) in page["versions"]
            assert entry["upload-time"] == small_site.UPLOAD_TIMES[version.public]


def test_html_says_the_same_as_json(site: Path) -> None:
    for folder in project_folders(site):
        only_json = {"filename", "size", "upload-time"}
        of_json = {
            entry["filename"]: {k: v for k, v in entry.items() if k not in only_json}
            for entry in json_page(folder)["files"]
        }
        assert files_of_html(folder / "index.html") == of_json
        assert Page(folder / "index.html").meta["pypi:repository-version"] == "1.4"


def test_metadata_files_are_the_wheels_own(site: Path) -> None:
    for folder in project_folders(site):
        for entry in json_page(folder)["files"]:
            metadata = folder / (entry["filename"] + ".metadata")
            name, version, _, _ = parse_wheel_filename(entry["filename"])
            with zipfile.ZipFile(folder / entry["filename"]) as archive:
                inside = f"{name.replace('-', '_')}-{version}.dist-info/METADATA"
                assert metadata.read_bytes() == archive.read(inside)
            assert entry["core-metadata"] == {"sha256": synthetic.sha256(metadata)}
            parsed = Metadata.from_email(metadata.read_bytes(), validate=True)
            assert parsed.requires_python == SpecifierSet(entry["requires-python"])


def test_root_pages_list_the_project(site: Path) -> None:
    for backend in ("cpu", "cu13", "metal"):
        folder = site / "whl" / backend
        assert [link["href"] for link in Page(folder / "index.html").links] == [
            synthetic.PROJECT + "/"
        ]
        assert json_page(folder) == {
            "meta": {"api-version": "1.4"},
            "projects": [{"name": synthetic.PROJECT}],
        }


def test_a_plus_is_escaped_in_addresses_only(site: Path) -> None:
    (entry,) = json_page(site / "whl" / "metal" / synthetic.PROJECT)["files"]
    assert "0.3.100+metal" in entry["filename"]
    assert "0.3.100%2Bmetal" in entry["url"] and "+" not in entry["url"]


def test_requires_python_survives_html(tmp_path: Path) -> None:
    specifier = '>=3.9,<4,!=3.10.*,<"5"&'
    wheel = synthetic.make_wheel(tmp_path, "1.0+cpu", requires_python=specifier)
    write_index.write_index(write_index.read_wheels([wheel]), tmp_path / "out", {}, {})
    folder = tmp_path / "out" / "whl" / "cpu" / synthetic.PROJECT
    (link,) = Page(folder / "index.html").links
    assert link["data-requires-python"] == specifier
    raw = (folder / "index.html").read_text(encoding="utf-8")
    assert "<4" not in raw and "&lt;4" in raw


def test_without_requires_python_and_upload_time_nothing_is_said(tmp_path: Path) -> None:
    wheel = synthetic.make_wheel(tmp_path, "1.0+cpu", requires_python="")
    write_index.write_index(write_index.read_wheels([wheel]), tmp_path / "out", {}, {})
    folder = tmp_path / "out" / "whl" / "cpu" / synthetic.PROJECT
    (entry,) = json_page(folder)["files"]
    assert not {"requires-python", "upload-time"} & set(entry)
    assert "data-requires-python" not in Page(folder / "index.html").links[0]


def run_program(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, WRITE_INDEX, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """Two directories, times and orders, one of them with the arguments in a file."""
    wheels = small_site.backend_wheels(tmp_path / "wheels")
    assert run_program("--out", tmp_path / "first", *wheels).returncode == 0
    random.Random(1).shuffle(wheels)
    for wheel in wheels:
        os.utime(wheel, (1_000_000_000, 1_000_000_000))
    arguments = tmp_path / "arguments"
    arguments.write_text("\n".join(["--out", str(tmp_path / "second"), *map(str, wheels)]))
    assert run_program(f"@{arguments}").returncode == 0
    first = tree_bytes(tmp_path / "first")
    assert first == tree_bytes(tmp_path / "second")
    assert len([path for path in first if path.endswith(".whl")]) == len(wheels)


def test_one_wheel_named_twice_is_listed_once(tmp_path: Path) -> None:
    wheel = synthetic.make_wheel(tmp_path, "1.0+cpu")
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / wheel.name
    copy.write_bytes(wheel.read_bytes())
    assert len(write_index.read_wheels([wheel, copy])) == 1


def renamed(wheel: Path, old: str, new: str) -> Path:
    return wheel.rename(wheel.with_name(wheel.name.replace(old, new)))


def same_name(folder: Path) -> list[Path]:
    (folder / "other").mkdir()
    first = synthetic.make_wheel(folder, "1.0+cpu")
    return [first, synthetic.make_wheel(folder / "other", "1.0+cpu", requires_python="")]


def truncated(folder: Path) -> list[Path]:
    wheel = synthetic.make_wheel(folder, "1.0+cpu")
    wheel.write_bytes(wheel.read_bytes()[:10_000])
    return [wheel]


def bit_flipped_metadata(folder: Path) -> list[Path]:
    wheel = synthetic.make_wheel(folder, "1.0+cpu")
    data = bytearray(wheel.read_bytes())
    data[data.index(b"A synthetic wheel.")] ^= 1
    wheel.write_bytes(data)
    return [wheel]


def without_metadata(folder: Path) -> list[Path]:
    path = folder / f"llama_cpp_python-1.0+cpu-{synthetic.PYTHON_TAG}-none-any.whl"
    return [
        synthetic.write_wheel(path, {"llama_cpp.py": b""}, "llama_cpp_python-1.0+cpu.dist-info")
    ]


# Input -> words of the one sentence that gives the cause and the remedy.
REFUSED = {
    "missing": (
        lambda folder: [folder / "no-such.whl"],
        r"there is no wheel .*/no-such\.whl; build it, or correct the path",
    ),
    "same name": (same_name, r"have one name but different bytes; leave one out"),
    "truncated": (truncated, r"is damaged \(File is not a zip file\); build or download it again"),
    "bit flip": (bit_flipped_metadata, r"is damaged \(Bad CRC-32 .*\); build or download it again"),
    "no METADATA": (without_metadata, r"has 0 METADATA files, not one; build the wheel again"),
    "no label": (
        lambda folder: [synthetic.make_wheel(folder, "1.0")],
        r"has no local version label .*; build it with --//:local_label=auto",
    ),
    "renamed label": (
        lambda folder: [renamed(synthetic.make_wheel(folder, "1.0+cpu"), "+cpu", "+cu13")],
        r"METADATA in .*\+cu13.* says llama-cpp-python 1\.0\+cpu; rebuild the wheel instead",
    ),
    "renamed project": (
        lambda folder: [renamed(synthetic.make_wheel(folder, "1.0+cpu"), "llama_cpp_", "other_")],
        r"METADATA in other_python.* says llama-cpp-python 1\.0\+cpu; rebuild the wheel instead",
    ),
    "no wheel name": (
        lambda folder: [renamed(synthetic.make_wheel(folder, "1.0+cpu"), synthetic.LINUX, "")],
        r"is no wheel file name; rebuild the wheel instead of renaming it",
    ),
    "folder as label": (
        lambda folder: [renamed(synthetic.make_wheel(folder, "1.0+cpu"), "+cpu", "+..")],
        r"is no wheel file name; rebuild the wheel instead of renaming it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_one_sentence(case: str, tmp_path: Path) -> None:
    make, message = REFUSED[case]
    (tmp_path / "in").mkdir()
    wheels = make(tmp_path / "in")
    with pytest.raises(InvalidWheelError, match=message):
        write_index.read_wheels(wheels)
    result = run_program("--out", tmp_path / "out", *wheels)
    assert result.returncode == 1
    assert re.fullmatch(rf"write_index: .*{message}.*\n", result.stderr), result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    wheel = synthetic.make_wheel(tmp_path, "1.0+cpu")
    result = run_program("--out", tmp_path, wheel)
    assert result.returncode == 1
    assert (
        result.stderr == f"write_index: {tmp_path} is not empty; name a new folder, or empty it\n"
    )


@pytest.mark.parametrize("time", ["yesterday", "2026-11-25", "2026-11-25T12:00:00+01:00"])
def test_an_upload_time_that_is_none_is_refused(time: str, tmp_path: Path) -> None:
    wheel = synthetic.make_wheel(tmp_path, "1.0+cpu")
    result = run_program("--out", tmp_path / "out", f"--upload-time={time}", wheel)
    assert result.returncode == 2
    assert f"{time!r} is no time in UTC; write it as 2026-11-25T12:00:00Z" in result.stderr
