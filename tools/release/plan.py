"""Compares a built index with the published one: new files, and the new contents of the pages.

Everything is decided here, before anything is written.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Iterator, NamedTuple

import simple_pages
from errors import PublishError
from landing_page import landing_page
from simple_pages import Entry
from site_pages import (
    HTML,
    JSON,
    NOTHING,
    Key,
    Project,
    Site,
    is_wheel,
    read_build_commands,
    read_site,
)
from variants import VariantsError, variants_files
from wheel_file import InvalidWheelError, WheelFile, listed_wheel
from write_index import group

# The one index whose wheels have no local version label (docs/variants.md).
_VARIANTS = "variants"


class Copy(NamedTuple):
    """A file that is published for the first time."""

    source: Path
    destination: Path


class Page(NamedTuple):
    """A file that is replaced where it has other bytes."""

    path: Path
    content: bytes


class Plan(NamedTuple):
    """In this order: a page is written after the files that it links to."""

    copies: list[Copy]
    pages: list[Page]


class _Folders(NamedTuple):
    """Where the files of a project lie."""

    built: Path
    published: Path

    def find(self, name: str) -> Path:
        """Returns the published file, else the one to be published."""
        published = self.published / name
        return published if published.is_file() else self.built / name


def sha256(path: Path) -> str:
    """Returns the file's SHA-256 as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _next_version(name: str) -> str:
    """Returns a version that is newer than that of a wheel: a post-release."""
    public = name.split("-")[1].partition("+")[0]
    release, _, number = public.partition(".post")
    return f"{release}.post{int(number) + 1 if re.fullmatch('[0-9]+', number) else 1}"


def _refusal(path: Path, published: str, built: str) -> PublishError:
    return PublishError(
        f"{path} is published with SHA-256 {published} and may not become {built}; "
        "nothing was written: build under a new version, such as "
        f"--//:version={_next_version(path.name)}, and publish that"
    )


def _check_built(path: Path, listed: str) -> None:
    if not path.is_file() or sha256(path) != listed:
        raise PublishError(
            f"{path} is missing or has other bytes than its index says; "
            "build //:index again, or download it again"
        )


def _check_immutable(path: Path, built: str, listed: str | None) -> None:
    """`listed`: SHA-256 in the published page, if it has the file."""
    on_host = sha256(path) if path.is_file() else None
    for published in (listed, on_host):
        if published not in (None, built):
            raise _refusal(path, published, built)


def _hashes(entry: Entry) -> dict[str, str]:
    """Returns the SHA-256 of a wheel and of the metadata file beside it, by name."""
    name = entry["filename"]
    return {
        name: entry["hashes"]["sha256"],
        f"{name}.metadata": entry["core-metadata"]["sha256"],
    }


def _wheel_copies(entry: Entry, published: Entry | None, folders: _Folders) -> Iterator[Copy]:
    listed = _hashes(published) if published else {}
    for name, digest in _hashes(entry).items():
        copy = Copy(folders.built / name, folders.published / name)
        _check_built(copy.source, digest)
        _check_immutable(copy.destination, digest, listed.get(name))
        if not copy.destination.is_file():
            yield copy


def _copies(built: Project, published: Project, folders: _Folders) -> list[Copy]:
    return [
        copy
        for name, entry in sorted(built.files.items())
        if is_wheel(name)
        for copy in _wheel_copies(entry, published.files.get(name), folders)
    ]


def _check_is_there(project: Project, folders: _Folders) -> None:
    """Fails if a published file is gone: its page would go on to list it."""
    for name, entry in project.files.items():
        for needed in _hashes(entry) if is_wheel(name) else ():
            if not folders.find(needed).is_file():
                raise PublishError(
                    f"{folders.published / JSON} lists {needed}, which is not there; "
                    "put the file back"
                )


def _merged(built: Project, published: Project) -> Project:
    """Merges two projects; published files keep their entries, above all the upload time."""
    return Project(built.versions | published.versions, {**built.files, **published.files})


def _variants_pages(project: Project, folders: _Folders) -> dict[str, bytes]:
    """Returns the variants files; each describes all wheels of a release, and changes with a new
    one."""
    return variants_files(folders.find(name) for name in sorted(project.files) if is_wheel(name))


def _with_variants(project: Project, variants: dict[str, bytes]) -> Project:
    changed = {
        name: {**project.files[name], **simple_pages.content_facts(content)}
        for name, content in variants.items()
    }
    return project._replace(files={**project.files, **changed})


def _ordered(project: Project) -> list[Entry]:
    """Wheels by name, then the files about variants."""
    return [
        project.files[name] for name in sorted(project.files, key=lambda n: (not is_wheel(n), n))
    ]


def _project_pages(key: Key, project: Project, folders: _Folders) -> Iterator[Page]:
    variants = _variants_pages(project, folders)
    for name, content in variants.items():
        yield Page(folders.published / name, content)
    project = _with_variants(project, variants)
    entries = _ordered(project)
    json = simple_pages.project_json(key.name, project.versions, entries)
    yield Page(folders.published / JSON, json)
    yield Page(folders.published / HTML, simple_pages.project_html(key.name, entries))


def _root_pages(target: Path, site: Site) -> Iterator[Page]:
    for backend in sorted({key.backend for key in site}):
        names = sorted(key.name for key in site if key.backend == backend)
        yield Page(target / "whl" / backend / JSON, simple_pages.root_json(names))
        yield Page(target / "whl" / backend / HTML, simple_pages.root_html(names))


def _listed_wheel(entry: Entry, folders: _Folders) -> WheelFile:
    name = entry["filename"]
    return listed_wheel(
        folders.find(name),
        sha256=entry["hashes"]["sha256"],
        size=entry["size"],
        metadata=folders.find(f"{name}.metadata").read_bytes(),
        requires_python=entry.get("requires-python", ""),
    )


def _landing_page(site: Site, folders: dict[Key, _Folders], index: Path, target: Path) -> Page:
    wheels = [
        _listed_wheel(entry, folders[key])
        for key, project in site.items()
        if key.backend != _VARIANTS
        for entry in project.files.values()
    ]
    commands = {**read_build_commands(target), **read_build_commands(index)}
    return Page(target / HTML, landing_page(group(wheels), commands))


def _changed(page: Page) -> bool:
    return not page.path.is_file() or page.path.read_bytes() != page.content


def _make_plan(index: Path, target: Path) -> Plan:
    built, published = read_site(index), read_site(target)
    if target.exists() and not target.is_dir():
        raise PublishError(f"{target} is no folder; name the one that is hosted")
    if not built:
        raise PublishError(f"{index} has no whl/<backend>/<project>; name what //:index wrote")
    keys = sorted(built.keys() | published.keys())
    folders = {key: _Folders(index / key.folder, target / key.folder) for key in keys}
    pairs = {key: (built.get(key, NOTHING), published.get(key, NOTHING)) for key in keys}
    copies = [copy for key in keys for copy in _copies(*pairs[key], folders[key])]
    site = {key: _merged(*pairs[key]) for key in keys}
    for key, project in site.items():
        _check_is_there(project, folders[key])
    pages = [page for key in keys for page in _project_pages(key, site[key], folders[key])]
    pages += _root_pages(target, site)
    pages.append(_landing_page(site, folders, index, target))
    return Plan(copies, list(filter(_changed, pages)))


def make_plan(index: Path, target: Path) -> Plan:
    """Returns the plan to publish `index` in `target`; raises PublishError where that is
    refused."""
    try:
        return _make_plan(index, target)
    except (InvalidWheelError, VariantsError) as error:
        raise PublishError(str(error)) from error
