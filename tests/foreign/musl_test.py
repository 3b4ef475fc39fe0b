"""Native files for musl: they load, each CPU variant that the CPU has is right, text comes out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from programs import TEXT, Programs, System, run_by

LOADER = Path(os.environ["LOADER"]).absolute()


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp("lib")
    return Programs(folder, System(run_by(LOADER, "--library-path", folder)))


def test_the_c_library_is_musl() -> None:
    answer = subprocess.run([LOADER], capture_output=True, text=True)
    assert answer.stderr.startswith("musl libc")


def test_musl_has_every_symbol(programs: Programs) -> None:
    for library in sorted(programs.folder.glob("*.so")):
        answer = subprocess.run([LOADER, "--list", library], capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        assert "libllama_cpp_python-ggml-base.so" in answer.stdout + library.name
        assert answer.stderr == ""


def test_every_variant_has_a_score(programs: Programs) -> None:
    assert sorted(programs.scores()) == programs.variants()
    assert programs.supported()


def test_products(programs: Programs) -> None:
    programs.require_right_products(programs.supported())


def test_the_same_text_as_with_glibc(programs: Programs) -> None:
    assert programs.generate() == TEXT
