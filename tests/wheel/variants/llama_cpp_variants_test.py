"""The variants of the real wheel: audits by other tools, and that uv's choice of one runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import variants

WHEEL = Path(os.environ["WHEEL"])
TABLE = json.loads(Path(os.environ["VARIANT_TABLE"]).read_text())
UV = os.environ["UV"]
LIBRARIES = [Path(path).resolve() for path in os.environ["TEST_WHEELS"].split()]
VARIANTS = [Path(path) for path in os.environ["VARIANT_WHEELS"].split()]
[VARIANT] = [path for path in VARIANTS if variants.variant_label(path.name)]
PLAIN = [path for path in VARIANTS if path != VARIANT]
LABEL = variants.variant_label(VARIANT.name)
[ACCELERATOR] = [name for name, row in TABLE["variants"].items() if row["label"] == LABEL]

_SHOW = """
import importlib.metadata, llama_cpp
print(importlib.metadata.version("llama-cpp-python"), llama_cpp.__version__)
"""


def payload(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            path: archive.read(path) for path in archive.namelist() if ".dist-info/" not in path
        }


def audit(wheel: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", "--json", wheel],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_payload_is_the_one_that_was_checked() -> None:
    for variant in VARIANTS:
        assert payload(variant) == payload(WHEEL)


def test_audits_run_on_the_plain_name() -> None:
    """Tools that read names by `packaging` know no variant labels; docs/variants.md has the
    remedy."""
    refused = audit(VARIANT)
    assert refused.returncode != 0 and "Invalid build number" in refused.stderr
    expected = json.loads(audit(WHEEL).stdout)
    for plain in PLAIN:
        report = json.loads(audit(plain).stdout)
        assert {**report, "wheel": ""} == {**expected, "wheel": ""}


def test_our_own_checker_accepts_the_plain_wheel() -> None:
    for plain in PLAIN:
        checked = subprocess.run(
            [sys.executable, os.environ["CHECK_WHEEL"], "--policy", os.environ["POLICY"]]
            + ["--accelerator", ACCELERATOR, plain],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr


def test_what_uv_chose_runs_and_names_its_backend(tmp_path: Path) -> None:
    for wheel in [*VARIANTS, *LIBRARIES]:
        (tmp_path / wheel.name).symlink_to(wheel.resolve())
    for name, content in variants.variants_files(VARIANTS).items():
        (tmp_path / name).write_bytes(content)
    site = tmp_path / "site"
    installed = subprocess.run(
        [UV, "pip", "install", "--no-config", "--no-cache", "--no-index", "--python"]
        + [sys.executable, "--find-links", tmp_path, "--target", site]
        + ["--preview-features", "wheel-variants", "llama-cpp-python"],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    assert installed.returncode == 0, installed.stderr
    [document] = site.glob("llama_cpp_python-*.dist-info/variant.json")
    assert list(json.loads(document.read_text())["variants"]) == [LABEL]
    shown = subprocess.run(
        [sys.executable, "-S", "-c", _SHOW],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
    )
    assert shown.returncode == 0, shown.stderr
    distribution, package = shown.stdout.split()
    version, label = WHEEL.name.split("-")[1].split("+")
    assert (distribution, package) == (version, f"{version}+{label}")
