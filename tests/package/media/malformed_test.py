"""Whatever a program or a stranger passes ends in MediaError or TypeError, in no other error."""

from __future__ import annotations

import base64
import random

import numpy as np
import pytest
from media_files import bmp, png, wav
from servers import Network
from special_files import TURNED_JPEG, colors, gif, tone

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import audio_samples, image_pixels, load_bytes

PNG = png(colors(6, 5))
WAV = wav(tone(0.02, 16000), 16000)
IMAGES = (PNG, bmp(colors(6, 5)), gif(colors(6, 5, 1)[:, :, 0] % 4), TURNED_JPEG)
MESSAGE = {"type": "image_url", "image_url": {"url": "https://example.com/"}}

# Files that are no images and no sounds -> the format that the error names.
FOREIGN = {
    b"%PDF-1.7\n": "PDF",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>": "SVG",
    b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>": "SVG",
    b"<!DOCTYPE html><html></html>": "HTML",
    b"\n <html>": "HTML",
    b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom": "MP4",
    b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42": "MP4",
    b"\x1a\x45\xdf\xa3" + bytes(30): "WebM",
    b"OggS" + bytes(30): "Ogg",
    b"FORM\0\0\0\x20AIFFCOMM": "AIFF",
    b"GIF88a" + bytes(30): "an unknown format",
    b"\x89PNG\n\x1a\n" + bytes(30): "an unknown format",
    b"RIFF\0\0\0\0AVI LIST": "an unknown format",
    b"PK\x03\x04" + bytes(30): "an unknown format",
    b"\0": "an unknown format",
    b"hello": "an unknown format",
    bytes(100): "an unknown format",
}
# Nothing that could be one.
OBJECTS = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    1j,
    object(),
    object,
    bytes,
    str,
    open,
    image_pixels,
    Ellipsis,
    NotImplemented,
    [],
    [PNG],
    [[[0, 0, 0]]],
    (),
    set(),
    range(3),
    iter(()),
    np.uint8(3),
    np.float32(3),
]
PARTS = [
    {},
    {"url": None},
    {"url": 1},
    {"url": b"https://example.com/"},
    {"url": PNG},
    {"url": ""},
    {"url": []},
    {"url": {"url": "https://example.com/"}},
    {"path": "/etc/passwd"},
    {"data": None},
    {"data": WAV},
    {"data": 1},
    {"data": ""},
    {"data": "not base64"},
    {"data": "/etc/passwd"},
    {"data": "file:///etc/passwd"},
    {"data": "http://127.0.0.1/"},
    {"data": "\u00e9"},
    {"data": "AAAA", "format": "wav"},
    {"format": "wav"},
    {1: 2},
    MESSAGE,
]
TEXTS = [
    "",
    " ",
    "\0",
    "\n",
    ".",
    "/",
    "..",
    "~",
    ":",
    "::",
    "//",
    "\\\\server\\share",
    "C:\\missing.png",
    "nul\0.png",
    "x" * 300,
    "x/" * 3000,
    "\ud800",
    "\U0010ffff",
    "None",
    "[1, 2]",
    "{}",
    "<svg/>",
    base64.b64encode(PNG).decode(),
    "data:",
    "data:,",
    "data:;base64",
    "data:;base64,",
    "data:;base64,,",
    "data:image/png;base64,AAAA",
    "data:image/png,%",
    "data:image/png,%ZZ",
    "data:image/png,\u20ac",
    "data:image/png;base64,\ud800",
    "DATA:,x",
    "data :,x",
    "data",
    "file:",
    "file:///etc/passwd",
    "file://etc/passwd",
    "file:/etc/passwd",
    "FILE:///etc/passwd",
    "file:///dev/zero",
    "http:",
    "http://",
    "http:///",
    "https://",
    "https:/example.com",
    "https://%",
    "https://[",
    "https://]",
    "https://[]",
    "https://:443",
    "https://a:b:c",
    "https://@",
    "https://\u2028",
    "https://..",
    "https://a..b",
    "https://" + "a" * 64 + ".com",
    "https://" + "a." * 200,
    "https://example.com:443x",
    "https://example.com/" + "a" * 100_000,
    "ftp://example.com/x",
    "blob:https://example.com/x",
    "about:blank",
    "chrome://settings",
    "ldap://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    "jar:file:///x!/y",
    "php://filter",
    "view-source:https://example.com",
    "urn:x",
    "a+b.c-d:x",
]
# Names, so that their ids are short.
EVERYTHING = {
    **{f"foreign {kind} {number}": data for number, (data, kind) in enumerate(FOREIGN.items())},
    **{f"object {number}": value for number, value in enumerate(OBJECTS)},
    **{f"part {number}": value for number, value in enumerate(PARTS)},
    **{f"text {number} {text[:20]!a}": text for number, text in enumerate(TEXTS)},
    "empty": b"",
    "released": memoryview(b"x"),
    "spaces": b" " * 10_000,
}
EVERYTHING["released"].release()


