"""The native files for Windows: the probe, every CPU variant that this CPU has, a C++ program."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import TEXT, Programs, System
from wine import find_wine

find_wine()

# A space, and letters outside of every code page of Western Windows.
ODD = "Пользователь 用户 é"


@pytest.fixture(scope="session")
def programs(windows: System, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("lib"), windows)


def test_every_variant_has_a_score(programs: Programs) -> None:
    assert sorted(programs.scores()) == programs.variants()
    assert "x64" in programs.supported()


def test_products(programs: Programs) -> None:
    programs.require_right_products(programs.supported())


def test_a_library_that_is_none(programs: Programs, tmp_path: Path) -> None:
    library = tmp_path / "ggml-cpu-none.dll"
    library.write_bytes(b"no library")
    answer = programs.run("ggml-cpu-probe", "check", library)
    assert answer.returncode == 1
    assert "can't be loaded" in answer.stdout


def test_the_same_text_as_on_linux(programs: Programs) -> None:
    assert programs.generate() == TEXT


def test_a_directory_with_an_odd_name(windows: System, programs: Programs, tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    odd = Programs(folder, windows)
    assert odd.scores() == programs.scores()
    answer = odd.run("ggml-cpu-probe", "check", odd.cpu_library("x64"))
    assert answer.stdout.startswith("ok "), answer
