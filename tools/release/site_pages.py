"""Reads the pages of an index: its files, by backend and project.

A page that has something which simple_pages does not write is refused: writing it anew would lose
that.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Mapping, NamedTuple
from urllib.parse import quote

import landing_page
from errors import PublishError
from simple_pages import Entry

HTML = "index.html"
JSON = "index.v1_json"

_META = {"api-version"}
_REQUIRED = {"filename", "hashes", "size", "url"}
_TEXTS = {"requires-python", "upload-time"}
_OPTIONAL = {"core-metadata", *_TEXTS}
# {name}-{version}-... of the wheel format, and of PEP 825.
_WHEEL = re.compile(r"[^-]+-[^-]+-.+\.whl")
_VARIANTS = re.compile(r"[^-]+-[^-]+-variants\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Project(NamedTuple):
    """The contents of a project's page."""

    versions: set[str]
    files: Mapping[str, Entry]  # by file name


class Key(NamedTuple):
    """Where a project is: `whl/<backend>/<name>`."""

    backend: str
    name: str

    @property
    def folder(self) -> Path:
        return Path("whl", self.backend, self.name)


Site = dict[Key, Project]

NOTHING = Project(set(), {})


def _foreign(page: Path, why: str) -> PublishError:
    return PublishError(
        f"{page} is no page that //:index or publish wrote ({why}); "
        "name the folder of an index, or put the page back"
    )


def _require(condition: bool, page: Path, why: str) -> None:
    if not condition:
        raise _foreign(page, why)


def _keys(value: Any, required: set[str], optional: set[str], page: Path, what: str) -> None:
    _require(isinstance(value, dict), page, f"{what} is no JSON object")
    missing, unknown = required - value.keys(), value.keys() - required - optional
    _require(not missing, page, f"{what} lacks {sorted(missing)}")
    _require(not unknown, page, f"{what} has {sorted(unknown)}, which would be lost")


def _read_json(page: Path, keys: set[str]) -> dict[str, Any]:
    try:
        content = json.loads(page.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _foreign(page, "it is not there, although other pages are") from None
    except (OSError, RecursionError, ValueError) as error:
        raise _foreign(page, str(error)) from error
    _keys(content, keys | {"meta"}, set(), page, "the page")
    _keys(content["meta"], _META, set(), page, "meta")
    version = str(content["meta"]["api-version"])
    _require(version.startswith("1."), page, f"version {version} of the API")
    return content


def _check_name(name: Any, page: Path, what: str) -> None:
    """Checks a name that becomes a path below the page's directory."""
    is_name = isinstance(name, str) and name not in ("", "..") and name.isprintable()
    _require(is_name and Path(name).name == name, page, f"{what} {name!r}")


def _check_hash(holder: Any, page: Path, what: str) -> None:
    _keys(holder, {"sha256"}, set(), page, what)
    _require(bool(_SHA256.fullmatch(str(holder["sha256"]))), page, f"{what} has no SHA-256")


def _check_entry(entry: Any, page: Path) -> None:
    _keys(entry, _REQUIRED, _OPTIONAL, page, "a file")
    name = entry["filename"]
    _check_name(name, page, "the file name")
    is_known = bool(_WHEEL.fullmatch(name) or _VARIANTS.fullmatch(name))
    _require(is_known, page, f"{name} is neither a wheel nor about variants")
    _require(entry["url"] == quote(name, safe=""), page, f"{name} is at another address")
    _require(type(entry["size"]) is int, page, f"{name} has no size")
    _check_hash(entry["hashes"], page, f"hashes of {name}")
    for key in entry.keys() & _TEXTS:
        _require(isinstance(entry[key], str), page, f"{key} of {name} is no text")
    if is_wheel(name):
        _check_hash(entry.get("core-metadata"), page, f"core-metadata of {name}")
    else:
        _require("core-metadata" not in entry, page, f"{name} has core-metadata")


def is_wheel(name: str) -> bool:
    """Returns whether a listed file never changes; the others are
    `{name}-{version}-variants.json`."""
    return name.endswith(".whl")


def _read_project(folder: Path) -> Project:
    page = folder / JSON
    content = _read_json(page, {"files", "name", "versions"})
    _require(content["name"] == folder.name, page, f"it is that of {content['name']!r}")
    for key in ("files", "versions"):
        _require(isinstance(content[key], list), page, f"{key} is no list")
    for version in content["versions"]:
        _require(isinstance(version, str), page, f"the version {version!r}")
    for entry in content["files"]:
        _check_entry(entry, page)
    return Project(
        set(content["versions"]), {entry["filename"]: entry for entry in content["files"]}
    )


def _listed_projects(folder: Path) -> set[str]:
    page = folder / JSON
    projects = _read_json(page, {"projects"})["projects"]
    _require(isinstance(projects, list), page, "projects is no list")
    for project in projects:
        _keys(project, {"name"}, set(), page, "a project")
        _check_name(project["name"], page, "the project")
    return {project["name"] for project in projects}


def _projects(folder: Path) -> set[str]:
    """Returns projects with pages, also one of an interrupted publication that is listed
    nowhere."""
    unlisted = {page.parent.name for name in (HTML, JSON) for page in folder.glob(f"*/{name}")}
    has_page = (folder / JSON).exists() or (folder / HTML).exists()
    return unlisted | (_listed_projects(folder) if has_page else set())


def read_site(root: Path) -> Site:
    """Returns all projects of an index; of an empty directory or of one that is not there, none."""
    folders = sorted(path for path in (root / "whl").glob("*") if path.is_dir())
    return {
        Key(folder.name, name): _read_project(folder / name)
        for folder in folders
        for name in sorted(_projects(folder))
    }


def read_build_commands(root: Path) -> dict[str, str]:
    """Returns the landing page's commands in landing_page's form; of a missing page, nothing."""
    page = root / HTML
    try:
        return landing_page.read_build_commands(page.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _foreign(page, str(error)) from error
