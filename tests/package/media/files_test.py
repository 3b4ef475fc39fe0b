"""Paths, file objects, and file: URLs."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from media_files import png, wav
from special_files import colors, tone

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import audio_samples, image_pixels, load_bytes

PIXELS = colors(5, 3)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Returns a PNG file in a directory of its own."""
    path = tmp_path / "pictures" / "cat 1.png"
    path.parent.mkdir()
    path.write_bytes(png(PIXELS))
    return path


def url(path: object) -> str:
    """Returns the URL of a file, not normalised."""
    return f"file://{path}"


# ---- files of the program


def test_paths(picture: Path, monkeypatch: pytest.MonkeyPatch, policy: MediaPolicy) -> None:
    monkeypatch.chdir(picture.parent)
    for path in (picture, str(picture), picture.name, f"./{picture.name}"):
        np.testing.assert_array_equal(image_pixels(path, policy), PIXELS)


def test_a_path_may_look_like_a_url(tmp_path: Path, policy: MediaPolicy) -> None:
    path = tmp_path / "data:x.png"
    path.write_bytes(png(PIXELS))
    np.testing.assert_array_equal(image_pixels(path, policy), PIXELS)


def test_a_path_in_another_encoding(tmp_path: Path, policy: MediaPolicy) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    try:
        path.write_bytes(png(PIXELS))
    except (OSError, UnicodeError):
        pytest.skip("the file system takes UTF-8 only")
    np.testing.assert_array_equal(image_pixels(path, policy), PIXELS)
    path.write_bytes(b"")
    with pytest.raises(MediaError, match=r"udcff.*is empty"):
        image_pixels(path, policy)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("missing.png", r"No such file.*\nGive .* start at "),
        ("/missing/x.png", r"No such file.*\nGive the path of a file\.$"),
        (".", "directory"),
        ("~/cat.png", "\nPython does not expand ~"),
        ("x" * 5000, "name too long"),
        ("a\0b", r"\\x00.*null"),
        ("\ud800", "surrogates not allowed"),
        ("C:cat.png", "No such file"),
    ],
    ids=ascii,
)
def test_a_path_that_cannot_be_read(path: str, match: str, policy: MediaPolicy) -> None:
    for form in (path, Path(path)):
        with pytest.raises(MediaError, match=match) as caught:
            image_pixels(form, policy)
        assert len(str(caught.value)) < 500 and str(caught.value).count("\n") == 1


def test_the_size_of_a_file_is_limited(picture: Path) -> None:
    size = picture.stat().st_size
    image_pixels(picture, MediaPolicy(max_image_bytes=size))
    for source in (picture, picture.read_bytes(), io.BytesIO(picture.read_bytes())):
        with pytest.raises(MediaError, match=f"more than {size - 1} bytes\n.*max_image_bytes"):
            image_pixels(source, MediaPolicy(max_image_bytes=size - 1))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero")
def test_a_device_without_an_end(policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match="^Image /dev/zero has more than 20971520 bytes"):
        image_pixels("/dev/zero", policy)


def test_sounds_have_their_own_limit(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(tone(0.1, 8000), 8000))
    audio_samples(path, 8000, MediaPolicy(max_image_bytes=10))
    with pytest.raises(
        MediaError, match=r"^Sound .*tone.wav has more than 10 bytes\n.*sound_bytes"
    ):
        audio_samples(path, 8000, MediaPolicy(max_sound_bytes=10))


def test_open_files(picture: Path, policy: MediaPolicy) -> None:
    with open(picture, "rb") as file, open(picture, "rb", buffering=0) as raw:
        for opened in (file, raw, io.BytesIO(picture.read_bytes())):
            np.testing.assert_array_equal(image_pixels(opened, policy), PIXELS)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"before" + picture.read_bytes())
        file.seek(len("before"))
        np.testing.assert_array_equal(image_pixels(file, policy), PIXELS)


def test_a_pipe_gives_its_bytes_in_pieces(policy: MediaPolicy) -> None:
    reader, writer = os.pipe()
    data = png(PIXELS)
    with open(reader, "rb", buffering=0) as file:
        os.write(writer, data[:10])
        pieces = iter([file.read(10)])
        os.write(writer, data[10:])
        os.close(writer)

        class Pieces:
            def read(self, size: int) -> bytes:
                return next(pieces, None) or file.read(min(size, 7))

        np.testing.assert_array_equal(image_pixels(Pieces(), policy), PIXELS)


