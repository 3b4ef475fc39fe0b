"""Images of Pillow, and formats that Pillow reads; without Pillow there is an error."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from special_files import TURNED_JPEG, colors

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import image_pixels

pytest.importorskip("PIL")
from PIL import Image, features  # noqa: E402

LOSSLESS = {"TIFF": {}, "WEBP": {"lossless": True}, "JPEG2000": {"irreversible": False}}
LOSSY = {"AVIF": {"quality": 100}}
FEATURES = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}


def encoded(pixels: np.ndarray, format: str, **options: object) -> bytes:
    """Returns a file of Pillow's."""
    needed = FEATURES.get(format)
    if needed and not features.check(needed):
        pytest.skip(f"this Pillow has no {needed}")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, **options)
    return file.getvalue()


# ---- files


@pytest.mark.parametrize("format", LOSSLESS)
def test_files_without_loss(format: str, policy: MediaPolicy) -> None:
    for pixels in (colors(9, 7), colors(9, 7, 4)):
        found = image_pixels(encoded(pixels, format, **LOSSLESS[format]), policy)
        assert found.dtype == np.uint8 and found.flags.c_contiguous
        # WebP may change the color of pixels that are wholly transparent.
        seen = pixels[:, :, 3:].all(axis=2) if format == "WEBP" else np.ones((9, 7), bool)
        np.testing.assert_array_equal(found[seen], pixels[seen][:, :3])


@pytest.mark.parametrize("format", LOSSY)
def test_files_with_loss(format: str, policy: MediaPolicy) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, 16:] = 255
    found = image_pixels(encoded(pixels, format, **LOSSY[format]), policy)
    np.testing.assert_allclose(found.astype(int), pixels, atol=10)


def test_a_big_endian_tiff(policy: MediaPolicy) -> None:
    file = io.BytesIO()
    Image.fromarray(colors(4, 5)).save(file, "TIFF", big_tiff=True)
    np.testing.assert_array_equal(image_pixels(file.getvalue(), policy), colors(4, 5))


