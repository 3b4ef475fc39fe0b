"""Pages of the simple repository API 1.4, as bytes: HTML (PEP 503), JSON (PEP 691, PEP 700).

Both say the same, except sizes, versions and upload times, for which HTML has no place (PEP 833
froze it).
"""

from __future__ import annotations

import hashlib
import html
import json
from typing import Any, Iterable, Mapping
from urllib.parse import quote

from wheel_file import WheelFile

_API_VERSION = "1.4"

# A file's entry in the JSON page, from which the HTML page is made too.
Entry = Mapping[str, Any]

_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="{api_version}">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
{links}
</body>
</html>
"""


def _link(address: str, text: str, attributes: Mapping[str, str]) -> str:
    pairs = {"href": address, **attributes}
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in pairs.items())
    return f"<a{written}>{html.escape(text)}</a><br>"


def _html_page(title: str, links: Iterable[str]) -> bytes:
    text = _HTML.format(api_version=_API_VERSION, title=html.escape(title), links="\n".join(links))
    return text.encode()


def _json_page(content: dict[str, Any]) -> bytes:
    page = {"meta": {"api-version": _API_VERSION}, **content}
    return (json.dumps(page, indent=1, sort_keys=True) + "\n").encode()


def relative_address(wheel: WheelFile) -> str:
    """Address of a wheel from its project's page; `+` would be read as a space by some servers."""
    return quote(wheel.file_name, safe="")


def _file_link(entry: Entry) -> str:
    attributes = {}
    if "requires-python" in entry:
        attributes["data-requires-python"] = entry["requires-python"]
    if "core-metadata" in entry:
        metadata_hash = f"sha256={entry['core-metadata']['sha256']}"
        # The second name is that of PEP 658, for clients older than PEP 714.
        attributes["data-core-metadata"] = metadata_hash
        attributes["data-dist-info-metadata"] = metadata_hash
    address = f"{entry['url']}#sha256={entry['hashes']['sha256']}"
    return _link(address, entry["filename"], attributes)


def _wheel_entry(wheel: WheelFile, upload_time: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "core-metadata": {"sha256": wheel.metadata_sha256},
        "filename": wheel.file_name,
        "hashes": {"sha256": wheel.sha256},
        "size": wheel.size,
        "url": relative_address(wheel),
    }
    if wheel.requires_python:
        entry["requires-python"] = wheel.requires_python
    if upload_time:
        entry["upload-time"] = upload_time
    return entry


def content_facts(content: bytes) -> dict[str, Any]:
    """Returns the part of an entry about the bytes of a file."""
    return {"hashes": {"sha256": hashlib.sha256(content).hexdigest()}, "size": len(content)}


def _variants_entry(name: str, content: bytes, upload_time: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"filename": name, "url": name, **content_facts(content)}
    if upload_time:
        entry["upload-time"] = upload_time
    return entry


def project_entries(
    wheels: Iterable[WheelFile], variants: Mapping[str, bytes], upload_times: Mapping[str, str]
) -> list[Entry]:
    """Returns the wheels and the files about their variants (variants.py), for both pages.

    `upload_times`: public version -> time, with the key `` for all others.
    """
    default = upload_times.get("", "")
    return [
        _wheel_entry(wheel, upload_times.get(wheel.public_version, default)) for wheel in wheels
    ] + [
        # {name}-{version}-variants.json
        _variants_entry(name, content, upload_times.get(name.split("-")[1], default))
        for name, content in variants.items()
    ]


def project_html(project: str, entries: Iterable[Entry]) -> bytes:
    """Returns the page that lists a project's files."""
    return _html_page(f"Links for {project}", map(_file_link, entries))


def project_json(project: str, versions: Iterable[str], entries: Iterable[Entry]) -> bytes:
    """Returns the project's page as JSON."""
    return _json_page({"name": project, "versions": sorted(set(versions)), "files": list(entries)})


def root_html(projects: Iterable[str]) -> bytes:
    """Returns the page that lists an index's projects."""
    return _html_page("Simple index", (_link(f"{name}/", name, {}) for name in projects))


def root_json(projects: Iterable[str]) -> bytes:
    """Returns the index's page as JSON."""
    return _json_page({"projects": [{"name": name} for name in projects]})
