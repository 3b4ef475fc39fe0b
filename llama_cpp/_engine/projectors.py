"""Projectors: the files (mmproj) with which a model reads images and sounds."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any, List, NamedTuple, Optional, Sequence, Union

from .. import _core
from .._errors import MediaError
from .._numpy import np, npt
from .media import MediaPrompt
from .session import Session

# Embeddings are kept for the next use of the same image, in this context or another one. An image
# takes 2.6 MB in Gemma 3 4B, which makes 256 tokens of it.
_CACHE_BYTES = 32 << 20

# The memory that a projector takes beside its weights. With real widths, and flash attention, it is
# 121 MiB for an image of Gemma 3 (4,096 patches), 51 MiB for whisper's encoder, and 267 MiB for an
# image of Qwen2-VL with 46 x 46 tokens, the largest for which upstream's own estimate does it
# (mtmd_get_memory_usage() of tools/mtmd/mtmd.cpp). Twice of that, for images that are larger.
_COMPUTE_BYTES = 512 << 20

Part = Union[bytes, _core.Bitmap]


class ProjectorOptions(NamedTuple):
    """How a projector is loaded; see Llama()."""

    path: str
    use_gpu: bool = True
    image_min_tokens: Optional[int] = None
    image_max_tokens: Optional[int] = None


class Projector:
    """A projector for the model of a session.

    Attributes:
        options: How it was loaded.
        native: The loaded file.
        n_encoded: How many chunks were encoded: images, their slices, and parts of sounds.
    """

    def __init__(self, session: Session, options: ProjectorOptions) -> None:
        self._session = session
        self.options = options
        self.native = _core.Projector(
            session.model,
            options.path,
            use_gpu=options.use_gpu,
            n_threads=session.context().n_threads_batch,
            image_min_tokens=_or_default(options.image_min_tokens),
            image_max_tokens=_or_default(options.image_max_tokens),
        )
        self.n_encoded = 0
        self._lock = threading.RLock()
        self._embeddings: OrderedDict[str, npt.NDArray[np.single]] = OrderedDict()

    def close(self) -> None:
        """Frees the projector's memory."""
        self.native.close()
        self._embeddings.clear()

    def prompt(self, parts: Sequence[Part], bos: Sequence[int]) -> MediaPrompt:
        """Returns the tokens of a prompt.

        Args:
            parts: texts in UTF-8, which may name control tokens, and bitmaps.
            bos: tokens before them.

        Raises:
            MediaError: there is no text at the end, or a bitmap cannot be used.
        """
        tokens: List[int] = list(bos)
        chunks: List[_Chunk] = []
        for piece in self.native.tokenize(parts):
            if isinstance(piece, list):
                tokens += piece
            else:
                chunk = _Chunk(self, piece)
                tokens += self._session.chunks.ids(chunk)
                chunks.append(chunk)
        if tokens and tokens[-1] < 0:
            raise MediaError(
                "The prompt ends with an image or a sound, after which nothing can be generated\n"
                "Write text after it, or use a chat template, which does."
            )
        text = b"".join(part for part in parts if isinstance(part, bytes))
        return MediaPrompt(tokens, chunks, text.decode("utf-8", "replace"))

    def evaluate(self, chunk: _core.MediaChunk, position: int) -> None:
        """Evaluates a chunk at a position of the session's context."""
        context = self._session.context()
        self.native.decode(context, chunk, self._encoded(context, chunk), position)

    def _encoded(self, context: Any, chunk: _core.MediaChunk) -> npt.NDArray[np.single]:
        with self._lock:
            rows = self._embeddings.get(chunk.key)
            if rows is not None:
                self._embeddings.move_to_end(chunk.key)
                return rows
            rows = self.native.encode(context, chunk)
            self.n_encoded += 1
            self._embeddings[chunk.key] = rows
            while len(self._embeddings) > 1 and self._size() > _CACHE_BYTES:
                self._embeddings.popitem(last=False)
            return rows

    def _size(self) -> int:
        return sum(rows.nbytes for rows in self._embeddings.values())


class _Chunk:
    """A chunk of a projector."""

    def __init__(self, projector: Projector, native: _core.MediaChunk) -> None:
        self._projector = projector
        self._native = native
        self.key = f"{projector.options} {native.key}"
        self.n_tokens = native.n_tokens
        self.n_pos = native.n_pos

    def evaluate(self, position: int) -> None:
        """Evaluates the chunk at a position of the context."""
        self._projector.evaluate(self._native, position)


def load(session: Session, options: ProjectorOptions) -> Projector:
    """Returns a projector of a session, which is loaded the first time and closed with it.

    ModelLoadError if the file is missing, damaged, or made for another model.
    """
    with session.lock:
        found = session.projectors.get(options)
        if not isinstance(found, Projector):
            found = session.projectors[options] = Projector(session, options)
        return found


def device_bytes(options: ProjectorOptions) -> int:
    """Returns the memory of a GPU that a projector is going to take, estimated by its file's size.

    0 for one that stays on the CPU, or whose file cannot be examined, which load() reports.
    """
    if not options.use_gpu:
        return 0
    try:
        return os.path.getsize(options.path) + _COMPUTE_BYTES
    except (OSError, ValueError):
        return 0


def image_bitmap(pixels: npt.NDArray[np.uint8], is_frame: bool = False) -> _core.Bitmap:
    """Returns an image of (height, width, 3) for a projector."""
    key = f"image {pixels.shape[1]}x{pixels.shape[0]} {_digest(pixels)}"
    return _core.Bitmap.image(pixels, key, is_frame)


def sound_bitmap(samples: npt.NDArray[np.single]) -> _core.Bitmap:
    """Returns a sound, samples at the projector's rate, for a projector."""
    return _core.Bitmap.sound(samples, f"sound {_digest(samples)}")


def _digest(array: npt.NDArray[Any]) -> str:
    import hashlib  # see media.py

    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def _or_default(value: Optional[int]) -> int:
    return -1 if value is None else value
