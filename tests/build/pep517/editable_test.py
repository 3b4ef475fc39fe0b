"""Editable wheels: Python out of the source tree, native code out of the wheel."""

from __future__ import annotations

import base64
import csv
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.tags import sys_tags

ABI = next(sys_tags()).abi


@pytest.fixture
def site(tree, tmp_path) -> Path:
    """Returns a directory as pip makes it of the editable wheel."""
    name = tree.call("build_editable", str(tree.out)).value
    assert name == f"llama_cpp_python-0.3.100-{ABI}-{ABI}-linux_x86_64.whl"
    with zipfile.ZipFile(tree.out / name) as wheel:
        wheel.extractall(tmp_path / "site")
    return tmp_path / "site"


def run(site: Path, code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return result.stdout


def test_the_wheel_holds_only_what_the_source_tree_lacks(tree, site) -> None:
    package = site / "llama_cpp"
    names = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert names == {
        "__init__.py",
        "_build_info.py",
        "_capi/__init__.py",
        "_capi/llama_h.py",
        "_core.py",
        "lib/libggml.so",
    }
    assert [path.name for path in site.iterdir() if path != package] == [
        "llama_cpp_python-0.3.100.dist-info"
    ]


def test_python_is_the_source_trees_and_native_code_the_wheels(tree, site) -> None:
    sources = tree.root / "llama_cpp"
    said = run(
        site,
        "import llama_cpp as p, llama_cpp.python as q, llama_cpp._core as c\n"
        "print(p.__file__, p.__spec__.submodule_search_locations, p.ANSWER, p.ACCELERATOR)\n"
        "print(q.__file__, c.__file__, c.NATIVE)",
    )
    installed = site / "llama_cpp"
    assert said.splitlines() == [
        f"{sources}/__init__.py {[str(installed), str(sources)]} from the tree cpu",
        f"{sources}/python.py {installed}/_core.py from the wheel",
    ]


def test_a_subpackage_has_modules_of_both(tree, site) -> None:
    said = run(
        site,
        "import llama_cpp._capi.model as m, llama_cpp._capi.llama_h as h\n"
        "print(m.__file__, h.__file__, m.SIZE)",
    )
    installed = site / "llama_cpp/_capi/llama_h.py"
    assert said == f"{tree.root}/llama_cpp/_capi/model.py {installed} 8\n"


def test_changed_and_new_files_are_seen(tree, site) -> None:
    (tree.root / "llama_cpp/python.py").write_text("ANSWER = 'changed'\n")
    (tree.root / "llama_cpp/new.py").write_text("ANSWER = 'new'\n")
    said = run(site, "import llama_cpp, llama_cpp.new as new; print(llama_cpp.ANSWER, new.ANSWER)")
    assert said == "changed new\n"


def test_runs_as_a_program(tree, site) -> None:
    (tree.root / "llama_cpp/__main__.py").write_text("from . import ANSWER\nprint(ANSWER)\n")
    said = run(site, "import runpy; runpy.run_module('llama_cpp', run_name='__main__')")
    assert said == "from the tree\n"


def test_a_source_tree_that_is_gone(tree, site) -> None:
    moved = tree.root.rename(tree.root.parent / "moved")
    assert moved.exists()
    assert run(site, "import llama_cpp").splitlines()[-1] == (
        f"ImportError: llama_cpp is installed in editable mode from {tree.root}/llama_cpp, which is"
        " gone: run `pip install -e .` where the source tree is now"
    )


def test_the_record_is_right(tree, site) -> None:
    (wheel,) = tree.out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        record = csv.reader(archive.read(archive.namelist()[-1]).decode().splitlines())
        expected = [(name, archive.read(name)) for name in archive.namelist()[:-1]]
    assert [tuple(row) for row in record] == [
        *((name, f"sha256={digest(data)}", str(len(data))) for name, data in expected),
        ("llama_cpp_python-0.3.100.dist-info/RECORD", "", ""),
    ]


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
