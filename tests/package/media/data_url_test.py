"""data: URLs and base64."""

from __future__ import annotations

import base64
import tracemalloc
from urllib.parse import quote_from_bytes

import numpy as np
import pytest
from media_files import png, wav
from special_files import colors, tone

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import audio_samples, image_pixels, load_bytes

EVERY_BYTE = bytes(range(256))
ENCODED = base64.b64encode(EVERY_BYTE).decode()


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{ENCODED}",
        f"data:;base64,{ENCODED}",
        f"DATA:image/png;charset=utf-8;BASE64,{ENCODED}",
        f"data:text/html; base64 ,{ENCODED}",
        f"data:image/png;base64, {ENCODED[:76]}\r\n{ENCODED[76:]}\n",
        "data:image/png;base64," + ENCODED.replace("+", "%2B").replace("/", "%2f"),
        "data:image/png," + quote_from_bytes(EVERY_BYTE),
        "data:," + quote_from_bytes(EVERY_BYTE).replace("%0A", "%0a"),
        "data:," + EVERY_BYTE.hex("%").join(["%", ""]),
    ],
    ids=[
        "base64",
        "no type",
        "upper case",
        "spaces",
        "lines",
        "percent",
        "quoted",
        "lower case",
        "all quoted",
    ],
)
def test_a_data_url(url: str) -> None:
    assert load_bytes(url, MediaPolicy()) == EVERY_BYTE


def test_base64_of_rfc_4648() -> None:
    """The vectors of its section 10."""
    for plain, encoded in {"": "", "f": "Zg==", "fo": "Zm8=", "foobar": "Zm9vYmFy"}.items():
        assert load_bytes(f"data:;base64,{encoded}", MediaPolicy()) == plain.encode()


@pytest.mark.parametrize(
    "text",
    ["Zg=", "Zg", "Zm9vYmF", "Zm9vY", "Zg==Zg==", "Z-_v", "Zm9v!", "=", "====", "Zm9v\u00e9", "\0"],
    ids=ascii,
)
def test_base64_that_has_lost_a_part(text: str) -> None:
    with pytest.raises(MediaError, match="^Image data:image/png;base64,.*(base64|ASCII).*\n.*b64"):
        load_bytes(f"data:image/png;base64,{text}", MediaPolicy())


@pytest.mark.parametrize("length", range(len("data:image/png;base64,")))
def test_a_head_that_is_cut_off(length: int) -> None:
    with pytest.raises(MediaError, match="no comma|no https: or data: URL"):
        load_bytes("data:image/png;base64,"[:length], MediaPolicy())


def test_a_picture_that_is_cut_off_is_refused() -> None:
    url = "data:image/png;base64," + base64.b64encode(png(colors(9, 7))).decode()
    np.testing.assert_array_equal(image_pixels(url, MediaPolicy()), colors(9, 7))
    # Decoders may do without the last chunk, IEND of 12 bytes, and zlib's check of 4 bytes with
    # its CRC.
    for length in range(len("data:image/png;base64,"), len(url) - 32):
        with pytest.raises(MediaError):
            image_pixels(url[:length], MediaPolicy())


@pytest.mark.parametrize("head", ["data:;base64,", "data:,"])
def test_the_limit_is_exact(head: str) -> None:
    data = EVERY_BYTE * 4
    text = base64.b64encode(data).decode() if "base64" in head else quote_from_bytes(data)
    assert load_bytes(head + text, MediaPolicy(max_image_bytes=1024)) == data
    with pytest.raises(MediaError, match="more than 1023 bytes\n.*max_image_bytes"):
        load_bytes(head + text, MediaPolicy(max_image_bytes=1023))


def test_a_large_url_takes_little_more_than_itself() -> None:
    """unquote_to_bytes() alone takes dozens of times as much."""
    data = bytes(3 << 20)
    url = "data:," + "%00" * len(data)
    tracemalloc.start()
    try:
        assert load_bytes(url, MediaPolicy()) == data
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"{peak / len(url):.1f} times the URL")
    assert peak < 5 * len(url)


def test_pieces_do_not_break_an_escape() -> None:
    for before in range(65530, 65540):
        url = "data:," + "x" * before + "%41%42%43%"
        assert load_bytes(url, MediaPolicy()) == b"x" * before + b"ABC%"


def test_errors_show_the_beginning_only() -> None:
    with pytest.raises(MediaError) as caught:
        load_bytes(f"data:image/png;base64,!{'A' * 100_000}", MediaPolicy())
    first, _, _ = str(caught.value).partition("\n")
    assert first.startswith("Image data:image/png;base64,!AAAAA") and len(first) < 200
    assert "... (100023 characters)" in first


def test_a_part_with_base64() -> None:
    """The value of OpenAI's input_audio part."""
    samples = tone(0.1, 16000)
    text = base64.b64encode(wav(samples, 16000)).decode()
    for part in ({"data": text, "format": "wav"}, {"data": f"data:audio/wav;base64,{text}"}):
        found = audio_samples(part, 16000, MediaPolicy())
        np.testing.assert_allclose(found, samples / 32768, atol=1e-6)
    with pytest.raises(MediaError, match=r"^Sound \(base64, 5 characters\) is not valid base64"):
        audio_samples({"data": "AAAAA", "format": "wav"}, 16000, MediaPolicy())
    with pytest.raises(MediaError, match=r"^Sound \(base64, .*more than 100 bytes"):
        audio_samples({"data": text}, 16000, MediaPolicy(max_sound_bytes=100))
