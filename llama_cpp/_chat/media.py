"""Images and sounds of a chat request.

In the text that a template makes of the messages a mark stands for each of them. The mark is
another one in each request, so that no message can contain it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from .._engine.media import MediaPrompt
from .._engine.prompt import encode
from .._engine.session import Session
from .._errors import ChatTemplateError, MediaError

if TYPE_CHECKING:
    from .. import _core
    from .._engine.projectors import Projector

# Of the parts that stand for images and sounds in normalised messages; llama.cpp's own name.
MARK_TYPE = "media_marker"


class _Source(NamedTuple):
    where: str  # it is in the messages
    kind: str  # "image", "frame" or "sound"
    value: Any


class MediaParts:
    """The images and sounds of a request, in the order of the messages.

    Attributes:
        mark: stands for each of them in texts.
        projector: reads them; None for the session's.
        load_image: returns the file at an image's URL; None for the package's own way.
    """

    def __init__(self) -> None:
        self.mark = f"<__media_{os.urandom(16).hex()}__>"
        self.projector: Optional[Projector] = None
        self.load_image: Optional[Callable[[str], bytes]] = None
        self._sources: List[_Source] = []
        self._bitmaps: Optional[List[_core.Bitmap]] = None

    def __bool__(self) -> bool:
        return bool(self._sources)

    def take(self, where: str, part: Mapping[str, Any]) -> Optional[List[Dict[str, Any]]]:
        """Returns the marks for a part of a message; None if it is no image, sound or video.

        A mark has an `image_url` of the same form as the part, for templates that read it.
        """
        found = _sources(where, part)
        if found is None:
            return None
        self._sources += found
        as_text = isinstance(part.get("image_url"), str)
        mark = {
            "type": MARK_TYPE,
            "text": self.mark,
            "image_url": self.mark if as_text else {"url": self.mark},
        }
        return [mark] * len(found)

    def prompt(self, session: Session, text: str, add_bos: bool) -> MediaPrompt:
        """Returns the tokens of a rendered text.

        Raises:
            MediaError: there is no projector, it reads no such files, or one cannot be read.
            ChatTemplateError: the template has left out a mark, or shows one twice.
        """
        projector = self.projector or session.projector
        if projector is None:
            raise MediaError(f"{self._sources[0].where} is {self._shown()}, and {_NO_PROJECTOR}")
        texts = text.split(self.mark)
        if len(texts) != len(self._sources) + 1:
            raise ChatTemplateError(
                f"The messages have {len(self._sources)} images or sounds, and the prompt that the"
                f" chat template makes of them has {len(texts) - 1}\n"
                "Use another chat_format, or a chat_handler made for this model."
            )
        if self._bitmaps is None:
            self._bitmaps = [self._bitmap(projector, session, each) for each in self._sources]
        parts: List[Any] = [encode(texts[0], "The prompt")]
        for bitmap, after in zip(self._bitmaps, texts[1:]):
            parts += [bitmap, encode(after, "The prompt")]
        model = session.model
        has_bos = add_bos and model.add_bos and model.token_bos >= 0
        return projector.prompt(
            [part for part in parts if part != b""], [model.token_bos] if has_bos else []
        )

    def _shown(self) -> str:
        return "a sound" if self._sources[0].kind == "sound" else "an image"

    def _bitmap(self, projector: Projector, session: Session, source: _Source) -> _core.Bitmap:
        from .._engine.projectors import image_bitmap, sound_bitmap
        from .._media.policy import MediaPolicy
        from .._media.sources import audio_samples, image_pixels

        native, value = projector.native, source.value
        policy = session.media_policy or MediaPolicy()
        reads = native.reads_sounds if source.kind == "sound" else native.reads_images
        if not reads:
            other = "images" if source.kind == "sound" else "sounds"
            raise MediaError(
                f"{source.where}: the projector reads {other} only\n"
                "Leave this part out, or load a model that reads it."
            )
        try:
            if source.kind == "sound":
                return sound_bitmap(audio_samples(value, native.sample_rate, policy))
            if self.load_image is not None and isinstance(value, Mapping):
                value = self.load_image(value["url"])
            pixels = image_pixels(value, policy)
            return image_bitmap(pixels, source.kind == "frame")
        except MediaError as error:
            raise MediaError(f"{source.where}: {error}") from error


_NO_PROJECTOR = (
    "there is no projector to read it with\n"
    "Create the model with Llama(..., mmproj_path=...): the mmproj-*.gguf file that is published"
    " beside the model's, or from_pretrained() with the repository that has both."
)


def _sources(where: str, part: Mapping[str, Any]) -> Optional[List[_Source]]:
    kind = part.get("type")
    if kind == "image_url":
        return [_Source(where, "image", _address(where, part, "image_url"))]
    if kind == "audio_url":
        return [_Source(where, "sound", _address(where, part, "audio_url"))]
    if kind == "input_audio":
        return [_Source(where, "sound", _input_audio(where, part))]
    if kind == "image":
        return [_Source(where, "image", _own(where, part, "image"))]
    if kind == "audio":
        return [_Source(where, "sound", _own(where, part, "audio"))]
    if kind == "video":
        return _frames(where, part)
    return None


def _address(where: str, part: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns the value of one of OpenAI's parts, a URL: it never names a file by its path."""
    value = part.get(key)
    if isinstance(value, str):
        value = {"url": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("url"), str):
        raise ChatTemplateError(
            f"{where}[{key!r}] has to be a URL, or a dict with a 'url', not {value!r:.80}"
        )
    return value


def _input_audio(where: str, part: Mapping[str, Any]) -> Mapping[str, Any]:
    value = part.get("input_audio")
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), str):
        raise ChatTemplateError(
            f"{where}['input_audio'] has to be a dict with the file in base64 as its 'data'"
        )
    return value


def _own(where: str, part: Mapping[str, Any], key: str) -> Any:
    for name in (key, "url", "path"):
        if part.get(name) is not None:
            return part[name]
    raise ChatTemplateError(
        f"{where} has no {key!r}: a path, bytes of a file, a URL, or an array of numbers"
    )


def _frames(where: str, part: Mapping[str, Any]) -> List[_Source]:
    frames = part.get("video")
    if not isinstance(frames, (list, tuple)) or not frames:
        raise MediaError(
            f"{where}['video'] has to be a list of its frames: files of videos are not read\n"
            "Take frames out of it, such as one per second, and pass them as paths, bytes, arrays"
            " or PIL images."
        )
    return [_Source(f"{where}['video'][{i}]", "frame", each) for i, each in enumerate(frames)]
