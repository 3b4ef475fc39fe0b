"""Writes a static package index from wheels: write_index.py --out FOLDER WHEEL...

    FOLDER/index.html                                landing page for people
    FOLDER/whl/<backend>/index.html, .v1_json        an index for each backend: its projects
    FOLDER/whl/<backend>/<project>/index.html, ...   the wheels, each beside its <wheel>.metadata
                                                     (PEP 658)
    FOLDER/whl/variants/...                          the same for wheels given as --variant: of the
                                                     plain version, for installers that choose among
                                                     variants (PEP 825)

The backend is the wheel's local version label (`0.3.100+cu13`). The same wheels give the same
bytes, in any order of the arguments. Wheels are copied; nothing in the directory is a link. An
argument `@FILE` stands for the lines of FILE.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Iterable, Mapping

import simple_pages
from landing_page import landing_page
from variants import VariantsError, variants_files
from wheel_file import InvalidWheelError, WheelFile, read_wheel

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")

# project -> wheels
Projects = Mapping[str, "list[WheelFile]"]
# backend -> project -> wheels
Tree = Mapping[str, Projects]


def read_wheels(paths: Iterable[Path], is_plain: bool = False) -> list[WheelFile]:
    """Returns the wheels, sorted by file name, each once; `is_plain` as for read_wheel."""
    wheels: dict[str, WheelFile] = {}
    for wheel in (read_wheel(path, is_plain) for path in paths):
        other = wheels.setdefault(wheel.file_name, wheel)
        if other.sha256 != wheel.sha256:
            raise InvalidWheelError(
                f"{other.path} and {wheel.path} have one name but different bytes;"
                " leave one out, or give one another version"
            )
    return [wheels[name] for name in sorted(wheels)]


def group(wheels: Iterable[WheelFile]) -> Tree:
    """Returns the wheels by backend and project, both sorted."""
    tree: dict[str, dict[str, list[WheelFile]]] = defaultdict(lambda: defaultdict(list))
    for wheel in sorted(wheels, key=lambda wheel: (wheel.label, wheel.project, wheel.file_name)):
        tree[wheel.label][wheel.project].append(wheel)
    return tree


def _write_wheels(folder: Path, wheels: Iterable[WheelFile]) -> None:
    for wheel in wheels:
        shutil.copyfile(wheel.path, folder / wheel.file_name)
        (folder / f"{wheel.file_name}.metadata").write_bytes(wheel.metadata)


def _write_pages(folder: Path, html: bytes, json: bytes) -> None:
    (folder / "index.html").write_bytes(html)
    (folder / "index.v1_json").write_bytes(json)


def _write_project(
    folder: Path, project: str, wheels: list[WheelFile], upload_times: Mapping[str, str]
) -> None:
    folder.mkdir()
    _write_wheels(folder, wheels)
    variants = variants_files(wheel.path for wheel in wheels)
    for name, content in variants.items():
        (folder / name).write_bytes(content)
    entries = simple_pages.project_entries(wheels, variants, upload_times)
    versions = [wheel.version for wheel in wheels]
    _write_pages(
        folder,
        simple_pages.project_html(project, entries),
        simple_pages.project_json(project, versions, entries),
    )


def _write_projects(folder: Path, projects: Projects, upload_times: Mapping[str, str]) -> None:
    """Writes one index."""
    folder.mkdir(parents=True)
    _write_pages(folder, simple_pages.root_html(projects), simple_pages.root_json(projects))
    for project, wheels in projects.items():
        _write_project(folder / project, project, wheels, upload_times)


def write_index(
    wheels: Iterable[WheelFile],
    out: Path,
    upload_times: Mapping[str, str],
    build_commands: Mapping[str, str],
    variants: Iterable[WheelFile] = (),
) -> None:
    """Writes the whole tree into `out`, an empty or new directory.

    `variants`: wheels of the plain version. `upload_times`: public version -> RFC 3339 time, the
    key `` for all others. `build_commands`: `<backend>-<platform tag>` -> command for the landing
    page, with `{abi}` in place of the ABI tag.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidWheelError(f"{out} is not empty; name a new folder, or empty it")
    tree = group(wheels)
    for backend, projects in tree.items():
        _write_projects(out / "whl" / backend, projects, upload_times)
    for projects in group(variants).values():
        _write_projects(out / "whl" / "variants", projects, upload_times)
    (out / "index.html").write_bytes(landing_page(tree, build_commands))


def _key_and_time(text: str) -> tuple[str, str]:
    """Parses `[VERSION=]TIME` of --upload-time."""
    version, _, time = text.rpartition("=")
    if not _TIME.fullmatch(time):
        raise argparse.ArgumentTypeError(
            f"{time!r} is no time in UTC; write it as 2026-11-25T12:00:00Z"
        )
    return version, time


def _key_and_command(text: str) -> tuple[str, str]:
    """Parses `KEY=COMMAND` of --build-command."""
    key, _, command = text.partition("=")
    return key, command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Writes a static package index from wheels.", fromfile_prefix_chars="@"
    )
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        type=Path,
        metavar="WHEEL",
        help="a variant wheel, or the wheel without a variant beside them, for whl/variants",
    )
    parser.add_argument("--out", required=True, type=Path, help="a new or empty folder")
    parser.add_argument(
        "--upload-time",
        action="append",
        default=[],
        type=_key_and_time,
        metavar="[VERSION=]TIME",
        help="upload time in the JSON pages, of one public version or of all others",
    )
    parser.add_argument(
        "--build-command",
        action="append",
        default=[],
        type=_key_and_command,
        metavar="BACKEND-PLATFORM=COMMAND",
        help="command that builds such a wheel, for the landing page; {abi} stands for the ABI tag",
    )
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        write_index(
            read_wheels(arguments.wheels),
            arguments.out,
            dict(arguments.upload_time),
            dict(arguments.build_command),
            read_wheels(arguments.variant, is_plain=True),
        )
    except (InvalidWheelError, VariantsError) as error:
        print(f"write_index: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"write_index: {error}; empty {arguments.out} and try again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
