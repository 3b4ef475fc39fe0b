"""A GGUF file in parts that can be exchanged one by one, right or wrong.

The format is that of docs/gguf.md in ggml's repository: header, metadata, tensor infos, data.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import List, Optional, Tuple

# Names of struct's formats; the values are those of enum gguf_type.
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {
    U8: "B",
    I8: "b",
    U16: "H",
    I16: "h",
    U32: "I",
    I32: "i",
    F32: "f",
    BOOL: "?",
    U64: "Q",
    I64: "q",
    F64: "d",
}

ALIGNMENT = 32  # that of a file without general.alignment

# Type of a tensor (enum ggml_type) -> elements and bytes of a block (type_traits of ggml.c).
BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
    42: (64, 18),
}


@dataclasses.dataclass(frozen=True)
class Value:
    """A value of the metadata: its type, and its bytes behind the type.

    An array's ``kind`` is ARRAY, ``item`` is the type of its items, and ``count`` their number.
    """

    kind: int
    raw: bytes
    item: Optional[int] = None
    count: int = 1

    def encoded(self) -> bytes:
        """Returns the value as it stands in a file."""
        if self.kind != ARRAY:
            return struct.pack("<I", self.kind) + self.raw
        return struct.pack("<IIQ", ARRAY, self.item, self.count) + self.raw

    def items(self) -> list:
        """Returns the items of an array, or the value as a list of one."""
        kind = self.item if self.kind == ARRAY else self.kind
        if kind == STRING:
            return _strings(self.raw, self.count)
        return list(struct.unpack(f"<{self.count}{FORMATS[kind]}", self.raw))


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor info, and where its bytes are in the original file's data."""

    name: bytes
    dimensions: Tuple[int, ...]
    kind: int
    offset: int
    n_dimensions: Optional[int] = None  # as the file says, if that is another number

    def encoded(self) -> bytes:
        """Returns the info as it stands in a file."""
        number = len(self.dimensions) if self.n_dimensions is None else self.n_dimensions
        sizes = struct.pack(f"<{len(self.dimensions)}q", *self.dimensions)
        return (
            string(self.name)
            + struct.pack("<I", number)
            + sizes
            + struct.pack("<IQ", self.kind, self.offset)
        )


@dataclasses.dataclass
class File:
    """A GGUF file. The counts are None where the header tells the truth."""

    keys: List[Tuple[bytes, Value]]
    tensors: List[Tensor]
    data: bytes
    version: int = 3
    n_keys: Optional[int] = None
    n_tensors: Optional[int] = None

    def copy(self) -> File:
        """Returns a file whose lists can be changed."""
        return dataclasses.replace(self, keys=list(self.keys), tensors=list(self.tensors))

    def get(self, key: bytes) -> Optional[Value]:
        """Returns the value of a key, None if it is not there."""
        return next((value for name, value in self.keys if name == key), None)

    def set(self, key: bytes, value: Value) -> None:
        """Gives a key a value; a new key is the last."""
        for index, (name, _) in enumerate(self.keys):
            if name == key:
                self.keys[index] = (key, value)
                return
        self.keys.append((key, value))

    def remove(self, key: bytes) -> None:
        """Takes a key away."""
        self.keys = [pair for pair in self.keys if pair[0] != key]

    @property
    def architecture(self) -> str:
        """The name that the model's own keys begin with."""
        value = self.get(b"general.architecture")
        return value.items()[0].decode() if value else ""

    def parts(self) -> Tuple[bytes, bytes, bytes, bytes]:
        """Returns header, metadata, tensor infos with padding, and data."""
        header = b"GGUF" + struct.pack(
            "<Iqq",
            self.version,
            len(self.tensors) if self.n_tensors is None else self.n_tensors,
            len(self.keys) if self.n_keys is None else self.n_keys,
        )
        metadata = b"".join(string(key) + value.encoded() for key, value in self.keys)
        infos = b"".join(tensor.encoded() for tensor in self.tensors)
        padding = -(len(header) + len(metadata) + len(infos)) % ALIGNMENT
        return header, metadata, infos + bytes(padding), self.data

    def encoded(self) -> bytes:
        """Returns the file."""
        return b"".join(self.parts())


