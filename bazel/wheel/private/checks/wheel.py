"""A wheel read into memory, and its expected facts."""

from __future__ import annotations

import dataclasses
import email.message
import email.parser
import re
import zipfile
from pathlib import Path
from typing import Optional

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from . import systems
from .policy import Policy


class UnreadableWheel(Exception):
    """The wheel's content cannot be read; the message says why, in one sentence."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """Facts of a wheel, from the build, or else from its file name.

    Attributes:
        distribution: Name as in METADATA, not normalised.
        version: Version with its local label.
        python_tag: Such as `cp314`.
        abi_tag: Such as `cp314t`; `none` for a plug-in wheel.
        platform_tag: Such as `manylinux_2_17_x86_64`.
        ext_suffix: EXT_SUFFIX of the ABI's interpreter; empty for a plug-in wheel.
        accelerator: Local label of the accelerator, one of the policy's.
        policy: The policy of the project that the wheel is from.
    """

    distribution: str
    version: str
    python_tag: str
    abi_tag: str
    platform_tag: str
    ext_suffix: str
    accelerator: str
    policy: Policy

    @property
    def accelerator_libraries(self) -> frozenset[str]:
        """Libraries that the wheel may need beside the system's."""
        return self.policy.accelerator_libraries.get(self.accelerator, frozenset())

    @property
    def system_libraries(self) -> frozenset[str]:
        """Libraries of Linux that every system of the platform tag has."""
        libraries = [
            systems.libraries_of_musl(musl.machine) if musl else systems.SYSTEM_LIBRARIES
            for musl in map(musl_of, self.platform_tag.split("."))
        ]
        return frozenset.intersection(*libraries)

    @property
    def tag(self) -> str:
        """Returns the three tags as in the file name."""
        return f"{self.python_tag}-{self.abi_tag}-{self.platform_tag}"

    @property
    def is_plugin(self) -> bool:
        """Returns whether the wheel has libraries for another wheel, and no extension module."""
        return self.abi_tag == "none"

    @property
    def public_version(self) -> str:
        """Returns the version without its local label."""
        return self.version.partition("+")[0]

    @property
    def local_label(self) -> str:
        """Returns the version's local label, or an empty string."""
        return self.version.partition("+")[2]


@dataclasses.dataclass(frozen=True)
class Platform:
    """The promise of a manylinux tag: the machine and its oldest glibc."""

    machine: str
    glibc: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class MuslPlatform:
    """The promise of a musllinux tag (PEP 656): the machine and its oldest musl."""

    machine: str
    musl: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class MacosPlatform:
    """The promise of a macosx tag: the machine and its oldest macOS."""

    machine: str
    minimum: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Wheel:
    """The contents of a wheel.

    Attributes:
        path: The file.
        entries: Entries of the archive in their order, directories left out.
        files: Path -> contents.
    """

    path: Path
    entries: list[zipfile.ZipInfo]
    files: dict[str, bytes]

    @property
    def dist_info(self) -> str:
        """Returns the name of the .dist-info directory."""
        folders = {path.split("/")[0] for path in self.files}
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            raise UnreadableWheel(
                f"it has {len(found)} .dist-info folders ({', '.join(found) or 'none'}) where a "
                "wheel has one; build it again with py_abi_wheel"
            )
        return found[0]

    def text(self, name: str) -> str:
        """Contents of a file of the .dist-info directory."""
        path = f"{self.dist_info}/{name}"
        if path not in self.files:
            raise UnreadableWheel(f"{path} is missing; build the wheel again with py_abi_wheel")
        try:
            return self.files[path].decode()
        except UnicodeDecodeError as error:
            raise UnreadableWheel(
                f"{path} is not UTF-8 ({error.reason} at byte {error.start}); write it as UTF-8"
            ) from error


