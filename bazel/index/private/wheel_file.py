"""An index's facts about a wheel: its name's parts, hash and METADATA. Standard library only."""

from __future__ import annotations

import email.message
import email.parser
import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

# {distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl of the wheel format; the label
# is that of PEP 440. The variant is the label of PEP 825.
_NAME = re.compile(
    r"(?P<distribution>\w+(\.\w+)*)-(?P<version>[\w.!]+)"
    r"(\+(?P<label>[a-z0-9]+(\.[a-z0-9]+)*))?(-\d[\w.]*)?"
    r"-(?P<python_tag>[\w.]+)-(?P<abi_tag>[\w.]+)-(?P<platform_tag>[\w.]+)"
    r"(-(?P<variant>[0-9a-z_.]+))?\.whl",
    re.ASCII,
)


class InvalidWheelError(ValueError):
    """A wheel that an index cannot list; the message is one sentence with the way out."""


@dataclass(frozen=True)
class WheelFile:
    """One wheel."""

    path: Path
    project: str  # normalised name
    public_version: str
    label: str  # local version label; empty for a wheel of the plain version
    abi_tag: str
    platform_tag: str
    size: int
    sha256: str
    metadata: bytes
    requires_python: str

    @property
    def file_name(self) -> str:
        return self.path.name

    @property
    def version(self) -> str:
        return f"{self.public_version}+{self.label}" if self.label else self.public_version

    @property
    def metadata_sha256(self) -> str:
        return hashlib.sha256(self.metadata).hexdigest()


def normalized(name: str) -> str:
    """Returns a project's name as an index's addresses spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name_parts(path: Path, is_plain: bool) -> re.Match[str]:
    parts = _NAME.fullmatch(path.name)
    if not parts:
        raise InvalidWheelError(
            f"{path.name} is no wheel file name; rebuild the wheel instead of renaming it"
        )
    if parts["variant"] and not is_plain:
        raise InvalidWheelError(
            f"{path.name} is a variant (PEP 825), which no backend's folder lists; "
            f"give it as --variant={path.name}"
        )
    if not parts["label"] and not is_plain:
        raise InvalidWheelError(
            f"{path.name} has no local version label (such as +cpu) to name its backend's folder;"
            " build it with --//:local_label=auto"
        )
    if parts["label"] and is_plain:
        raise InvalidWheelError(
            f"{path.name} has a local version label, so it is one backend's wheel; "
            "give it without --variant"
        )
    return parts


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _read_metadata(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
            contents = [archive.read(name) for name in names]
    # zipfile trusts offsets, sizes and names, and a wrong one may raise any exception.
    except Exception as error:
        raise InvalidWheelError(
            f"{path.name} is damaged ({str(error) or type(error).__name__}); "
            "build or download it again"
        ) from error
    if len(contents) != 1:
        raise InvalidWheelError(
            f"{path.name} has {len(contents)} METADATA files, not one; build the wheel again"
        )
    return contents[0]


def _headers(metadata: bytes, path: Path) -> email.message.Message:
    try:
        return email.parser.HeaderParser().parsestr(metadata.decode())
    except UnicodeDecodeError as error:
        raise InvalidWheelError(
            f"METADATA in {path.name} is not UTF-8 ({error}); build the wheel again"
        ) from error


def read_wheel(path: Path, is_plain: bool = False) -> WheelFile:
    """Reads an index's facts about a wheel; InvalidWheelError if it contradicts its name.

    `is_plain`: whether it is one of the plain version (a variant, or the wheel beside them), not of
    one backend.
    """
    if not path.is_file():
        raise InvalidWheelError(f"there is no wheel {path}; build it, or correct the path")
    parts = _name_parts(path, is_plain)
    metadata = _read_metadata(path)
    headers = _headers(metadata, path)
    wheel = WheelFile(
        path=path,
        project=normalized(parts["distribution"]),
        public_version=parts["version"],
        label=parts["label"] or "",
        abi_tag=parts["abi_tag"],
        platform_tag=parts["platform_tag"],
        size=path.stat().st_size,
        sha256=_sha256(path),
        metadata=metadata,
        requires_python=headers["Requires-Python"] or "",
    )
    inside = (normalized(headers["Name"] or ""), headers["Version"])
    if inside != (wheel.project, wheel.version):
        raise InvalidWheelError(
            f"METADATA in {path.name} says {inside[0]} {inside[1]}; "
            "rebuild the wheel instead of renaming it"
        )
    return wheel


def listed_wheel(
    path: Path, sha256: str, size: int, metadata: bytes, requires_python: str
) -> WheelFile:
    """Returns a wheel from its index entry; the file, read when it was listed, stays closed."""
    parts = _name_parts(path, is_plain=False)
    return WheelFile(
        path=path,
        project=normalized(parts["distribution"]),
        public_version=parts["version"],
        label=parts["label"],
        abi_tag=parts["abi_tag"],
        platform_tag=parts["platform_tag"],
        size=size,
        sha256=sha256,
        metadata=metadata,
        requires_python=requires_python,
    )