def size_of(dimensions: Tuple[int, ...], kind: int) -> Optional[int]:
    """Returns the bytes of a tensor; None if its rows are not of whole blocks, or of no type."""
    if kind not in BLOCKS:
        return None
    elements, size = BLOCKS[kind]
    row = dimensions[0] if dimensions else 1
    return None if row % elements else math.prod(dimensions) // elements * size


def laid_out(file: File) -> File:
    """Returns a file whose data and offsets fit shapes and types of its tensors.

    A tensor begins with the bytes that it had, as far as they go, and ends with zeros.
    """
    tensors, data, at = [], [], 0
    for tensor in file.tensors:
        size = size_of(tensor.dimensions, tensor.kind) or 0
        content = file.data[tensor.offset : tensor.offset + size]
        padded = size + -size % ALIGNMENT
        data.append(content + bytes(padded - len(content)))
        tensors.append(dataclasses.replace(tensor, offset=at))
        at += padded
    return dataclasses.replace(file, tensors=tensors, data=b"".join(data))


def string(text: bytes) -> bytes:
    """Returns a string as GGUF has it: its length in 8 bytes, then its bytes."""
    return struct.pack("<Q", len(text)) + text


def scalar(kind: int, value: object) -> Value:
    """Returns one number, truth value or string (bytes)."""
    raw = string(value) if kind == STRING else struct.pack("<" + FORMATS[kind], value)
    return Value(kind, raw)


def array(item: int, values: list) -> Value:
    """Returns an array of numbers, truth values or strings (bytes)."""
    if item == STRING:
        raw = b"".join(map(string, values))
    else:
        raw = struct.pack(f"<{len(values)}{FORMATS[item]}", *values)
    return Value(ARRAY, raw, item, len(values))


def parse(content: bytes) -> File:
    """Returns the parts of a sound file with the default alignment."""
    _, version, n_tensors, n_keys = struct.unpack_from("<4sIqq", content)
    at = 24
    keys = []
    for _ in range(n_keys):
        key, at = _string_at(content, at)
        value, at = _value_at(content, at)
        keys.append((key, value))
    tensors = []
    for _ in range(n_tensors):
        name, at = _string_at(content, at)
        (number,) = struct.unpack_from("<I", content, at)
        dimensions = struct.unpack_from(f"<{number}q", content, at + 4)
        kind, offset = struct.unpack_from("<IQ", content, at + 4 + 8 * number)
        at += 4 + 8 * number + 12
        tensors.append(Tensor(name, dimensions, kind, offset))
    return File(keys, tensors, content[at + -at % ALIGNMENT :], version)


def _string_at(content: bytes, at: int) -> Tuple[bytes, int]:
    (size,) = struct.unpack_from("<Q", content, at)
    return content[at + 8 : at + 8 + size], at + 8 + size


def _value_at(content: bytes, at: int) -> Tuple[Value, int]:
    (kind,) = struct.unpack_from("<I", content, at)
    at += 4
    item, count = None, 1
    if kind == ARRAY:
        item, count = struct.unpack_from("<IQ", content, at)
        at += 12
    end = at
    if (item if kind == ARRAY else kind) == STRING:
        for _ in range(count):
            end = _string_at(content, end)[1]
    else:
        end += count * struct.calcsize("<" + FORMATS[item if kind == ARRAY else kind])
    return Value(kind, content[at:end], item, count), end


def _strings(raw: bytes, count: int) -> List[bytes]:
    found, at = [], 0
    for _ in range(count):
        text, at = _string_at(raw, at)
        found.append(text)
    return found
