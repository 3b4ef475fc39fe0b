"""The programs that look for Pythons, against stand-in interpreters, stand-in version managers and
a stand-in Debian."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import answer
import cache
import debian_packages
import debian_source
import find_python
import machine
import patchelf
import pytest
from answer import NotFound, Request

FINDER = Path(find_python.__file__)
SUFFIX = ".cpython-{}-x86_64-linux-gnu.so"


def request(abi: str, need: str = "headers", source: str = "machine", path: str = "") -> Request:
    return Request(abi, SUFFIX.format(abi[len("cp") :]), need, source, path)


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def write_python(path: Path, abi: str, **facts: Any) -> Path:
    """Makes a program that describes itself as an interpreter of an ABI."""
    described = {
        "abi_tag": abi,
        "executable": str(path),
        "ext_suffix": SUFFIX.format(abi[len("cp") :]),
        "implementation": "cpython",
        "has_headers": True,
        "include": str(path.parent / "include"),
        "platform_include": "",
        **facts,
    }
    return write_program(path, f"cat <<'END'\n{json.dumps(described)}\nEND\n")


class Machine:
    """A machine that has only the files of a test: PATH, home, pyenv, uv, cache."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = folder / "bin"
        self.pyenv = folder / "pyenv"
        self.uv = folder / "uv"
        self.cache = folder / "cache"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("PYENV_ROOT", str(self.pyenv))
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(self.uv))
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.cache))

    def use(self, *tools: str) -> None:
        """Puts tools of the real machine on PATH."""
        for tool in tools:
            (self.bin / tool).symlink_to(shutil.which(tool, path=os.defpath) or f"/bin/{tool}")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    result = Machine(tmp_path, monkeypatch)
    result.use("cat")
    return result


# An interpreter that is named.


def test_a_real_interpreter_is_described() -> None:
    facts = answer.describe(sys.executable)
    assert facts["version"] == sysconfig.get_python_version()
    assert facts["ext_suffix"] == sysconfig.get_config_var("EXT_SUFFIX")
    assert facts["free_threaded"] == (not getattr(sys, "_is_gil_enabled", lambda: True)())
    assert facts["executable"] == os.path.realpath(sys.executable)


def test_a_named_interpreter_is_taken(host: Machine) -> None:
    python = write_python(host.bin / "any-name", "cp314t", platform_include="/there")
    found = find_python.find(request("cp314t", source="path", path=str(python)))
    assert found == answer.Python(str(python), str(host.bin / "include"), "/there")


@pytest.mark.parametrize(
    ("facts", "lack"),
    [
        ({"abi_tag": "cp314"}, "is cp314, not cp314t"),
        ({"implementation": "pypy"}, "is pypy, not CPython"),
        (
            {"ext_suffix": ".cpython-314t-x86_64-linux-musl.so"},
            "names its extensions .cpython-314t-x86_64-linux-musl.so, not "
            ".cpython-314t-x86_64-linux-gnu.so",
        ),
        ({"has_headers": False}, "has no C headers (Debian has them in libpython3.14-dev)"),
    ],
)
def test_an_unfit_interpreter_is_refused(host: Machine, facts: dict[str, str], lack: str) -> None:
    python = write_python(host.bin / "python", "cp314t", **facts)
    with pytest.raises(NotFound) as refused:
        answer.ask(python, request("cp314t"))
    assert str(refused.value) == f"{python} {lack}"


def test_an_interpreter_alone_needs_no_headers(host: Machine) -> None:
    python = write_python(host.bin / "python", "cp39", has_headers=False)
    assert answer.ask(python, request("cp39", "interpreter")).executable == str(python)


@pytest.mark.parametrize(
    ("text", "lack"),
    [
        ("echo no JSON", "did not describe itself (it is no Python)"),
        ("echo 'a shim: none is chosen\nmore' >&2; exit 127", "(a shim: none is chosen)"),
        ("printf 'Traceback\\n  line\\nImportError: x\\n' >&2; exit 1", "(ImportError: x)"),
        ("exit 3", "did not describe itself (exit code 3)"),
    ],
)
def test_a_broken_program_is_refused(host: Machine, text: str, lack: str) -> None:
    python = write_program(host.bin / "python", text)
    with pytest.raises(NotFound) as refused:
        answer.describe(python)
    assert str(refused.value).startswith(str(python))
    assert str(refused.value).endswith(lack)