def read_wheel(path: Path) -> Wheel:
    """Reads a wheel. Raises UnreadableWheel."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            files = {entry.filename: archive.read(entry) for entry in entries}
    # zipfile trusts offsets, sizes and names, and a wrong one may raise any exception.
    except Exception as error:
        raise UnreadableWheel(
            f"it is no readable zip file ({str(error) or type(error).__name__}); "
            "copy or build it again"
        ) from error
    return Wheel(path, entries, files)


def fields(text: str) -> email.message.Message:
    """Returns the fields of METADATA or WHEEL, as they are written."""
    return email.parser.HeaderParser().parsestr(text)


def platform_of(tag: str) -> Optional[Platform]:
    """Returns the promise of a manylinux tag, or None for any other tag."""
    found = re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", tag)
    if found:
        return Platform(found[3], (int(found[1]), int(found[2])))
    name, _, machine = tag.partition("_")
    return Platform(machine, systems.LEGACY_LEVELS[name]) if name in systems.LEGACY_LEVELS else None


def musl_of(tag: str) -> Optional[MuslPlatform]:
    """Returns the promise of a musllinux tag, or None for any other tag."""
    found = re.fullmatch(r"musllinux_(\d+)_(\d+)_(\w+)", tag)
    return MuslPlatform(found[3], (int(found[1]), int(found[2]))) if found else None


def macos_of(tag: str) -> Optional[MacosPlatform]:
    """Returns the promise of a macosx tag, or None for any other tag."""
    found = re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", tag)
    return MacosPlatform(found[3], (int(found[1]), int(found[2]))) if found else None


def windows_of(tag: str) -> Optional[str]:
    """Returns the machine of a Windows tag, or None for any other tag."""
    machine = tag.partition("win_")[2] if tag.startswith("win_") else ""
    return machine or None


def _ext_suffix(abi_tag: str, platform_tag: str) -> str:
    """Returns CPython's EXT_SUFFIX; empty for a plug-in wheel, which has no extension module."""
    if abi_tag == "none":
        return ""
    abi = re.fullmatch(r"cp(\d+t?)", abi_tag)
    if abi and macos_of(platform_tag.split(".")[0]):
        return f".cpython-{abi[1]}-darwin.so"
    if abi and windows_of(platform_tag):
        return f".{abi_tag}-{platform_tag}.pyd"
    first = platform_tag.split(".")[0]
    musl = musl_of(first)
    platform = musl or platform_of(first)
    if not abi or not platform or platform.machine not in systems.MACHINES:
        raise UnreadableWheel(
            f"the suffix of an extension for {abi_tag} on {platform_tag} is not known: this "
            "checks wheels of one CPython ABI, or none, for manylinux and musllinux on "
            f"{' or '.join(sorted(systems.MACHINES))}"
        )
    system = systems.MACHINES[platform.machine][1]
    # CPython tells musl from glibc since 3.11 (its issue 87278).
    if musl and int(abi[1].rstrip("t")[1:]) >= 11:
        system = system.replace("-gnu", "-musl")
    return f".cpython-{abi[1]}-{system}.so"


def expected_from_name(path: Path, accelerator: Optional[str], policy: Policy) -> Expected:
    """Returns the facts of the file name. Raises UnreadableWheel.

    Args:
        path: The wheel.
        accelerator: As in Expected; None to use the local label.
        policy: The project's.
    """
    try:
        parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise UnreadableWheel(
            f"{error}; rename it as the wheel format says: NAME-VERSION-PYTHON-ABI-PLATFORM.whl"
        ) from error
    name, version, *_, python_tag, abi_tag, platform_tag = path.name[: -len(".whl")].split("-")
    label = version.partition("+")[2].split(".")[0]
    return Expected(
        distribution=name,
        version=version,
        python_tag=python_tag,
        abi_tag=abi_tag,
        platform_tag=platform_tag,
        ext_suffix=_ext_suffix(abi_tag, platform_tag),
        accelerator=accelerator
        or (label if label in policy.accelerator_libraries else policy.default_accelerator),
        policy=policy,
    )
