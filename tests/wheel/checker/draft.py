"""A wheel to break: read from a good one, changed, and written with a RECORD and an SBOM that fit
unless they were changed."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import zipfile
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)


def _record_hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Draft:
    """The wheel to be.

    Attributes:
        name: File name.
        files: Path -> contents, in the order of the archive; RECORD and the SBOM are not among
            them.
        modes: Path -> mode, where it is not that of an ordinary file.
        dates: Path -> date, where it is not the usual one.
        record: Path -> fields of its line in RECORD, to replace the computed ones; None leaves the
            line out.
        sbom: The parsed SBOM; files and hashes in it are made to fit first, by `fit_sbom`.
        again: Entries to add once more at the end, of the same path with other contents.
        has_record: Whether there is a RECORD.
        has_record_last: Whether it is the last entry, not the first.
    """

    def __init__(self, wheel: Path) -> None:
        self.name = wheel.name
        with zipfile.ZipFile(wheel) as archive:
            self.files = {info.filename: archive.read(info) for info in archive.infolist()}
        self.modes: dict[str, int] = {}
        self.dates: dict[str, tuple[int, ...]] = {}
        self.record: dict[str, list[str] | None] = {}
        self.again: dict[str, bytes] = {}
        del self.files[self.inside("RECORD")]
        self.sbom_path = next(path for path in self.files if path.endswith(".cdx.json"))
        self.sbom = json.loads(self.files.pop(self.sbom_path))
        self.has_record = True
        self.has_record_last = True

    def copy(self) -> Draft:
        """Returns one that can be changed on its own."""
        return copy.deepcopy(self)

    @property
    def dist_info(self) -> str:
        """Returns the .dist-info directory."""
        return next(path.split("/")[0] for path in self.files if ".dist-info/" in path)

    def inside(self, name: str) -> str:
        """Returns the path of a file in the .dist-info directory."""
        return f"{self.dist_info}/{name}"

    def replace(self, path: str, old: str, new: str) -> None:
        """Replaces text that must be there."""
        text = self.files[path].decode()
        assert old in text, f"{path} has no {old!r}"
        self.files[path] = text.replace(old, new).encode()

    def metadata(self, old: str, new: str) -> None:
        """Replaces text of METADATA."""
        self.replace(self.inside("METADATA"), old, new)

    def rename(self, old: str, new: str) -> None:
        """Gives a file another path, at the same place of the archive."""
        self.files = {new if path == old else path: data for path, data in self.files.items()}

    def add(self, path: str, data: bytes) -> None:
        """Adds a file before the .dist-info directory."""
        self.files = {path: data, **self.files}

    def fit_sbom(self) -> None:
        """Makes the SBOM name exactly the native files, with their hashes."""
        works = [part for part in self.sbom["components"] if part["type"] != "file"]
        self.sbom["components"] = works + [
            {
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}],
                "name": path,
                "type": "file",
            }
            for path, data in self.files.items()
            if data.startswith((b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ"))
        ]

    def _entries(self) -> list[tuple[str, bytes]]:
        entries = [*self.files.items(), (self.sbom_path, json.dumps(self.sbom).encode())]
        record = self.inside("RECORD")
        lines = []
        for path, data in entries:
            fields = self.record.get(path, [path, _record_hash(data), str(len(data))])
            if fields is not None:
                lines.append(",".join(fields))
        lines += [
            ",".join(fields) for path, fields in self.record.items() if path not in dict(entries)
        ]
        text = "".join(f"{line}\n" for line in [*lines, f"{record},,"])
        place = len(entries) if self.has_record_last else 0
        if self.has_record:
            entries.insert(place, (record, text.encode()))
        return entries + list(self.again.items())

    def write(self, folder: Path) -> Path:
        """Writes the wheel into a directory."""
        path = folder / self.name
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in self._entries():
                info = zipfile.ZipInfo(name, self.dates.get(name, _DATE))
                info.create_system = 3
                info.external_attr = self.modes.get(name, 0o100644) << 16
                archive.writestr(info, data)
        return path
