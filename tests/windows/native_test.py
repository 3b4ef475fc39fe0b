"""The native files for Windows: the probe, every CPU variant that this CPU has, a C++ program."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from wine import Wine, find_wine, windows_path

find_wine()

MODEL = Path(os.environ["LLAMA_TEST_MODEL"]).absolute()
PROBE = "ggml-cpu-probe.exe"
PROMPT = "In the beginning"
# A space, and letters outside of every code page of Western Windows.
ODD = "Пользователь 用户 é"


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    wine = Wine(tmp_path_factory.mktemp("wine"))
    yield wine
    wine.end()


@pytest.fixture(scope="session")
def lib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a directory with all libraries and programs, as the wheel has them."""
    folder = tmp_path_factory.mktemp("lib")
    for file in [*os.environ["LIBRARIES"].split(), os.environ["EXAMPLE"]]:
        shutil.copy(file, folder)
    return folder


def cpu_libraries(folder: Path) -> list[Path]:
    return sorted(folder.glob("ggml-cpu-*.dll"))


def scores(wine: Wine, folder: Path) -> dict[str, int]:
    """Returns variant -> score, as the probe prints them."""
    libraries = [windows_path(path) for path in cpu_libraries(folder)]
    answer = wine.run(str(folder / PROBE), "score", *libraries)
    assert answer.returncode == 0, answer.stderr
    found = re.findall(r"ggml-cpu-(\S+)\.dll (\d+)", answer.stdout)
    return {variant: int(score) for variant, score in found}


def test_every_variant_has_a_score(wine: Wine, lib: Path) -> None:
    found = scores(wine, lib)
    assert set(found) == {path.stem.removeprefix("ggml-cpu-") for path in cpu_libraries(lib)}
    assert found["x64"] > 0


def test_variants_that_this_cpu_has_multiply_rightly(wine: Wine, lib: Path) -> None:
    for variant, score in scores(wine, lib).items():
        if score:
            library = windows_path(lib / f"ggml-cpu-{variant}.dll")
            answer = wine.run(str(lib / PROBE), "check", library)
            assert answer.stdout.startswith("ok "), (variant, answer)


def test_a_library_that_is_none(wine: Wine, lib: Path, tmp_path: Path) -> None:
    library = tmp_path / "ggml-cpu-none.dll"
    library.write_bytes(b"no library")
    answer = wine.run(str(lib / PROBE), "check", windows_path(library))
    assert answer.returncode == 1
    assert "can't be loaded" in answer.stdout


def generate(wine: Wine, folder: Path, model: Path) -> str:
    answer = wine.run(
        str(folder / "generate.exe"),
        windows_path(folder / "llama_cpp_python-ggml-base.dll"),
        windows_path(model),
        PROMPT,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_the_same_text_as_on_linux(wine: Wine, lib: Path) -> None:
    assert generate(wine, lib, MODEL) == Path(os.environ["GENERATED"]).read_text().strip()


def test_the_probe_in_a_directory_with_an_odd_name(wine: Wine, lib: Path, tmp_path: Path) -> None:
    folder = tmp_path / ODD
    shutil.copytree(lib, folder)
    assert scores(wine, folder) == scores(wine, lib)
    library = windows_path(folder / "ggml-cpu-x64.dll")
    answer = wine.run(str(folder / PROBE), "check", library)
    assert answer.stdout.startswith("ok "), answer
