"""Variants on the index that write_index.py writes, beside the backends' own: pages, and uv on each
kind of page."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
import serve
import variants

UV = os.environ["UV"]
WHEELS = [Path(path) for path in os.environ["WHEELS"].split()]
VARIANTS = [Path(path) for path in os.environ["VARIANT_WHEELS"].split()]
UPLOAD_TIME, SOON_AFTER = "2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z"
WRITE_INDEX = os.environ["WRITE_INDEX"]


def write_index(out: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, WRITE_INDEX, "--out", out, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """whl/ of an index with all backends and all variants."""
    options = [f"--upload-time={UPLOAD_TIME}", *(f"--variant={path}" for path in VARIANTS)]
    written = write_index(tmp_path / "site", *options, *WHEELS)
    assert written.returncode == 0, written.stderr
    return tmp_path / "site" / "whl"


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    url, stop = serve.start(folder)
    yield url
    stop()


def test_variants_have_a_folder_of_their_own(folder: Path) -> None:
    labels = {path.name.split("+")[1].split("-")[0] for path in WHEELS}
    assert {path.name for path in folder.iterdir()} == labels | {"variants"}
    listed = {path.name for path in (folder / "variants" / "demo").glob("*.whl")}
    assert listed == {path.name for path in VARIANTS}
    for label in labels:
        assert not list((folder / label).rglob("*variants*"))


def test_both_pages_list_the_variants_file(folder: Path) -> None:
    project = folder / "variants" / "demo"
    content = (project / "demo-1.0-variants.json").read_bytes()
    assert {"demo-1.0-variants.json": content} == variants.variants_files(VARIANTS)
    digest = hashlib.sha256(content).hexdigest()
    page = json.loads((project / "index.v1_json").read_text())
    assert page["versions"] == ["1.0"]
    entries = {entry["filename"]: entry for entry in page["files"]}
    assert entries["demo-1.0-variants.json"] == {
        "filename": "demo-1.0-variants.json",
        "hashes": {"sha256": digest},
        "size": len(content),
        "upload-time": UPLOAD_TIME,
        "url": "demo-1.0-variants.json",
    }
    links = re.findall(r'href="([^"]*)"', (project / "index.html").read_text())
    assert f"demo-1.0-variants.json#sha256={digest}" in links
    assert {link.split("#")[0] for link in links} == {entry["url"] for entry in page["files"]}
    for path in VARIANTS:
        assert (project / f"{path.name}.metadata").read_bytes().splitlines()[2] == b"Version: 1.0"


@pytest.mark.parametrize("page", ["index.v1_json", "index.html"])
def test_uv_picks_a_variant(folder: Path, address: str, tmp_path: Path, page: str) -> None:
    if page == "index.html":
        for json_page in folder.rglob("index.v1_json"):
            json_page.unlink()
    installed = subprocess.run(
        [UV, "pip", "install", "--no-config", "--no-cache", "--python", sys.executable]
        + ["--preview-features", "wheel-variants", "--no-deps", "--target", tmp_path / "to"]
        # Only JSON gives the times that uv compares.
        + (["--exclude-newer", SOON_AFTER] if page == "index.v1_json" else [])
        + ["--default-index", f"{address}/variants", "demo"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "HOME": str(tmp_path),
            "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION": "13.1",
            "PATH": os.environ["PATH"],
        },
    )
    assert installed.returncode == 0, installed.stderr
    assert "BACKEND = 'cu13'" in (tmp_path / "to" / "demo" / "__init__.py").read_text()


def refusal(tmp_path: Path, *arguments: object) -> str:
    result = write_index(tmp_path / "refused", *arguments)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    return line


def test_a_variant_is_no_wheel_of_a_backend(tmp_path: Path) -> None:
    [variant] = [path for path in VARIANTS if variants.variant_label(path.name) == "cu13"]
    message = refusal(tmp_path, variant)
    assert f"{variant.name} is a variant (PEP 825)" in message
    assert f"give it as --variant={variant.name}" in message


def test_a_backends_wheel_is_no_variant(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"--variant={WHEELS[0]}", WHEELS[0])
    assert f"{WHEELS[0].name} has a local version label" in message
    assert "give it without --variant" in message
