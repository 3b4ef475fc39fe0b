"""Images and sounds of requests, loaded by this package's rules and decoders, not by llama.cpp's.

llama.cpp would open any address that a request names, and give any file to decoders that crash on
some. So each image goes to it as a PNG file, and each sound as a WAV file, that are written here.
"""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from typing import Any, Callable, Dict, Mapping, Optional

from .._errors import MediaError
from .._media.policy import MediaPolicy
from .._media.sources import FileSource, audio_samples, image_pixels
from .._numpy import np, npt

# Hz. The encoders of speech that llama.cpp knows take this rate (hparams.audio_sample_rate).
_SAMPLE_RATE = 16000

_DATA_URL = "data:image/png;base64,"

# Members of a request that may have images and sounds, at any depth.
_PLACES = ("content", "documents", "input", "messages", "prompt", "system")


def with_files(request: Mapping[str, Any], policy: Optional[MediaPolicy]) -> Dict[str, Any]:
    """Returns a request in which each image and sound is a file of known form, in base64.

    The parts are those of OpenAI's chats (`image_url`, `input_audio`, `audio_url`) and responses
    (`input_image`), of Anthropic's messages (`image` with its `source`), llama.cpp's own
    (`multimodal_data`), and a Python program's (`image`, `audio`: see docs/images.md).

    Raises:
        MediaError: an image or a sound is refused, or cannot be read.
    """
    rules = policy or MediaPolicy()
    return {
        key: with_files_everywhere(value, rules) if key in _PLACES else value
        for key, value in request.items()
    }


def with_files_everywhere(value: Any, policy: MediaPolicy) -> Any:
    """Returns a list or object of a request with the files of with_files(), at any depth."""
    return _Walk(policy)(value)


def wav_file(source: FileSource, policy: MediaPolicy) -> bytes:
    """Returns a sound as a WAV file for an engine. Raises MediaError as audio_samples()."""
    return _wav(audio_samples(source, _SAMPLE_RATE, policy))


class _Walk:
    """Makes files of the images and sounds of a value."""

    def __init__(self, policy: MediaPolicy) -> None:
        self._policy = policy

    def __call__(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        part = _PARTS.get(str(value.get("type")))
        if part is not None:
            return part(self, value)
        walked = {key: self(each) for key, each in value.items()}
        if isinstance(value.get("multimodal_data"), list):
            walked["multimodal_data"] = [self._any(data) for data in value["multimodal_data"]]
        return walked

    def image_url(self, part: Mapping[str, Any]) -> Dict[str, Any]:
        return _image_url(self._image(_as_url(part.get("image_url"))))

    def input_image(self, part: Mapping[str, Any]) -> Dict[str, Any]:
        return {**part, "image_url": _DATA_URL + self._image(_as_url(part.get("image_url")))}

    def own_or_anthropic(self, part: Mapping[str, Any]) -> Dict[str, Any]:
        source = part.get("source")
        if not isinstance(source, Mapping):
            return _image_url(self._image(part.get("image")))
        url = source.get("url")
        if source.get("type") == "base64":
            url = f"{_DATA_URL}{source.get('data')}"
        data = self._image({"url": url})
        return {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": data},
        }

    def sound(self, part: Mapping[str, Any]) -> Dict[str, Any]:
        data = self._sound(_as_url(part.get(part["type"])))
        return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}

    def video(self, part: Mapping[str, Any]) -> Dict[str, Any]:
        raise MediaError(
            f"A part is of the type {part['type']!r}, and videos are not read\n"
            "Take frames out of it, and send them as images."
        )

    def _any(self, data: Any) -> str:
        """Returns an image or a sound in base64; its bytes tell which."""
        if not isinstance(data, str):
            raise MediaError("multimodal_data has to be files in base64\nEncode them.")
        try:
            return self._image({"url": f"data:;base64,{data}"})
        except MediaError:
            return self._sound({"data": data})

    def _image(self, source: Any) -> str:
        return _base64(_png(image_pixels(source, self._policy)))

    def _sound(self, source: Any) -> str:
        return _base64(wav_file(source, self._policy))


_PARTS: Mapping[str, Callable[[_Walk, Mapping[str, Any]], Dict[str, Any]]] = {
    "image_url": _Walk.image_url,
    "input_image": _Walk.input_image,
    "image": _Walk.own_or_anthropic,
    "input_audio": _Walk.sound,
    "audio_url": _Walk.sound,
    "audio": _Walk.sound,
    "input_video": _Walk.video,
    "video_url": _Walk.video,
    "video": _Walk.video,
}

# Types of parts that are images, sounds or videos.
MEDIA_TYPES = frozenset(_PARTS)


def _as_url(source: Any) -> Any:
    """Returns a part's value. A text is a stranger's, which names no file by its path."""
    return {"url": source} if isinstance(source, str) else source


def _image_url(data: str) -> Dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _DATA_URL + data}}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns a PNG file (RFC 2083) of (height, width, 3), hardly compressed: it is soon read."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row with filter 0
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _wav(samples: npt.NDArray[np.float32]) -> bytes:
    """Returns a WAV file of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_SAMPLE_RATE)
        scaled = np.clip(samples * 32767, -32768, 32767)
        writer.writeframes(np.round(scaled).astype("<i2").tobytes())
    return file.getvalue()
