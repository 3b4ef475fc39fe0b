"""Native files for 64-bit ARM under qemu-user: two CPU variants compute rightly, text comes out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import TEXT, Programs, System, run_by

EMULATOR = Path(os.environ["EMULATOR"]).absolute()
VARIANTS = ["armv8.0_1", "armv8.6_1"]
# Vectors of SVE have 256 bits then, as on Graviton 3.
CPU = "max,sve-default-vector-length=32"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the root of a system that has a C library and nothing else."""
    root = tmp_path_factory.mktemp("root")
    (root / "lib").mkdir()
    for library in os.environ["LIBC"].split():
        (root / "lib" / Path(library).name).symlink_to(Path(library).absolute())
    return root


@pytest.fixture
def programs(root: Path, tmp_path: Path) -> Programs:
    runner = (EMULATOR, "-cpu", CPU, "-L", root, "-E", f"LD_LIBRARY_PATH={tmp_path}")
    return Programs(tmp_path, System(run_by(*runner)))


def test_the_emulated_cpu_has_both(programs: Programs) -> None:
    assert programs.supported() == VARIANTS


def test_products(programs: Programs) -> None:
    programs.require_right_products(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_text_as_on_x86(programs: Programs, variant: str) -> None:
    for other in VARIANTS:
        if other != variant:
            programs.cpu_library(other).unlink()
    assert programs.generate() == TEXT
