"""Whatever lies on library paths, is preloaded or was loaded before: our files run, or one error
names the other one."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from package_copy import Copy

MODEL = os.path.abspath(os.environ["LLAMA_TEST_MODEL"])
SONAME = b"libforeign-with-room-for-any-other-name.so"

KINDS = ("aborting", "empty", "real")
GENERIC = ("libggml-base.so", "libggml.so", "libllama.so", "libmtmd.so", "libggml-cpu.so")
VERSIONED = tuple(name + ".0" for name in GENERIC)
VARIANTS = ("libggml-cpu-haswell.so", "libggml-cpu-sapphirerapids.so", "libggml-cpu-x64.so")
OURS = tuple(f"libllama_cpp_python-{name}.so" for name in ("ggml-base", "ggml", "llama"))
NAMES = (*GENERIC, *VERSIONED, *VARIANTS, *OURS)

# Where a foreign library can be without being in the way, and where its symbols come before ours.
HARMLESS = (
    "LD_LIBRARY_PATH",
    "LD_LIBRARY_PATH, relative",
    "LD_LIBRARY_PATH, after an empty entry",
    "LD_LIBRARY_PATH, after our own",
    "working directory",
    "PYTHONPATH",
    "dlopen, RTLD_LOCAL",
)
GLOBAL = ("LD_PRELOAD", "LD_PRELOAD by name", "dlopen, RTLD_GLOBAL")

PROGRAM = """
import ctypes, json, sys
model, mode, *foreign = sys.argv[1:]
for library in foreign:
    ctypes.CDLL(library, mode=int(mode))
import llama_cpp
llm = llama_cpp.Llama(model, n_ctx=64, n_threads=1, verbose=False)
text = llm("In the beginning", max_tokens=3, temperature=0)["choices"][0]["text"]
from llama_cpp import _core
from llama_cpp._backends.report import report
print(json.dumps({"text": text, "files": [*_core.native_files().values(), report.library]}))
"""


@dataclass(frozen=True)
class Situation:
    """A foreign library for each of some names, in one place.

    Attributes:
        kind: The libraries' contents.
        names: Their files.
        place: Where they are.
        linked: Whether the package is seen through a symbolic link.
    """

    kind: str
    names: tuple[str, ...]
    place: str
    linked: bool = False

    def __str__(self) -> str:
        names = "+".join(self.names)
        return f"{self.kind} {names} in {self.place}{', linked site-packages' * self.linked}"


class Machine:
    """An installation, beside which foreign libraries are put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copy = Copy(folder)
        self.link = folder / "link"
        self.link.symlink_to(self.copy.site)
        self.numbers = itertools.count()

    def write(self, situation: Situation) -> list[Path]:
        """Writes the libraries into a new directory."""
        folder = self.folder / f"foreign-{next(self.numbers)}"
        folder.mkdir()
        data = Path(os.environ[situation.kind.upper()]).read_bytes()
        assert data.count(SONAME) == 1
        paths = [folder / name for name in situation.names]
        for path in paths:
            path.write_bytes(data.replace(SONAME, path.name.encode().ljust(len(SONAME), b"\0")))
        return paths

    def run(self, situation: Situation) -> subprocess.CompletedProcess:
        """Imports the package and generates text in such a situation."""
        paths = self.write(situation)
        folder = paths[0].parent
        site = self.link if situation.linked else self.copy.site
        env = {"PYTHONPATH": os.pathsep.join([str(site), os.environ["PYTHONPATH"]])}
        mode, opened, cwd = 0, [], self.copy.empty
        if situation.place == "LD_LIBRARY_PATH":
            env["LD_LIBRARY_PATH"] = str(folder)
        elif situation.place == "LD_LIBRARY_PATH, relative":
            env["LD_LIBRARY_PATH"], cwd = folder.name, self.folder
        elif situation.place == "LD_LIBRARY_PATH, after an empty entry":
            env["LD_LIBRARY_PATH"], cwd = f":{folder}", folder
        elif situation.place == "LD_LIBRARY_PATH, after our own":
            env["LD_LIBRARY_PATH"] = f"{self.copy.lib}:{folder}"
        elif situation.place == "working directory":
            cwd = folder
        elif situation.place == "PYTHONPATH":
            env["PYTHONPATH"] = os.pathsep.join([str(folder), env["PYTHONPATH"]])
        elif situation.place == "LD_PRELOAD":
            env["LD_PRELOAD"] = " ".join(map(str, paths))
        elif situation.place == "LD_PRELOAD by name":
            env["LD_PRELOAD"] = ":".join(situation.names)
            env["LD_LIBRARY_PATH"] = str(folder)
        else:
            mode = os.RTLD_NOW | getattr(os, situation.place.split(", ")[1])
            opened = list(map(str, paths))
        return subprocess.run(
            [sys.executable, "-S", "-c", PROGRAM, MODEL, str(mode), *opened],
            capture_output=True,
            cwd=cwd,
            env={**os.environ, "XDG_CACHE_HOME": str(self.copy.cache), **env},
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def text(machine: Machine) -> str:
    """Returns the generated text without a foreign library."""
    done = machine.run(Situation("empty", ("libnothing.so",), "working directory"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["text"]


def runs_ours(machine: Machine, situation: Situation, text: str) -> bool:
    """Returns whether our files ran; fails unless they did or one error named the foreign file."""
    done = machine.run(situation)
    assert "was called" not in done.stderr, f"{situation}: {done.stderr}"
    if done.returncode == 0:
        said = json.loads(done.stdout)
        assert said["text"] == text, situation
        for file in said["files"]:
            assert os.path.samefile(os.path.dirname(file), machine.copy.lib), situation
        return True
    assert done.returncode == 1, f"{situation}: {done.returncode} {done.stderr}"
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("ImportError: "))
    remedy = done.stderr.splitlines()[-1]
    assert any(name in error for name in situation.names), f"{situation}: {error}"
    assert "Import llama_cpp before" in remedy and "LD_PRELOAD" in remedy, f"{situation}: {remedy}"
    return False


def named_situations() -> list[Situation]:
    """Returns situations of every kind and place, with the names that other packages have."""
    whole = [
        Situation(kind, names, place)
        for kind in KINDS
        for names in (GENERIC, OURS)
        for place in (*HARMLESS, *GLOBAL)
    ]
    linked = [Situation("aborting", NAMES, place, linked=True) for place in HARMLESS]
    return whole + linked


def made_up_situations(count: int) -> list[Situation]:
    """Returns distinct situations, the same in every run."""
    chance = random.Random(3)
    found: dict[Situation, None] = {}
    while len(found) < count:
        names = tuple(chance.sample(NAMES, chance.randint(1, 6)))
        place = chance.choice((*HARMLESS, *GLOBAL))
        found[Situation(chance.choice(KINDS), names, place, chance.random() < 0.3)] = None
    return list(found)


@pytest.mark.parametrize("situation", named_situations(), ids=str)
def test_named_situations(machine: Machine, text: str, situation: Situation) -> None:
    ours = runs_ours(machine, situation, text)
    if situation.place in HARMLESS and not (
        situation.place.startswith("dlopen") and set(OURS) & set(situation.names)
    ):
        assert ours
    if situation.place in GLOBAL and situation.kind != "empty":
        assert not ours


def test_made_up_situations(machine: Machine, text: str) -> None:
    situations = made_up_situations(100)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda s: runs_ours(machine, s, text), situations))
    for situation, ours in zip(situations, outcomes):
        if situation.place not in GLOBAL and not situation.place.startswith("dlopen"):
            assert ours, situation
    print(f"{sum(outcomes)} ran ours, {len(outcomes) - sum(outcomes)} were refused")
    assert 25 < sum(outcomes) < 95


