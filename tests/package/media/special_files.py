"""Images, sounds and files of them for the tests of reading; media_files.py has the usual ones."""

from __future__ import annotations

import base64
import struct

import numpy as np

# 16 x 8 pixels, the left half black and the right half white, with the EXIF orientation 6 (turn by
# 90 degrees). Written by Pillow.
TURNED_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDABALDA4MCh"
    "AODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIABAB"
    "AREA/8QAFQABAQAAAAAAAAAAAAAAAAAABwj/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AD9QD//Z"
)


def gif(pixels: np.ndarray, size: tuple[int, int] | None = None) -> bytes:
    """Returns a GIF89a file of (height, width) indices below 4: black, white, red, blue.

    A clear code after each second pixel keeps the codes at 3 bits, so nothing is compressed.
    """
    height, width = pixels.shape
    screen = struct.pack("<HHBBB", *(size or (width, height)), 0x91, 0, 0)
    palette = bytes([0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255])
    clear, end = 4, 5
    codes = []
    for index, pixel in enumerate(pixels.ravel().tolist()):
        codes += [clear, pixel] if index % 2 == 0 else [pixel]
    bits = sum(code << (3 * place) for place, code in enumerate([*codes, end]))
    data = bits.to_bytes((3 * (len(codes) + 1) + 7) // 8, "little")
    blocks = b"".join(
        bytes([len(data[start : start + 255])]) + data[start : start + 255]
        for start in range(0, len(data), 255)
    )
    frame = b"," + struct.pack("<HHHHB", 0, 0, *(size or (width, height)), 0)
    return b"GIF89a" + screen + palette + frame + bytes([2]) + blocks + b"\0;"


def colors(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Returns different pixels, so that no two axes or channels can be taken for each other."""
    count = height * width * channels
    values = np.arange(count, dtype=np.int64) * 37 % 251
    return values.astype(np.uint8).reshape(height, width, channels)


def tone(seconds: float, sample_rate: int) -> np.ndarray:
    """Returns 440 Hz as int16."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    return (np.sin(2 * np.pi * 440 * time) * 20000).astype(np.int16)
