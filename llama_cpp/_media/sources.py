"""From everything that may stand for an image or a sound to its pixels or samples.

Who wrote a text decides how it is read. A str that a program passes is a URL or a path. A mapping
is the value of a message's part (`image_url`, `input_audio`), which a stranger may have written: it
holds a URL, and never the path of a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Dict, Tuple, Union, cast

from .. import _core
from .._errors import MediaError
from .._numpy import np, npt
from . import arrays, data_url, files, pillow, urls
from .formats import format_of
from .item import Item, Kind, short, url_label
from .policy import MediaPolicy

if TYPE_CHECKING:
    from PIL.Image import Image

FileSource = Union[
    str,
    bytes,
    bytearray,
    memoryview,
    "os.PathLike[str]",
    BinaryIO,
    Mapping[str, Any],
    npt.NDArray[Any],
]
ImageSource = Union[FileSource, "Image"]

# The formats that the native decoders are built with.
_NATIVE: Dict[Kind, Tuple[str, ...]] = {
    "image": ("JPEG", "PNG", "GIF", "BMP"),
    "sound": ("WAV", "MP3", "FLAC"),
}
_CONVERT: Dict[Kind, str] = {
    "image": "Convert it to PNG or JPEG first.",
    "sound": "Convert it first: ffmpeg -i FILE -ac 1 -ar 16000 sound.wav",
}


def image_pixels(source: ImageSource, policy: MediaPolicy) -> npt.NDArray[np.uint8]:
    """Returns the pixels of an image; uint8, (height, width, 3), in C order.

    Of an animation it is the first frame. Transparency is dropped and an EXIF orientation is not
    applied, as in llama.cpp's mtmd, so that a picture looks the same to a model in every format.

    Args:
        source: A URL (`https:`, `data:`, or as the policy allows), a path, the bytes of a file, a
            binary file object, a part's value `{"url": ...}`, an image of Pillow, or an array of
            uint8: (height, width) or (height, width, channels). An array may be returned itself.
        policy: Which places and sizes are allowed.

    Raises:
        MediaError: the policy refuses it, or it cannot be read; the message says which and why.
        TypeError: `source` is nothing of these.
    """
    if isinstance(source, np.ndarray):
        return arrays.pixels(source, Item("image", arrays.label(source), policy))
    image = pillow.as_image(source)
    if image is not None:
        item = Item("image", f"(Pillow's, mode {image.mode})", policy)
        return np.ascontiguousarray(pillow.pixels(image, item))
    data, item = _file(source, "image", policy)
    name = format_of(data)
    if name in pillow.FORMATS:
        return np.ascontiguousarray(pillow.decode(data, name, item))
    _check_native(data, name, item)
    try:
        pixels: npt.NDArray[np.uint8] = _core.decode_image(data, policy.max_pixels)
    except MediaError as error:
        raise MediaError(f"{item}: {error}") from None
    return pixels


def audio_samples(
    source: FileSource, sample_rate: int, policy: MediaPolicy
) -> npt.NDArray[np.float32]:
    """Returns the samples of a sound; float32, one channel, `sample_rate` per second, from -1 to 1.

    Args:
        source: A URL (`https:`, `data:`, or as the policy allows), a path, the bytes of a file, a
            binary file object, a part's value `{"data": base64, "format": ...}`, whose format is
            told by the bytes, or a one-dimensional array at `sample_rate` of float32 or int16.
        sample_rate: Of the result, in Hz; the model knows it.
        policy: Which places and lengths are allowed.

    Raises:
        MediaError: the policy refuses it, or it cannot be read; the message says which and why.
        TypeError: `source` is nothing of these.
    """
    if isinstance(source, np.ndarray):
        return arrays.samples(source, sample_rate, Item("sound", arrays.label(source), policy))
    data, item = _file(source, "sound", policy)
    _check_native(data, format_of(data), item)
    try:
        samples: npt.NDArray[np.float32] = _core.decode_audio(
            data, sample_rate, float(policy.max_seconds)
        )
    except MediaError as error:
        raise MediaError(f"{item}: {error}") from None
    arrays.check_not_empty(samples, item)
    return samples


def load_bytes(source: str, policy: MediaPolicy, kind: Kind = "image") -> bytes:
    """Returns the file that a URL stands for. A text without a scheme is no path, but refused.

    Args:
        source: `https:` or `data:` URL; `http:` and `file:` as the policy allows.
        policy: Which places and sizes are allowed.
        kind: "image" or "sound"; whose size limit holds.

    Raises:
        MediaError: the policy refuses the URL, or there is no such file.
        TypeError: `source` is not a str.
    """
    if not isinstance(source, str):
        raise TypeError(f"A URL has to be a str, not {type(source).__name__}")
    return _load_url(source, Item(kind, url_label(source), policy))


def _load_url(url: str, item: Item) -> bytes:
    scheme = urls.scheme(url)
    if scheme == "data":
        return data_url.decode(url, item)
    if scheme == "file":
        return files.read_url(url, item)
    if scheme in ("http", "https"):
        from .download import download

        return download(url, item)
    raise MediaError(
        f"{item} is refused: it is no https: or data: URL\n"
        'Write "https://...", or "data:image/png;base64," and the file in base64.'
    )


def _file(source: object, kind: Kind, policy: MediaPolicy) -> Tuple[bytes, Item]:
    """Returns the bytes of a source that is a file, and the source as errors name it."""
    if isinstance(source, Mapping):
        return _part(source, kind, policy)
    if isinstance(source, str) and urls.scheme(source) is not None:
        item = Item(kind, url_label(source), policy)
        return _load_url(source, item), item
    if isinstance(source, (str, os.PathLike)):
        item = Item(kind, short(os.fsdecode(source)), policy)
        return files.read_path(source, item), item
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _buffer(source, kind, policy)
    if callable(getattr(source, "read", None)):
        name = getattr(source, "name", type(source).__name__)
        item = Item(kind, f"(open file {short(str(name))})", policy)
        return files.read_object(cast(BinaryIO, source), item), item
    an = "An image" if kind == "image" else "A sound"
    raise TypeError(
        f"{an} cannot be of the type {type(source).__name__}\n"
        "Pass a URL, a path, the bytes of a file, an open binary file or an array."
    )


def _part(part: Mapping[str, Any], kind: Kind, policy: MediaPolicy) -> Tuple[bytes, Item]:
    key = "data" if kind == "sound" and "data" in part else "url"
    text = part.get(key)
    if not isinstance(text, str):
        raise MediaError(
            f"{kind.capitalize()} of a message has no {key!r} that is a string\n"
            'Write {"url": "https://..."}'
            + (', or {"data": base64, "format": "wav"}.' if kind == "sound" else ".")
        )
    item = Item(kind, url_label(text), policy)
    # Base64 has no colon. Some clients put a URL in its place, which llama-server takes too.
    if key == "data" and urls.scheme(text) is None:
        item = item._replace(label=f"(base64, {len(text)} characters)")
        return data_url.from_base64(text, item), item
    return _load_url(text, item), item


def _buffer(
    source: Union[bytes, bytearray, memoryview], kind: Kind, policy: MediaPolicy
) -> Tuple[bytes, Item]:
    try:
        length = source.nbytes if isinstance(source, memoryview) else len(source)
    except ValueError as error:  # a released view
        raise MediaError(f"{kind.capitalize()}: {error}\nPass bytes.") from None
    item = Item(kind, f"({length} bytes)", policy)
    item.check_length(length)
    return bytes(source), item


def _check_native(data: bytes, name: Union[str, None], item: Item) -> None:
    if name in _NATIVE[item.kind]:
        return
    if not data:
        raise MediaError(f"{item} is empty\nPass another {item.kind}.")
    found = f"is in the format {name}" if name else "is in an unknown format"
    readable = ", ".join(_NATIVE[item.kind])
    raise MediaError(f"{item} {found}; read are {readable}\n{_CONVERT[item.kind]}")
