"""Files of images and sounds, written from their specifications."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

import numpy as np

# 16 x 8 pixels, the left half black and the right half white, with the EXIF orientation 6 (turn by
# 90 degrees). Written by Pillow.
TURNED_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDABALDA4MCh"
    "AODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIABAB"
    "AREA/8QAFQABAQAAAAAAAAAAAAAAAAAABwj/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AD9QD//Z"
)


def png(pixels: np.ndarray, size: tuple[int, int] | None = None) -> bytes:
    """Returns a PNG file (ISO/IEC 15948) of (height, width) or (height, width, 3 or 4) uint8.

    `size` (width, height) is written in place of the true one.
    """
    height, width = pixels.shape[:2]
    color_type = {2: 0, 3: 2, 4: 6}[pixels.ndim if pixels.ndim == 2 else pixels.shape[2]]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8, color_type, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def bmp(pixels: np.ndarray) -> bytes:
    """Returns a BMP file (BITMAPINFOHEADER) of (height, width, 3) uint8."""
    height, width = pixels.shape[:2]
    rows = b"".join(
        row[:, ::-1].tobytes() + bytes(-3 * width % 4) for row in pixels[::-1]
    )  # from the bottom, in blue, green, red
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows


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


def wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Returns a WAV file of (samples,) or (samples, channels) int16."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def colors(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Returns different pixels, so that no two axes or channels can be taken for each other."""
    count = height * width * channels
    values = np.arange(count, dtype=np.int64) * 37 % 251
    return values.astype(np.uint8).reshape(height, width, channels)


def tone(seconds: float, sample_rate: int) -> np.ndarray:
    """Returns 440 Hz as int16."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    return (np.sin(2 * np.pi * 440 * time) * 20000).astype(np.int16)
