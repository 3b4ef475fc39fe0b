"""Tiny images and sounds from a seed, and files of them, without an image or audio library.

The same arguments give the same pixels and samples on every machine. An image is a NumPy array
(height, width, 3) of uint8, red first; a sound is one of float32 between -1 and 1.
"""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Iterable, Sequence
from typing import Callable

import numpy as np

SAMPLE_RATE = 16000  # Hz, that of whisper's and Gemma's encoders
BLOCK = 8  # pixels, JPEG's


def image(seed: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Returns an image of blocks of 8 x 8 pixels in four random colours.

    So each file format keeps it, JPEG but for the rounding of colours.
    """
    generator = np.random.default_rng(seed)
    colours = generator.integers(0, 256, (4, 3), dtype=np.uint8)
    blocks = generator.integers(0, 4, (-(-height // BLOCK), -(-width // BLOCK)))
    pixels = blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    return np.ascontiguousarray(colours[pixels[:height, :width]])


def plain_image(colour: Sequence[int], width: int = 64, height: int = 48) -> np.ndarray:
    """Returns an image of one colour (red, green, blue)."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


def sound(seed: int, seconds: float = 1.0, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Returns a tone between 200 and 4,000 Hz with some noise."""
    generator = np.random.default_rng(seed)
    frequency = generator.uniform(200, 4000)
    time = np.arange(round(seconds * rate)) / rate
    noise = generator.standard_normal(len(time)) / 20
    samples = np.sin(2 * np.pi * frequency * time) / 2 + noise
    return np.clip(samples, -1, 1).astype(np.float32)


def wav(samples: np.ndarray, rate: int = SAMPLE_RATE) -> bytes:
    """Returns a WAV file of (samples,) or (samples, channels): int16, or float32 rounded to it."""
    if samples.dtype != np.int16:
        samples = np.round(samples * 32767)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def png(pixels: np.ndarray, size: tuple[int, int] | None = None) -> bytes:
    """Returns a PNG file (RFC 2083) of (height, width) or (height, width, 3 or 4).

    Each row has the filter 0. `size` (width, height) is written in place of the true one.
    """
    height, width = pixels.shape[:2]
    colour_type = {2: 0, 3: 2, 4: 6}[pixels.ndim if pixels.ndim == 2 else pixels.shape[2]]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8, colour_type, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks.items())


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bmp(pixels: np.ndarray) -> bytes:
    """Returns a BMP file of 24 bits a pixel: BITMAPFILEHEADER, BITMAPINFOHEADER, rows upwards."""
    height, width, _ = pixels.shape
    padding = bytes(-3 * width % 4)
    rows = b"".join(row[:, ::-1].tobytes() + padding for row in pixels[::-1])
    start = 14 + 40
    file = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return file + info + rows


def gif(pixels: np.ndarray) -> bytes:
    """Returns a GIF file (GIF89a) of one picture. Raises ValueError for more than 128 colours.

    The LZW codes are not compressed: a clear code comes before they would grow above 8 bits.
    """
    height, width, _ = pixels.shape
    colours, indices = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colours) > 128:
        raise ValueError(f"{len(colours)} colours, and a GIF file of gif() has at most 128")
    table = colours.tobytes().ljust(3 * 128, b"\0")
    clear, end = 128, 129
    codes = bytearray()
    data = indices.reshape(-1).astype(np.uint8).tobytes()
    for start in range(0, len(data), 100):
        codes += bytes([clear]) + data[start : start + 100]
    codes.append(end)
    blocks = (codes[start : start + 255] for start in range(0, len(codes), 255))
    return b"".join(
        (
            b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF6, 0, 0) + table,
            b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x07",
            *(bytes([len(block)]) + bytes(block) for block in blocks),
            b"\0;",
        )
    )


def jpeg(pixels: np.ndarray) -> bytes:
    """Returns a baseline JPEG file (ITU-T T.81), in which a block of 8 x 8 pixels has one colour.

    So each block has a DC coefficient alone. Its quantum is 8, by which the transform multiplies a
    constant, so coefficients are samples less 128. All 12 sizes of a difference have a code of
    4 bits, and the end of a block the code 0.
    """
    height, width, _ = pixels.shape
    components = b"".join(bytes([component, 0x11, 0]) for component in (1, 2, 3))
    frame = struct.pack(">BHHB", 8, height, width, 3) + components
    dc_codes = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    ac_codes = b"\x10" + bytes([1] + [0] * 15) + b"\x00"
    scan = b"\x03" + b"".join(bytes([component, 0]) for component in (1, 2, 3)) + b"\x00\x3f\x00"
    segments = (
        (0xDB, b"\x00" + bytes([8] * 64)),
        (0xC0, frame),
        (0xC4, dc_codes + ac_codes),
        (0xDA, scan),
    )
    head = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments
    )
    bits = "".join(_jpeg_bits(_block_samples(pixels)))
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return b"\xff\xd8" + head + coded + b"\xff\xd9"


def _block_samples(pixels: np.ndarray) -> np.ndarray:
    """Returns Y, Cb and Cr of each block's mean (JFIF 1.02), less 128, in rows of blocks."""
    height, width, _ = pixels.shape
    padding = ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0))
    padded = np.pad(pixels.astype(np.float64), padding, mode="edge")
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    means = padded.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))
    weights = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    samples = means.reshape(-1, 3) @ weights.T - [128, 0, 0]
    return np.clip(np.round(samples), -128, 127).astype(int)


def _jpeg_bits(samples: np.ndarray) -> Iterable[str]:
    """Yields the code of each block of each component: a difference to the block before."""
    previous = np.zeros(3, dtype=int)
    for block in samples:
        for difference in (block - previous).tolist():
            size = abs(difference).bit_length()
            value = difference if difference > 0 else difference + (1 << size) - 1
            yield f"{size:04b}" + (f"{value:0{size}b}" if size else "") + "0"
        previous = block


IMAGE_FILES: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": png,
    "bmp": bmp,
    "gif": gif,
    "jpeg": jpeg,
}