def sound(source: object, policy: MediaPolicy) -> np.ndarray:
    return audio_samples(source, 16000, policy)


@pytest.mark.parametrize("load", [image_pixels, sound])
@pytest.mark.parametrize("source", EVERYTHING.values(), ids=EVERYTHING)
def test_it_is_refused(network: Network, load, source: object) -> None:
    for policy in (MediaPolicy(), MediaPolicy(allow_http=True, allow_files="/missing")):
        with pytest.raises((MediaError, TypeError)) as caught:
            load(source, policy)
        message = str(caught.value)
        assert message.count("\n") == 1 and not message.endswith("\n") and len(message) < 600
        assert message.replace("\n", "").isprintable()
    assert network.connections == []


def test_there_are_many_of_them() -> None:
    assert len(EVERYTHING) > 100


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_url_that_is_refused(network: Network, text: str) -> None:
    if text in ("data:,", "data:;base64,", "data:;base64,,") or text.startswith(("DATA", "data:i")):
        return  # they are data, if no images
    with pytest.raises(MediaError):
        load_bytes(text, MediaPolicy())
    assert network.connections == []


@pytest.mark.parametrize("data", FOREIGN, ids=range(len(FOREIGN)))
def test_the_format_is_named(data: bytes, policy: MediaPolicy) -> None:
    expected = FOREIGN[data]
    for load, readable in ((image_pixels, "JPEG, PNG, GIF, BMP"), (sound, "WAV, MP3, FLAC")):
        with pytest.raises(MediaError, match=f"{expected}; read are {readable}\nConvert it"):
            load(data, policy)


def test_images_are_no_sounds_and_sounds_no_images(policy: MediaPolicy) -> None:
    for image, name in zip(IMAGES, ("PNG", "BMP", "GIF", "JPEG")):
        with pytest.raises(MediaError, match=f"the format {name}; read are WAV"):
            sound(image, policy)
    for data, name in ((WAV, "WAV"), (b"fLaC", "FLAC"), (b"ID3\4", "MP3"), (b"\xff\xfb", "MP3")):
        with pytest.raises(MediaError, match=f"the format {name}; read are JPEG"):
            image_pixels(data, policy)


def test_a_wrong_type_is_named(policy: MediaPolicy) -> None:
    with pytest.raises(TypeError, match="An image cannot be of the type list\nPass a URL, a path"):
        image_pixels([1], policy)
    with pytest.raises(TypeError, match="A sound cannot be of the type NoneType\n"):
        sound(None, policy)


@pytest.mark.parametrize("file", [*IMAGES, WAV], ids=["png", "bmp", "gif", "jpeg", "wav"])
def test_damaged_files(file: bytes) -> None:
    """Cut off, with other bytes, with other bits: an image or sound, or MediaError."""
    draw = random.Random(len(file))
    load = sound if file is WAV else image_pixels
    policy = MediaPolicy(max_pixels=1_000_000, max_seconds=60)
    refused = 0
    for _ in range(300):
        damaged = bytearray(file[: draw.choice([len(file), draw.randrange(len(file))])])
        for _ in range(draw.randrange(4)):
            if damaged:
                damaged[draw.randrange(len(damaged))] ^= draw.choice([0xFF, 1 << draw.randrange(8)])
        try:
            assert load(damaged, policy).size
        except MediaError as error:
            assert str(error).startswith(("Image (", "Sound ("))
            refused += 1
    assert refused > 10
