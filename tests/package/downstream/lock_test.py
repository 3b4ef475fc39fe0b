"""tools/downstream: pip's choice of wheels, and the file that it is written to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import lock_file
import pytest
import resolve
import synthetic

_ABI = f"cp{sys.version_info[0]}{sys.version_info[1]}"
_FACTS = resolve.read_facts(Path(os.environ["FACTS"]))
_LOCK = Path(os.environ["LOCK"])
_SHA256 = "0" * 64


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the directory of wheels of an index that pip's settings name."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    return wheels


def _publish(index: Path, hashes: bool = True) -> None:
    """Writes the index's pages (PEP 503)."""
    for wheel in index.iterdir():
        package = wheel.name.split("-")[0].replace("_", "-")
        page = index.parent / "simple" / package / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        fragment = f"#sha256={synthetic.sha256(wheel)}" if hashes else ""
        with page.open("a") as file:
            file.write(f'<a href="{wheel.as_uri()}{fragment}">{wheel.name}</a>\n')


@pytest.fixture
def resolver(tmp_path: Path) -> resolve.Resolver:
    """Returns pip, with a wheel of ours that requires `numpy`."""
    (tmp_path / "own").mkdir()
    tag = f"{_ABI}-{_ABI}-manylinux_2_17_x86_64"
    own = synthetic.make_wheel(tmp_path / "own", "0.3.100+cpu", tag=tag, requires=["numpy"])
    pip_wheel = Path(os.environ["PIP_WHEEL"]).absolute()
    return resolve.Resolver(_ABI, Path(sys.executable), pip_wheel, own)


def _make(index: Path, package: str, version: str, *requires: str, tag="py3-none-any") -> Path:
    return synthetic.make_wheel(index, version, distribution=package, tag=tag, requires=requires)


def _facts(**no_deps: list[str]) -> resolve.Facts:
    return resolve.Facts({"some": ["some-chat"]}, no_deps, ["pytest"], {})


def test_the_newest_wheels_that_fit_together(index: Path, resolver: resolve.Resolver) -> None:
    """Ours is a candidate that is not pinned; a wheel for a newer glibc is not taken."""
    expected = {
        _make(index, "some_chat", "2.0", "llama-cpp-python<0.4", "helper<3"),
        _make(index, "helper", "2.5", f"backport; python_version > '{sys.version_info[0]}.0'"),
        _make(index, "backport", "1.0"),
        _make(index, "pytest", "9.0"),
        _make(index, "numpy", "2.0", tag=f"{_ABI}-{_ABI}-manylinux_2_28_x86_64"),
    }
    _make(index, "helper", "3.0")
    _make(index, "numpy", "2.1", tag=f"{_ABI}-{_ABI}-manylinux_2_39_x86_64")
    _publish(index)
    found = resolver.wheels(_facts(), "some")
    packages = {"some-chat", "helper", "backport", "pytest", "numpy"}
    assert {wheel.package for wheel in found} == packages
    assert {(wheel.file, wheel.sha256) for wheel in found} == {
        (wheel.name, synthetic.sha256(wheel)) for wheel in expected
    }


def test_a_package_without_its_requirements(index: Path, resolver: resolve.Resolver) -> None:
    for package in ("some_chat", "pytest", "numpy"):
        _make(index, package, "1.0")
    _make(index, "huge", "1.0", "torch", "llama-cpp-python==0.3.9")
    _publish(index)
    files = [wheel.file for wheel in resolver.wheels(_facts(some=["huge"]), "some")]
    assert "huge-1.0-py3-none-any.whl" in files


def test_versions_that_do_not_fit(index: Path, resolver: resolve.Resolver) -> None:
    _make(index, "some_chat", "1.0", "llama-cpp-python<0.3")
    _make(index, "pytest", "1.0")
    _make(index, "numpy", "1.0")
    _publish(index)
    with pytest.raises(resolve.LockError, match="Cannot install .* some-chat==1.0") as error:
        resolver.wheels(_facts(), "some")
    assert str(error.value).splitlines()[-1].startswith("  ")
    assert " install --dry-run " in str(error.value)


def _wheel(file: str) -> lock_file.Wheel:
    return lock_file.Wheel(file, file.split("-")[0], _SHA256)


def test_entries_that_abis_share_are_written_once() -> None:
    lock = lock_file.Lock({})
    both, of_one = _wheel("both-1-py3-none-any.whl"), _wheel("one-1-cp311-cp311-any.whl")
    lock.replace("cp311", "b", [both, of_one])
    lock.replace("cp311", "a", [both])
    lock.replace("cp312", "a", [both])
    lock.replace("cp312", "b", [both])
    tables: dict[str, dict[str, dict[str, str]]] = {}
    exec(lock.text(), tables)
    assert tables["LOCK"] == {
        "any": {both.file: f"both {_SHA256} a b"},
        "cp311": {of_one.file: f"one {_SHA256} b"},
        "cp312": {},
    }
    assert lock_file.Lock(tables["LOCK"]).text() == lock.text()


def test_environments_that_are_gone_are_dropped() -> None:
    lock = lock_file.Lock({})
    for name in ("kept", "gone"):
        lock.replace("cp311", name, [_wheel(f"{name}-1-py3-none-any.whl")])
    lock.forget_others("cp311", ["kept"])
    assert "gone" not in lock.text() and "kept" in lock.text()


def test_the_lock_is_as_the_program_writes_it() -> None:
    assert lock_file.Lock(_FACTS.locked).text() == _LOCK.read_text()


def test_every_environment_is_locked() -> None:
    for abi in json.loads(os.environ["LOCKED_ABIS"]):
        entries = {**_FACTS.locked["any"], **_FACTS.locked[abi]}.values()
        locked = {name for entry in entries for name in entry.split(" ")[2:]}
        assert locked == set(_FACTS.environments), abi
