"""Pixels of images: files that the native module decodes, and arrays."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from media_files import bmp, png
from special_files import TURNED_JPEG, colors, gif

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import image_pixels

PALETTE = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)


def is_ours(pixels: np.ndarray) -> bool:
    """Returns whether an array is as image_pixels() documents it."""
    return pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.flags.c_contiguous


# ---- files


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (4, 3), (33, 65)])
def test_files_without_loss(size: tuple[int, int], policy: MediaPolicy) -> None:
    pixels = colors(*size)
    for file in (png(pixels), bmp(pixels)):
        for source in (file, bytearray(file), memoryview(file)):
            found = image_pixels(source, policy)
            assert is_ours(found)
            np.testing.assert_array_equal(found, pixels)


def test_grey_and_transparency(policy: MediaPolicy) -> None:
    grey = colors(4, 5, 1)[:, :, 0]
    np.testing.assert_array_equal(
        image_pixels(png(grey), policy), np.repeat(grey[:, :, None], 3, axis=2)
    )
    colored = colors(4, 5, 4)
    np.testing.assert_array_equal(image_pixels(png(colored), policy), colored[:, :, :3])


def test_a_gif(policy: MediaPolicy) -> None:
    indices = colors(5, 6, 1)[:, :, 0] % 4
    found = image_pixels(gif(indices), policy)
    assert is_ours(found)
    np.testing.assert_array_equal(found, PALETTE[indices])


def test_a_jpeg_keeps_the_orientation_of_its_pixels(policy: MediaPolicy) -> None:
    found = image_pixels(TURNED_JPEG, policy)
    assert is_ours(found) and found.shape == (8, 16, 3)
    assert found[:, :7].max() < 50 and found[:, 9:].min() > 200


def test_a_view_of_every_other_byte(policy: MediaPolicy) -> None:
    file = png(colors(4, 3))
    doubled = bytes(byte for each in file for byte in (each, 0))
    np.testing.assert_array_equal(image_pixels(memoryview(doubled)[::2], policy), colors(4, 3))


# ---- limits


@pytest.mark.parametrize("encode", [png, bmp, lambda pixels: gif(pixels[:, :, 0] % 4)])
def test_the_limit_of_pixels_is_exact(encode) -> None:
    file = encode(colors(40, 50))
    assert image_pixels(file, MediaPolicy(max_pixels=2000)).shape == (40, 50, 3)
    with pytest.raises(MediaError, match=r"^Image \(\d+ bytes\)"):
        image_pixels(file, MediaPolicy(max_pixels=1999))


@pytest.mark.parametrize(
    "file",
    [
        png(colors(1, 1), (60_000, 60_000)),
        png(colors(1, 1), (2**31 - 1, 2**31 - 1)),
        png(colors(1, 1), (2**32 - 1, 1)),
        png(colors(1, 1), (1, 2**31)),
        png(colors(1, 1), (0, 1)),
        gif(np.zeros((1, 1), np.uint8), (65_535, 65_535)),
        gif(np.zeros((1, 1), np.uint8), (0, 0)),
        bmp(colors(1, 1))[:18] + b"\xff\xff\xff\x7f" * 2 + bmp(colors(1, 1))[26:],
    ],
    ids=["png", "largest png", "wide png", "high png", "png", "gif", "empty gif", "bmp"],
)
def test_a_header_that_promises_too_much(file: bytes, policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match=r"^Image \(\d+ bytes\)"):
        image_pixels(file, policy)


def test_a_small_file_of_many_pixels(policy: MediaPolicy) -> None:
    """A decompression bomb: 400 million pixels, all zero, in 0.4 MB."""
    rows = zlib.compress(bytes(20_001) * 1_000, 9)
    file = png(np.zeros((1, 1), np.uint8), (20_000, 20_000))
    start = file.index(b"IDAT") - 4
    bomb = file[:start] + len(rows).to_bytes(4, "big") + b"IDAT" + rows
    bomb += zlib.crc32(b"IDAT" + rows).to_bytes(4, "big")
    with pytest.raises(MediaError, match=r"^Image \(\d+ bytes\)"):
        image_pixels(bomb, policy)


def test_an_array_has_the_same_limit() -> None:
    assert image_pixels(colors(40, 50), MediaPolicy(max_pixels=2000)).shape == (40, 50, 3)
    with pytest.raises(MediaError, match="50 x 40 pixels, more than 1999\n.*max_pixels"):
        image_pixels(colors(40, 50), MediaPolicy(max_pixels=1999))


# ---- arrays


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays(channels: int, policy: MediaPolicy) -> None:
    array = colors(4, 5, channels)
    expected = array[:, :, :3] if channels > 2 else array[:, :, [0, 0, 0]]
    for form in (array, np.asfortranarray(array), array[::-1][::-1], array.view(np.ndarray)):
        found = image_pixels(form, policy)
        assert is_ours(found)
        np.testing.assert_array_equal(found, expected)


def test_a_grey_array(policy: MediaPolicy) -> None:
    grey = colors(4, 5, 1)[:, :, 0]
    found = image_pixels(grey, policy)
    assert is_ours(found)
    np.testing.assert_array_equal(found, grey[:, :, None][:, :, [0, 0, 0]])


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((4, 5, 3), np.float32), r"\* 255"),
        (np.zeros((4, 5, 3), np.float64), r"\* 255"),
        (np.zeros((4, 5, 3), np.int64), "uint8"),
        (np.zeros((4, 5, 3), np.uint16), "uint8"),
        (np.zeros((4, 5, 3), np.int8), "uint8"),
        (np.zeros((4, 5), bool), "uint8"),
        (np.zeros((4, 5), object), "uint8"),
        (np.zeros((4, 5), "S1"), "uint8"),
        (np.zeros(4, [("red", np.uint8)]), "uint8"),
        (np.zeros((), np.uint8), r"\(height, width, 3\)\n.*transpose"),
        (np.zeros(4, np.uint8), r"\(height, width, 3\)"),
        (np.zeros((3, 4, 5), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((4, 5, 0), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels: it is 5 x 0"),
        (np.zeros((4, 0, 3), np.uint8), "no pixels: it is 0 x 4"),
        (np.zeros((0, 0), np.uint8), "no pixels"),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_an_array_that_is_no_image(array: np.ndarray, match: str, policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match=match) as caught:
        image_pixels(array, policy)
    message = str(caught.value)
    assert message.startswith(f"Image (array of {array.dtype} with the shape {array.shape}) ")
    assert message.count("\n") == 1
