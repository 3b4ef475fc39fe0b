"""Debian's Bazel, unpacked for one user: where the archive is, which packages, how they get here.

apt does the work with directories of its own: it needs no root and sees nothing of the packages
that the host has. The archive's address, its keys, proxies and credentials are the user's.

Run this file to pin the packages that Debian has today.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shutil
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import user_cache
from locks import locked
from steps import StepError, reading, run, say

LOCK_FILE = Path(__file__).with_name("debian.lock.json")

# Names of Debian's own releases, by which its archive differs from a vendor's.
_RELEASES = {"stable", "testing", "unstable", "sid"} | {
    *("bullseye", "bookworm", "trixie", "forky", "duke", "oldstable", "oldoldstable"),
}
# The part of the archive that Debian itself consists of.
_COMPONENTS = ("main",)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR_VARIABLE = "BAZELW_DEBIAN_MIRROR"
_MIRROR_ADVICE = (
    f"Check the Debian archive in your apt sources, or name another one: {_MIRROR_VARIABLE}=ADDRESS"
)
# Documentation that no program reads. Licences, which usr/share/doc has too, stay.
_UNUSED = ("usr/share/man", "usr/share/locale", "usr/share/lintian")
# Directories of the root that a Debian system has below usr, with links to them; some packages
# still use the old paths.
_MERGED = ("bin", "lib", "lib64", "sbin")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Archive:
    """A Debian archive as the user's apt sources describe it.

    Attributes:
        uri: its address.
        options: fields that a source in deb822 format needs to trust it, such as `Signed-By`.
    """

    uri: str
    options: tuple[tuple[str, str], ...] = ()

    def rank(self) -> int:
        """Tells how much this looks like Debian's archive and not like a vendor's (higher)."""
        path = urllib.parse.urlsplit(self.uri).path.rstrip("/")
        return ("debian-archive" in dict(self.options).get("Signed-By", "")) + path.endswith(
            "/debian"
        )


@dataclass(frozen=True)
class Package:
    """A package that the archive has.

    Attributes:
        name: its name.
        version: its version.
        sha256: the checksum of its file, in hexadecimal.
        size: the size of its file in bytes.
    """

    name: str
    version: str
    sha256: str
    size: int


def find_archive() -> Archive:
    """Returns the archive of the host's Debian, from the environment or the user's apt sources."""
    if uri := os.environ.get(_MIRROR_VARIABLE):
        options = (("Signed-By", str(_KEYRING)),) if _KEYRING.exists() else ()
        return Archive(uri, options)
    archives: list[Archive] = []
    for path in _source_files():
        # Comments may be in any encoding.
        text = path.read_text(encoding="utf-8", errors="replace")
        parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
        archives += parse(text)
    if not archives:
        raise StepError(
            "find Debian's archive", "the apt sources of this machine name none", _MIRROR_ADVICE
        )
    return max(archives, key=Archive.rank)


def _source_files() -> list[Path]:
    """Returns the files that apt reads its sources from."""
    settings = ["LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]
    answer = run("read apt's settings", ["apt-config", "shell", *settings], _MIRROR_ADVICE)
    paths = dict(re.findall(r"^(\w+)='(.*)'$", answer, flags=re.MULTILINE))
    parts = Path(paths.get("PARTS", "/nonexistent"))
    files = [Path(paths.get("LIST", "/nonexistent"))]
    files += sorted([*parts.glob("*.list"), *parts.glob("*.sources")])
    return [file for file in files if file.is_file() and os.access(file, os.R_OK)]


def parse_deb822(text: str) -> list[Archive]:
    """Returns Debian's archives among the entries of a `.sources` file."""
    archives = []
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", lines):
        pairs = re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, flags=re.MULTILINE)
        fields = {key.lower(): value.strip() for key, value in pairs}
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0")
        if not enabled or "deb" not in fields.get("types", "").split():
            continue
        if not _is_debian(fields.get("suites", "").split(), fields.get("components", "").split()):
            continue
        options = tuple(
            (name, fields[name.lower()])
            for name in ("Signed-By", "Trusted")
            if name.lower() in fields
        )
        archives += [Archive(uri, options) for uri in fields.get("uris", "").split()]
    return archives


def parse_one_line(text: str) -> list[Archive]:
    """Returns Debian's archives among the entries of a `.list` file."""
    archives = []
    entry = re.compile(r"^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#\n]*)", re.MULTILINE)
    for options, uri, suite, components in entry.findall(text):
        if not _is_debian([suite], components.split()):
            continue
        given = dict(option.split("=", 1) for option in options.split() if "=" in option)
        fields = [("Signed-By", "signed-by"), ("Trusted", "trusted")]
        kept = tuple((name, given[key].replace(",", " ")) for name, key in fields if key in given)
        archives.append(Archive(uri, kept))
    return archives


def _is_debian(suites: list[str], components: list[str]) -> bool:
    return "main" in components and not _RELEASES.isdisjoint(suites)