def test_the_message(machine: Machine) -> None:
    situation = Situation("real", ("libggml-base.so",), "dlopen, RTLD_GLOBAL")
    error, remedy = machine.run(situation).stderr.splitlines()[-2:]
    assert error.startswith("ImportError: llama_cpp cannot use its own copy of llama.cpp: ")
    assert error.endswith(f"/libggml-base.so and not from {machine.copy.lib}.")
    assert remedy.startswith("Import llama_cpp before the package that loads that file, or unset")


def test_importing_first_helps(machine: Machine) -> None:
    """The first remedy: a library loaded later changes nothing."""
    (path,) = machine.write(Situation("aborting", ("libggml-base.so",), ""))
    code = PROGRAM.replace("for library in foreign:", "import llama_cpp\nfor library in foreign:")
    done = machine.copy.run(code, MODEL, os.RTLD_NOW | os.RTLD_GLOBAL, path)
    assert done.returncode == 0, done.stderr


def test_another_copy_of_ours(machine: Machine, tmp_path: Path) -> None:
    """An older or newer copy of this package, loaded before under the same sonames."""
    other = Copy(tmp_path)
    done = machine.copy.run(PROGRAM, MODEL, os.RTLD_NOW, *(other.lib / name for name in OURS))
    assert done.returncode == 1
    assert str(other.lib) in done.stderr.splitlines()[-2]


def test_ours_stay_out_of_the_global_scope(machine: Machine) -> None:
    """Else another package's llama.cpp would take our functions for its own."""
    code = """
import ctypes, os, sys
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
import llama_cpp
print(sys.getdlopenflags() == os.RTLD_NOW | os.RTLD_GLOBAL, hasattr(ctypes.CDLL(None), "ggml_init"))
"""
    assert machine.copy.run(code).stdout == "True False\n"


def test_info_names_the_files(machine: Machine) -> None:
    code = (
        "import sys; from llama_cpp.__main__ import main; sys.exit(main(['info', *sys.argv[1:]]))"
    )
    files = json.loads(machine.copy.run(code, "--json").stdout)["native_files"]
    assert sorted(Path(file).name for file in files.values()) == sorted(OURS)
    assert {Path(file).parent for file in files.values()} == {machine.copy.lib}
    printed = machine.copy.run(code).stdout
    assert all(f"loaded     {file}\n" in printed for file in files.values())