def test_a_program_that_hangs_is_refused(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    host.use("sleep")
    monkeypatch.setattr(answer, "_ANSWER_SECONDS", 0.2)
    python = write_program(host.bin / "python", "exec sleep 60")
    with pytest.raises(NotFound, match="did not answer within 0.2 seconds"):
        answer.describe(python)


def test_a_missing_path_is_one_sentence(host: Machine) -> None:
    missing = host.bin / "nowhere"
    text = json.dumps(vars(request("cp311", source="path", path=str(missing))))
    result = subprocess.run([sys.executable, FINDER, text], capture_output=True, check=True)
    reason = f"{missing} does not run (No such file or directory)"
    assert json.loads(result.stdout) == {"looked_at": [], "reason": reason}


# Pythons installed on the machine.


def test_path_comes_before_pyenv_and_pyenv_before_uv(host: Machine) -> None:
    in_uv = write_python(host.uv / "cpython-3.12.9-linux-x86_64-gnu/bin/python3.12", "cp312")
    assert machine.find(request("cp312")).executable == str(in_uv)
    in_pyenv = write_python(host.pyenv / "versions/3.12.1/bin/python3.12", "cp312")
    assert machine.find(request("cp312")).executable == str(in_pyenv)
    on_path = write_python(host.bin / "python3.12", "cp312")
    assert machine.find(request("cp312")).executable == str(on_path)


def test_the_newest_version_of_pyenv_comes_first(host: Machine) -> None:
    for version in ("3.13.9", "3.13.10", "3.13.2"):
        write_python(host.pyenv / f"versions/{version}/bin/python3.13", "cp313")
    assert "/3.13.10/" in machine.find(request("cp313")).executable


def test_unfit_interpreters_are_passed_over(host: Machine) -> None:
    write_program(host.bin / "python3.11", "echo 'no version is chosen' >&2; exit 127")
    write_python(host.pyenv / "versions/3.11.9/bin/python3.11", "cp311", has_headers=False)
    fit = write_python(host.pyenv / "versions/3.11.2/bin/python3.11", "cp311")
    assert machine.find(request("cp311")).executable == str(fit)


def test_each_lack_is_told_once(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{host.bin}:{host.bin}")
    python = write_python(host.bin / "python3.11", "cp311", has_headers=False)
    with pytest.raises(NotFound) as refused:
        machine.find(request("cp311"))
    lack = "has no C headers (Debian has them in libpython3.11-dev)"
    assert str(refused.value) == f"{python} {lack}"
    # Where they would be if the user installed them now.
    assert str(host.bin / "include/Python.h") in refused.value.looked_at


def test_every_place_is_watched(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (host.pyenv / "versions/3.8.1/bin").mkdir(parents=True)
    with pytest.raises(NotFound) as refused:
        machine.find(request("cp311t"))
    assert set(refused.value.looked_at) == {
        str(host.bin / "python3.11t"),
        str(host.bin / "python3.11"),
        str(host.pyenv / "versions"),
        str(host.pyenv / "versions/3.8.1/bin/python3.11t"),
        str(host.pyenv / "versions/3.8.1/bin/python3.11"),
        str(host.uv),
    }


@pytest.mark.parametrize("name", ["python3.14t", "python3.14"])
def test_a_free_threaded_interpreter_has_either_name(host: Machine, name: str) -> None:
    python = write_python(host.bin / name, "cp314t")
    assert machine.find(request("cp314t", "interpreter")).executable == str(python)


def test_an_ordinary_interpreter_is_not_a_free_threaded_one(host: Machine) -> None:
    write_python(host.bin / "python3.14", "cp314")
    with pytest.raises(NotFound) as refused:
        machine.find(request("cp314t", "interpreter"))
    places = f"on PATH, in pyenv's {host.pyenv}/versions or in uv's {host.uv}"
    assert str(refused.value) == f"no python3.14t {places}"


def _unreadable(path: Path) -> None:
    path.mkdir()
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything (root, with CAP_DAC_OVERRIDE)")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _file(path: Path) -> None:
    path.write_text("no directory")


@pytest.mark.parametrize("make", [_unreadable, _loop, _dangling, _file])
@pytest.mark.parametrize("variable", ["PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"])
def test_a_directory_that_is_none_is_passed_over(
    host: Machine, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], variable: str
) -> None:
    strange = host.bin.parent / "strange"
    make(strange)
    last = write_python(host.uv / "3.12.1/bin/python3.12", "cp312")
    if variable == "UV_PYTHON_INSTALL_DIR":
        last = write_python(host.pyenv / "versions/3.12.1/bin/python3.12", "cp312")
    path = f"{strange}:{host.bin}" if variable == "PATH" else str(strange)
    monkeypatch.setenv(variable, path)
    try:
        assert machine.find(request("cp312")).executable == str(last)
        with pytest.raises(NotFound, match="no python3.13 on PATH") as refused:
            machine.find(request("cp313"))
    finally:
        if make is _unreadable:
            strange.chmod(0o700)
    is_told = variable != "PATH" and make is not _dangling
    assert ("can't be read" in str(refused.value)) == is_told


def test_folders_of_a_user_who_set_nothing(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(variable)
    home = Path(os.environ["HOME"])
    in_uv = write_python(home / ".local/share/uv/python/cpython-3.9.1/bin/python3.9", "cp39")
    assert machine.find(request("cp39")).executable == str(in_uv)
    in_pyenv = write_python(home / ".pyenv/versions/3.9.2/bin/python3.9", "cp39")
    assert machine.find(request("cp39")).executable == str(in_pyenv)


# Directories that are made once.


def test_a_folder_is_made_once(host: Machine) -> None:
    made = []

    def make(prefix: Path, final: Path, scratch: Path) -> None:
        made.append(final)
        assert scratch.is_dir()
        prefix.mkdir()

    def ask_for_it() -> None:
        assert cache.kept("thing", make) == cache.root() / "thing"

    threads = [threading.Thread(target=ask_for_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [cache.root() / "thing"]
    assert (cache.root() / "thing").is_dir()


def test_a_failure_leaves_nothing(host: Machine) -> None:
    def make(prefix: Path, _final: Path, _scratch: Path) -> None:
        prefix.mkdir()

    def fail(*_arguments: Path) -> None:
        raise ValueError

    for attempt in ({"make": fail}, {"make": make, "try_out": fail}):
        with pytest.raises(ValueError):
            cache.kept("thing", **attempt)
        assert [path.name for path in cache.root().iterdir()] == ["thing.lock"]


def test_what_an_interruption_left_is_removed(host: Machine) -> None:
    left = cache.root() / "tmp-thing-left"
    other = cache.root() / "tmp-other-at-work"
    left.mkdir()
    other.mkdir()
    cache.kept("thing", lambda prefix, _final, _scratch: prefix.mkdir())
    assert not left.exists()
    assert other.exists()


# Debian.

# Answers like apt-get for python3.14 and its headers, of the versions in FAKE_VERSIONS, and writes
# down each call.
_APT_GET = """
echo "$*" >> "$FAKE_LOG"
last() { for argument; do :; done; echo "$argument"; }
uri() { echo "'where/x' $1_$2_amd64.deb 1000 SHA256:$(printf '%064d' 0)"; }
case " $* " in
*" update "*) [ -z "${FAKE_UPDATE-}" ] || { echo "$FAKE_UPDATE" >&2; exit 100; } ;;
*" install "*)
    wanted=$(last "$@")
    version=${wanted#*=}
    [ "$version" != "$wanted" ] || version=$FAKE_NEWEST
    case " $FAKE_VERSIONS " in *" $version "*) ;; *) exit 100 ;; esac
    uri "${wanted%%=*}" "$version"
    uri libc6 2.43-7 ;;
*" download "*)
    failed=$(grep -c " download " "$FAKE_LOG")
    [ "$failed" -gt "${FAKE_NO_DOWNLOADS-0}" ] || { echo "404 Not Found" >&2; exit 100; }
    for wanted; do
        case $wanted in *=*) : > "${wanted%%=*}_${wanted#*=}_amd64.deb" ;; esac
    done ;;
*" source "*)
    cp "$FAKE_FILES/python3.13_3.13.99.orig.tar.xz" "$FAKE_FILES/signature.orig.tar.xz.asc" . ;;
esac
"""

# Unpacks the files that each package has.
_DPKG_DEB = """
name=${2##*/}
[ ! -d "$FAKE_FILES/${name%%_*}" ] || cp -R "$FAKE_FILES/${name%%_*}/." "$3"
"""


class Debian:
    """Stand-ins for apt and dpkg, and the files of the packages that they know."""

    def __init__(self, host: Machine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files = folder / "files"
        self.files.mkdir()
        self.log = folder / "apt.log"
        host.use("cp", "grep")
        write_program(host.bin / "apt-get", _APT_GET)
        write_program(host.bin / "dpkg-deb", _DPKG_DEB)
        write_program(host.bin / "dpkg", "echo amd64\n")
        monkeypatch.setenv("BAZELW_DEBIAN_MIRROR", "http://archive.invalid/debian")
        monkeypatch.setenv("FAKE_FILES", str(self.files))
        monkeypatch.setenv("FAKE_LOG", str(self.log))
        monkeypatch.setenv("FAKE_NEWEST", "3.14.99-1")
        monkeypatch.setenv("FAKE_VERSIONS", "3.14.99-1")
        monkeypatch.setattr(patchelf, "fetch", lambda _folder: Path("/nonexistent"))

    def calls(self, command: str) -> list[list[str]]:
        """Returns the arguments of the calls of a command of apt-get."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split() for line in lines if command in line.split()]


@pytest.fixture
def apt(host: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    return Debian(host, tmp_path, monkeypatch)


def write_header_package(apt: Debian) -> None:
    for folder in ("include/python3.14", "include/x86_64-linux-gnu/python3.14"):
        path = apt.files / "libpython3.14-dev/usr" / folder / "pyconfig.h"
        path.parent.mkdir(parents=True)
        path.touch()
    (apt.files / "libpython3.14-dev/usr/include/python3.14/Python.h").touch()


def test_headers_come_from_debian_once(apt: Debian) -> None:
    write_header_package(apt)
    first = debian_packages.find(request("cp314", source="debian"))
    assert first.executable == ""
    assert Path(first.include, "Python.h").is_file()
    assert Path(first.platform_include, "pyconfig.h").is_file()
    assert first.platform_include.endswith("/x86_64-linux-gnu/python3.14")
    assert debian_packages.find(request("cp314", source="debian")) == first
    assert len(apt.calls("download")) == 1


def test_only_the_package_with_the_headers_is_downloaded(apt: Debian) -> None:
    write_header_package(apt)
    debian_packages.find(request("cp314", source="debian"))
    (call,) = apt.calls("download")
    assert [word for word in call if "=" in word] == ["libpython3.14-dev=3.14.99-1"]


def test_the_pinned_version_is_preferred(apt: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = json.loads((FINDER.parent / "debian.lock.json").read_text())["pins"]["3.14"]
    monkeypatch.setenv("FAKE_VERSIONS", f"3.14.99-1 {pin}")
    write_header_package(apt)
    debian_packages.find(request("cp314", source="debian"))
    (call,) = apt.calls("download")
    assert [word for word in call if "=" in word] == [f"libpython3.14-dev={pin}"]


def test_what_a_suite_lacks_comes_from_the_next(
    apt: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NO_DOWNLOADS", "1")
    write_header_package(apt)
    debian_packages.find(request("cp314", source="debian"))
    assert len(apt.calls("update")) == len(apt.calls("download")) == 2


def test_an_interpreter_comes_from_debian_with_its_libraries(apt: Debian) -> None:
    python = apt.files / "python3.14/usr/bin/python3.14"
    write_python(python, "cp314", executable="/relocated")
    found = debian_packages.find(request("cp314", "interpreter", "debian"))
    assert found.executable == "/relocated"
    (call,) = apt.calls("download")
    assert {word.partition("=")[0] for word in call if "=" in word} == {"python3.14", "libc6"}


def test_an_interpreter_that_does_not_start_is_not_kept(apt: Debian, host: Machine) -> None:
    write_program(apt.files / "python3.14/usr/bin/python3.14", "echo 'no libssl' >&2; exit 1")
    for _ in range(2):
        with pytest.raises(NotFound, match=r"(?s)could not start python3\.14.*no libssl"):
            debian_packages.find(request("cp314", "interpreter", "debian"))
    assert not list(cache.root().glob("python3.14-*/usr"))
    assert len(apt.calls("download")) == 2


def test_debian_that_does_not_answer(apt: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_UPDATE", "E: no such host")
    with pytest.raises(NotFound, match="(?s)Debian's packages failed .*no such host"):
        debian_packages.find(request("cp314", source="debian"))


def test_a_package_without_headers(apt: Debian) -> None:
    (apt.files / "libpython3.14-dev/usr/include").mkdir(parents=True)
    with pytest.raises(
        NotFound, match=r"libpython3\.14-dev has no Python\.h where it was expected"
    ):
        debian_packages.find(request("cp314", source="debian"))


def test_debian_is_not_asked_for_what_it_lacks(apt: Debian) -> None:
    with pytest.raises(NotFound) as refused:
        debian_packages.find(request("cp39", source="debian"))
    versions = json.loads((FINDER.parent / "debian.lock.json").read_text())["pins"]
    assert str(refused.value) == f"Debian has only Python {', '.join(versions)}"
    assert not apt.log.exists()


def test_a_machine_that_is_not_debian(host: Machine) -> None:
    with pytest.raises(NotFound, match="not a Debian-like machine"):
        debian_packages.find(request("cp314", source="debian"))


# A free-threaded interpreter, built from Debian's source.

# Configures a "CPython" whose installation is a program that FAKE_FILES has.
_CONFIGURE = """#!/bin/sh
case " $* " in *" --disable-gil "*) ;; *) echo no --disable-gil >&2; exit 1 ;; esac
for argument; do case $argument in --prefix=*) prefix=${argument#--prefix=} ;; esac; done
mkdir -p built
cp "$FAKE_FILES/python3.13t" built/
cat > install.sh <<END
mkdir -p "\\$1$prefix/bin"
cp built/python3.13t "\\$1$prefix/bin/"
END
"""

_MAKE = """
echo "make $*" >> "$FAKE_LOG"
case $1 in install) exec sh ./install.sh "${2#DESTDIR=}" ;; esac
[ -z "${FAKE_MAKE-}" ] || { echo "$FAKE_MAKE" >&2; exit 2; }
"""


@pytest.fixture
def source(apt: Debian, host: Machine, tmp_path: Path) -> Debian:
    """Returns a stand-in Debian with a source package, and a C compiler."""
    host.use("mkdir", "sh", "tar", "xz")
    write_program(host.bin / "cc", 'case "$*" in *"${FAKE_NO_HEADER-none}"*) exit 1 ;; esac\n')
    write_program(host.bin / "make", _MAKE)
    tree = tmp_path / "tree/Python-3.13.99"
    tree.mkdir(parents=True)
    (tree / "configure").write_text(_CONFIGURE)
    (tree / "configure").chmod(0o755)
    archive = apt.files / "python3.13_3.13.99.orig.tar.xz"
    command = ["tar", "--create", "--xz", "--file", archive, "--directory", tree.parent, tree.name]
    subprocess.run(command, check=True)
    (apt.files / "signature.orig.tar.xz.asc").touch()
    write_python(apt.files / "python3.13t", "cp313t", executable="/built")
    return apt


def test_a_free_threaded_interpreter_is_built_once(source: Debian) -> None:
    for _ in range(2):
        found = find_python.find(request("cp313t", "interpreter", "debian"))
        assert found.executable == "/built"
    assert len(source.calls("install")) == 1
    assert [path.name for path in cache.root().glob("*/bin/*")] == ["python3.13t"]


def test_a_build_that_fails_says_how(source: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MAKE", "longobject.c:1: error")
    with pytest.raises(NotFound, match=r"(?s)could not build CPython.*longobject\.c:1: error"):
        debian_source.find(request("cp313t", "interpreter", "debian"))
    assert not list(cache.root().glob("tmp-*"))


def test_nothing_is_built_without_a_compiler(source: Debian, host: Machine) -> None:
    (host.bin / "cc").unlink()
    with pytest.raises(NotFound, match=r"without cc \(Debian has it in build-essential\)"):
        debian_source.find(request("cp313t", "interpreter", "debian"))
    assert not source.log.exists()


def test_nothing_is_built_without_the_libraries(
    source: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NO_HEADER", "ffi.h")
    with pytest.raises(NotFound, match="can't be built without libffi-dev$"):
        debian_source.find(request("cp313t", "interpreter", "debian"))
    assert not source.log.exists()


@pytest.mark.parametrize(("abi", "need"), [("cp313t", "headers"), ("cp314t", "interpreter")])
def test_nothing_is_built_for_less(source: Debian, abi: str, need: str) -> None:
    with pytest.raises(NotFound, match="Debian has no free-threaded Python"):
        debian_source.find(request(abi, need, "debian"))
    assert not source.log.exists()