class PrivateApt:
    """apt with lists, cache and one source of its own in a directory.

    Args:
        folder: where it keeps everything; it is created.
        archive: the archive to use.
        suite: the release of Debian.
        types: `deb` for packages, `deb-src` for their sources.
        components: parts of the archive, such as `non-free`.
    """

    def __init__(
        self,
        folder: Path,
        archive: Archive,
        suite: str,
        types: str = "deb",
        components: Sequence[str] = _COMPONENTS,
    ) -> None:
        self._folder = folder
        self._archive = archive
        self._suite = suite
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        source = {"Types": types, "URIs": archive.uri, "Suites": suite}
        source.update({"Components": " ".join(components), **dict(archive.options)})
        stanza = "".join(f"{key}: {value}\n" for key, value in source.items())
        (folder / "sources/debian.sources").write_text(stanza)
        self._write_configuration()

    def _write_configuration(self) -> None:
        """Keeps the user's settings (proxies, certificates) but replaces apt's ties to a host.

        apt reads $APT_CONFIG first and `Dir::Etc::Main` last; only the last one can undo things.
        """
        main = self._folder / "main.conf"
        first = f'Dir::Etc::Main "{main}";\n'
        if theirs := os.environ.get("APT_CONFIG"):
            first = f'#include "{theirs}";\n{first}'
        (self._folder / "apt.conf").write_text(first)
        theirs = Path("/etc/apt/apt.conf")
        include = f'#include "{theirs}";\n' if theirs.is_file() else ""
        # The cleared settings run commands meant for the system's apt, or name its releases.
        main.write_text(
            f"""{include}
#clear APT::Update;
#clear APT::Default-Release;
#clear DPkg;
APT::Architecture "{architecture()}";
APT::Architectures {{ "{architecture()}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
Dir::Cache "{self._folder}/cache";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{self._folder}/sources";
Dir::State::Lists "{self._folder}/lists";
Dir::State::status "/dev/null";
"""
        )

    def _run(self, step: str, *arguments: str, cwd: Path | None = None) -> str:
        environment = {"APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        command = ["apt-get", "--quiet", "--yes", *arguments]
        return run(step, command, _MIRROR_ADVICE, cwd=cwd, environment=environment)

    def update(self) -> None:
        """Downloads and verifies the index of the suite."""
        step = f"read the index of Debian {self._suite} at {self._archive.uri}"
        # Without this option apt calls an index that it could not get a warning.
        self._run(step, "update", "--error-on=any")

    def closure(self, *names: str) -> list[Package]:
        """Returns packages and everything that they depend on."""
        step = f"resolve {', '.join(names)}"
        output = self._run(step, "--print-uris", "install", *names)
        line = re.compile(r"^'[^']+' ([^_]+)_([^_]+)_\w+\.deb (\d+) SHA256:([0-9a-f]{64})$", re.M)
        packages = [
            Package(package, urllib.parse.unquote(version), sha256, int(size))
            for package, version, size, sha256 in line.findall(output)
        ]
        if not packages:
            raise StepError(step, "apt-get names no package", _MIRROR_ADVICE)
        return packages

    def download(self, packages: list[Package], folder: Path) -> list[Path]:
        """Downloads packages, verified against the signed index, and returns their files."""
        folder.mkdir(exist_ok=True)
        names = [f"{package.name}={package.version}" for package in packages]
        self._run("download Debian's packages", "download", *names, cwd=folder)
        # By name, because an interrupted run may have left files of other versions there.
        files = set(os.listdir(folder))
        return [folder / self._file(package, files) for package in packages]

    def _file(self, package: Package, files: set[str]) -> str:
        """Returns the name of a package's file among those that were downloaded."""
        stem = f"{package.name}_{package.version.replace(':', '%3a')}_"
        found = sorted(file for file in files if file.startswith(stem) and file.endswith(".deb"))
        if not found:
            raise StepError("download Debian's packages", f"{stem}*.deb is missing", _MIRROR_ADVICE)
        return found[0]

    def download_source(self, name: str, folder: Path) -> Path:
        """Downloads a source package, verified likewise, and returns its upstream archive."""
        folder.mkdir(exist_ok=True)
        step = f"download the source of {name}"
        self._run(step, "source", "--download-only", name, cwd=folder)
        archives = [path for path in folder.glob("*.orig.tar.*") if path.suffix != ".asc"]
        if len(archives) != 1:
            raise StepError(step, f"expected one archive, found {len(archives)}", _MIRROR_ADVICE)
        return archives[0]


def with_apt(
    suites: Sequence[str],
    types: str,
    use: Callable[[PrivateApt], _T],
    components: Sequence[str] = _COMPONENTS,
) -> _T:
    """Calls `use` with an apt that has the index of the first suite that satisfies it.

    The newest suite may lack files that its index names: the archive has just replaced them. A
    stable release keeps its files.

    Args:
        suites: releases of Debian, in the order in which they are asked.
        types: `deb` for packages, `deb-src` for their sources.
        use: raises StepError where it is not satisfied.
        components: see PrivateApt.
    """
    first_error = None
    for suite in suites:
        try:
            with _shared_apt(suite, types, components) as apt:
                return use(apt)
        except StepError as error:
            first_error = first_error or error
    raise first_error


@contextlib.contextmanager
def _shared_apt(suite: str, types: str, components: Sequence[str]) -> Iterator[PrivateApt]:
    """Gives an apt with an up to date index, which is kept between runs."""
    folder = user_cache.folder("apt")
    name = "-".join([suite, types, *(part for part in components if part not in _COMPONENTS)])
    with locked(folder / f"{name}.lock", "Bazel that downloads from Debian"):
        apt = PrivateApt(folder / name, find_archive(), suite, types, components)
        apt.update()
        yield apt


def architecture() -> str:
    """Returns Debian's name of the processor architecture."""
    advice = "Install Bazelisk, or name a Bazel: BAZEL=/path/to/bazel"
    return run("ask for the architecture", ["dpkg", "--print-architecture"], advice).strip()


def read_lock() -> dict[str, Any]:
    """Returns the lock file: the suite, patterns of packages, and pins by architecture."""
    with reading(f"read {LOCK_FILE}", f"Restore it: git checkout -- {LOCK_FILE}"):
        lock = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
        types = {"packages": list, "pins": dict, "suite": str}
        if any(not isinstance(lock[name], kind) for name, kind in types.items()):
            raise ValueError("it is not as `debian.py` writes it")
        return lock


def select(closure: list[Package]) -> list[Package]:
    """Returns the packages of Bazel's closure that it needs to run.

    The rest of the closure serves to build Bazel or Java programs: compilers, the JDK, Maven.
    """
    patterns = read_lock()["packages"]
    return [
        package
        for package in closure
        if any(fnmatch.fnmatchcase(package.name, pattern) for pattern in patterns)
    ]


def newer_than_pinned(packages: list[Package]) -> list[str]:
    """Returns the names of the packages that are not the pinned ones, or that nothing pins."""
    pins = read_lock()["pins"].get(architecture(), {})
    return [
        package.name
        for package in packages
        if pins.get(package.name) != {"sha256": package.sha256, "version": package.version}
    ]


def install(archive: Archive, cache: Path, prefix: Path) -> None:
    """Unpacks Debian's Bazel and its dependencies into `prefix`; downloads go through `cache`."""
    lock = read_lock()
    downloads = cache / "downloads"
    downloads.mkdir(exist_ok=True)
    apt = PrivateApt(downloads / "apt", archive, lock["suite"])
    say(f"reading the package index of Debian {lock['suite']}")
    apt.update()
    packages = select(apt.closure("bazel-bootstrap"))
    if moved := newer_than_pinned(packages):
        listed = ", ".join(moved[:3]) + (", ..." if len(moved) > 3 else "")
        say(f"Debian has moved on: {len(moved)} packages are not the pinned ones ({listed})")
    size = sum(package.size for package in packages) // 10**6
    say(f"downloading {len(packages)} packages, {size} MB")
    files = apt.download(packages, downloads / "packages")
    say("unpacking")
    unpack(files, prefix)
    shutil.rmtree(downloads)


def unpack(files: Sequence[Path], prefix: Path) -> None:
    """Unpacks packages into `prefix`, which does not exist, without documentation for people."""
    advice = "Run the same command again; if it fails again, remove the cache folder first."

    def extract(file: Path) -> None:
        run(f"unpack {file.name}", ["dpkg-deb", "--extract", file, prefix], advice)

    prefix.mkdir()
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(extract, files))
    for folder in _UNUSED:
        shutil.rmtree(prefix / folder, ignore_errors=True)
    for path in prefix.glob("usr/share/doc/*/*"):
        if path.name != "copyright":
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)


def merge_usr(prefix: Path) -> None:
    """Moves older packages' /lib and the like to usr, and leaves links, as Debian's root does."""
    for name in _MERGED:
        root = prefix / name
        if root.is_symlink() or not root.is_dir():
            continue
        for folder, folders, files in os.walk(root):
            target = prefix / "usr" / Path(folder).relative_to(prefix)
            target.mkdir(parents=True, exist_ok=True)
            for path in (Path(folder, file) for file in files + folders):
                if path.is_symlink() or path.is_file():
                    path.replace(target / path.name)
        shutil.rmtree(root)
        root.symlink_to(f"usr/{name}")


def pin(folder: Path) -> None:
    """Writes the versions and checksums that Debian has today into the lock file."""
    lock = read_lock()
    apt = PrivateApt(folder, find_archive(), lock["suite"])
    apt.update()
    lock["pins"][architecture()] = {
        package.name: {"sha256": package.sha256, "version": package.version}
        for package in select(apt.closure("bazel-bootstrap"))
    }
    LOCK_FILE.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        pin(Path(scratch))