@pytest.mark.parametrize("format", [*LOSSLESS, *LOSSY])
def test_the_size_is_checked_before_anything_is_decoded(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = encoded(colors(40, 50), format)
    assert image_pixels(file, MediaPolicy(max_pixels=2000)).shape == (40, 50, 3)

    def load(self: Image.Image) -> None:
        raise AssertionError("it is decoded")

    monkeypatch.setattr(Image.Image, "load", load)
    with pytest.raises(MediaError, match="50 x 40 pixels, more than 1999\n.*max_pixels"):
        image_pixels(file, MediaPolicy(max_pixels=1999))


def test_the_limit_of_pillow_holds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    file = encoded(colors(40, 50), "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    with pytest.raises(MediaError, match="DecompressionBombError"):
        image_pixels(file, MediaPolicy())


@pytest.mark.parametrize("format", [*LOSSLESS, *LOSSY])
def test_damaged_files(format: str, policy: MediaPolicy) -> None:
    file = encoded(colors(40, 50), format)
    refused = 0
    for length in range(0, len(file), max(1, len(file) // 50)):
        damaged = bytearray(file)
        damaged[length] ^= 0xFF
        for each in (file[:length], bytes(damaged), file[:length] + bytes(100)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Pillow, about the metadata of a TIFF file
                try:
                    assert image_pixels(each, policy).dtype == np.uint8
                except MediaError as error:
                    assert str(error).startswith("Image (") and str(error).count("\n") == 1
                    refused += 1
    assert refused > 20


def test_only_the_format_of_the_beginning_is_tried(
    monkeypatch: pytest.MonkeyPatch, policy: MediaPolicy
) -> None:
    """Not one of the many others that Pillow knows, some of which begin like anything."""
    with pytest.raises(MediaError, match="unknown format"):
        image_pixels(encoded(colors(4, 5), "PPM"), policy)

    def accept(prefix: bytes) -> bool:
        raise AssertionError("another format is tried")

    file = encoded(colors(4, 5), "TIFF")
    for format, (factory, _) in list(Image.OPEN.items()):
        if format != "TIFF":
            monkeypatch.setitem(Image.OPEN, format, (factory, accept))
    np.testing.assert_array_equal(image_pixels(file, policy), colors(4, 5))
    with pytest.raises(MediaError, match="cannot be read by Pillow: UnidentifiedImageError"):
        image_pixels(file[:6], policy)


def test_a_format_that_pillow_reads_with_a_package_only(policy: MediaPolicy) -> None:
    if "HEIF" in Image.OPEN:
        pytest.skip("the package is there")
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(MediaError, match="HEIC.*\npip install pillow-heif, and call pillow_heif"):
        image_pixels(heic, policy)


# ---- images


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "LA", "PA", "CMYK", "HSV"])
def test_modes(mode: str, policy: MediaPolicy) -> None:
    half = Image.new("L", (6, 4), 0)
    half.paste(255, (3, 0, 6, 4))
    image = half.convert("RGB").convert(mode) if mode not in ("LA", "PA") else half.convert(mode)
    found = image_pixels(image, policy)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    assert found[:, :3].max() == 0 and found[:, 3:].min() == 255 and found.shape == (4, 6, 3)


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_premultiplied_modes(mode: str, policy: MediaPolicy) -> None:
    image = Image.new(f"{mode[:-1]}A", (6, 4), (200, 255) if mode == "La" else (200, 200, 200, 255))
    found = image_pixels(image.convert(mode), policy)
    np.testing.assert_array_equal(found, np.full((4, 6, 3), 200))


def test_transparency_is_dropped(policy: MediaPolicy) -> None:
    pixels = colors(4, 5, 4)
    found = image_pixels(Image.fromarray(pixels), policy)
    np.testing.assert_array_equal(found, pixels[:, :, :3])


def test_a_palette_with_transparency(policy: MediaPolicy) -> None:
    image = Image.new("P", (6, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=b"\x80\x40")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = image_pixels(Image.open(file), policy)
    np.testing.assert_array_equal(found, np.full((4, 6, 3), (200, 100, 50)))


def test_16_bits_lose_the_lower_ones(policy: MediaPolicy) -> None:
    values = np.array([[0, 255, 256], [0x1234, 0xFF00, 0xFFFF]], np.uint16)
    found = image_pixels(Image.fromarray(values), policy)
    np.testing.assert_array_equal(found, (values >> 8)[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_without_a_range(mode: str, policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match=f"^Image .Pillow's, mode {mode}. .*\nScale them"):
        image_pixels(Image.new(mode, (6, 4)), policy)


def test_an_orientation_is_not_applied(tmp_path: Path, policy: MediaPolicy) -> None:
    """The same pixels as of the file, whoever reads it."""
    found = image_pixels(Image.open(io.BytesIO(TURNED_JPEG)), policy)
    assert found.shape == (8, 16, 3)
    np.testing.assert_allclose(
        found.astype(int), image_pixels(TURNED_JPEG, policy).astype(int), atol=8
    )


def test_the_limits_of_images() -> None:
    with pytest.raises(MediaError, match="50 x 40 pixels, more than 1999"):
        image_pixels(Image.new("L", (50, 40)), MediaPolicy(max_pixels=1999))
    with pytest.raises(MediaError, match="no pixels: it is 0 x 40"):
        image_pixels(Image.new("L", (0, 40)), MediaPolicy())


def test_images_that_cannot_be_read(policy: MediaPolicy) -> None:
    file = encoded(colors(40, 50), "PNG")
    cut = Image.open(io.BytesIO(file[: len(file) // 2]))
    closed = Image.open(io.BytesIO(file))
    closed.close()
    for image in (cut, closed):
        with pytest.raises(MediaError, match="^Image .Pillow's, mode RGB. cannot be read by Pil"):
            image_pixels(image, policy)


# ---- without Pillow


def test_the_next_step_without_pillow(monkeypatch: pytest.MonkeyPatch, policy: MediaPolicy) -> None:
    file = encoded(colors(4, 5), "TIFF")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(MediaError, match=r"TIFF, which needs Pillow\npip install pillow$"):
        image_pixels(file, policy)