def test_open_files_that_cannot_be_read(picture: Path, policy: MediaPolicy) -> None:
    closed = open(picture, "rb")
    closed.close()
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with (
        open(picture, "ab") as written,
        open(reader, "rb", buffering=0) as waiting,
        open(writer, "wb", buffering=0),
    ):
        for file in (closed, written, waiting):
            with pytest.raises(MediaError, match="^Image .open file .* cannot be read: .*\nPass"):
                image_pixels(file, policy)


def test_a_file_of_text(picture: Path, policy: MediaPolicy) -> None:
    with open(picture, encoding="latin-1") as file:
        with pytest.raises(TypeError, match="a file of str, not of bytes\nOpen it with mode 'rb'"):
            image_pixels(file, policy)
    with pytest.raises(TypeError, match="a file of str"):
        image_pixels(io.StringIO(), policy)


# ---- file: URLs


def test_file_urls_are_refused(picture: Path, policy: MediaPolicy) -> None:
    for source in (url(picture), {"url": url(picture)}):
        with pytest.raises(MediaError, match=r"file: URLs are not allowed\n.*allow_files"):
            image_pixels(source, policy)


def test_a_part_of_a_message_names_no_path(picture: Path, policy: MediaPolicy) -> None:
    for path in (str(picture), picture.name, os.path.relpath(picture)):
        for kind, load in (("Image", image_pixels), ("Sound", sound)):
            with pytest.raises(MediaError, match=f"{kind} .* no https: or data: URL\n"):
                load({"url": path}, policy)
        with pytest.raises(MediaError, match="no https: or data: URL"):
            load_bytes(path, policy)


def sound(source: object, policy: MediaPolicy) -> np.ndarray:
    return audio_samples(source, 16000, policy)


def test_file_urls_in_the_directory(picture: Path) -> None:
    quoted = str(picture).replace(" ", "%20")
    for directory in (picture.parent, str(picture.parent), f"{picture.parent}/", "/"):
        policy = MediaPolicy(allow_files=directory)
        for text in (url(picture), url(quoted), f"FILE://localhost{quoted}", f"file:{quoted}"):
            np.testing.assert_array_equal(image_pixels({"url": text}, policy), PIXELS)


def test_a_directory_behind_a_link(picture: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(picture.parent)
    for directory in (link, picture.parent):
        policy = MediaPolicy(allow_files=directory)
        assert load_bytes(url(picture), policy) == picture.read_bytes()
    through = url(link / picture.name)
    assert load_bytes(through, MediaPolicy(allow_files=link)) == picture.read_bytes()
    with pytest.raises(MediaError, match="not in the directory"):
        load_bytes(through, MediaPolicy(allow_files=picture.parent))


def test_files_elsewhere(picture: Path, tmp_path: Path) -> None:
    policy = MediaPolicy(allow_files=picture.parent)
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(PIXELS))
    beside = tmp_path / "pictures2"
    beside.mkdir()
    (beside / "x.png").write_bytes(png(PIXELS))
    (picture.parent / "link.png").symlink_to(secret)
    (picture.parent / "up").symlink_to(tmp_path)
    folder = picture.parent
    for path in (
        secret,
        f"{folder}/../secret.png",
        f"{folder}/%2e%2e/secret.png",
        f"{folder}/..%2fsecret.png",
        f"{folder}/link.png",
        f"{folder}/up/secret.png",
        beside / "x.png",
        folder,
        "/etc/passwd",
        "/missing",
    ):
        with pytest.raises(
            MediaError, match=r"is not in the directory of MediaPolicy's allow_file"
        ):
            load_bytes(url(path), policy)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file://{}/missing.png", "No such file"),
        ("file://{}/inner", "directory|regular"),
        ("file://{}/pipe", "not a regular file"),
        ("file://server{}/cat.png", "names the host server"),
        ("file://127.0.0.1{}/cat.png", "names the host"),
        ("file:cat.png", "no absolute path"),
        ("file:", "no absolute path"),
        ("file://cat.png", "names the host cat.png"),
        ("file:////server/share", "not in the directory"),
        ("file://{}/cat.png?x", "a query"),
        ("file://{}/cat.png#x", "a fragment"),
        ("file://{}/%00", "null"),
        ("file://{}/\ud800", "surrogates"),
        ("file://[", "Invalid IPv6 URL"),
    ],
)
def test_a_file_url_that_cannot_be_read(tmp_path: Path, text: str, match: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "inner").mkdir()
    with pytest.raises(MediaError, match=match) as caught:
        load_bytes(text.format(tmp_path), MediaPolicy(allow_files=tmp_path))
    assert str(caught.value).count("\n") == 1
