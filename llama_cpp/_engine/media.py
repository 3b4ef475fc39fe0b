"""Images and sounds among tokens.

A chunk, the embeddings of an image or sound, takes the room of `n_tokens` tokens in a context. In
lists of token ids it stands as so many negative numbers, made of the chunk's key. So everything
that compares prompts token by token (the reuse of a prefix, caches) tells images apart.
"""

from __future__ import annotations

import struct
import weakref
from typing import Iterator, List, NamedTuple, Optional, Protocol, Sequence, Tuple

from .._errors import StateError
from .._numpy import np, npt


class Chunk(Protocol):
    """The embeddings of an image, a slice of one, or a part of a sound."""

    @property
    def key(self) -> str: ...

    @property
    def n_tokens(self) -> int: ...

    @property
    def n_pos(self) -> int: ...

    def evaluate(self, position: int) -> None: ...


class Place(NamedTuple):
    """The place of an evaluated chunk.

    Attributes:
        start: number of tokens before it.
        n_tokens: tokens that it takes.
        n_pos: positions that it takes; with M-RoPE fewer.
        key: tells it from others.
        chunk: the chunk itself; None in a state that was loaded.
    """

    start: int
    n_tokens: int
    n_pos: int
    key: str
    chunk: Optional[Chunk]

    @property
    def end(self) -> int:
        return self.start + self.n_tokens


class MediaPrompt(NamedTuple):
    """A prompt with images or sounds.

    Attributes:
        tokens: ids, negative ones for chunks.
        chunks: the chunks, which live as long as the prompt.
        text: the text, without the images and sounds.
    """

    tokens: List[int]
    chunks: Sequence[Chunk]
    text: str


class Run(NamedTuple):
    """A chunk, or tokens of text, in a list of tokens."""

    start: int
    end: int
    chunk: Optional[Chunk]


class Chunks:
    """The chunks that prompts have, found by their ids as long as something holds them."""

    def __init__(self) -> None:
        self._by_id: weakref.WeakValueDictionary[int, Chunk] = weakref.WeakValueDictionary()

    def ids(self, chunk: Chunk) -> List[int]:
        """Returns the numbers that stand for a chunk, and keeps in mind that they do."""
        salt = 0
        while True:
            ids = _ids(chunk, salt)
            other = self._by_id.setdefault(ids[0], chunk)
            if other.key == chunk.key:
                self._by_id[ids[0]] = chunk
                return ids
            salt += 1  # two hashes begin alike

    def runs(self, tokens: npt.NDArray[np.intc]) -> Iterator[Run]:
        """Yields the chunks among tokens, and the runs of text between them."""
        start, end = 0, len(tokens)
        negative = (tokens < 0).nonzero()[0]
        at = 0
        while at < len(negative):
            first = int(negative[at])
            if first > start:
                yield Run(start, first, None)
            chunk = self._by_id.get(int(tokens[first]))
            if chunk is None:
                raise StateError(
                    "The tokens have an image, or a sound, that is no longer known here\n"
                    "Call reset(), and send the whole chat again."
                )
            start = first + chunk.n_tokens
            yield Run(first, start, chunk)
            at += chunk.n_tokens
        if start < end:
            yield Run(start, end, None)


class Places:
    """The places of chunks among the evaluated tokens, in their order."""

    def __init__(self) -> None:
        self._places: List[Place] = []

    def position(self, n_tokens: int) -> int:
        """Returns the position of the token that `n_tokens` tokens are before."""
        return n_tokens - sum(
            place.n_tokens - place.n_pos for place in self._places if place.start < n_tokens
        )

    def whole(self, n_tokens: int) -> int:
        """Returns `n_tokens`, or fewer where that is within a chunk."""
        for place in self._places:
            if place.start < n_tokens < place.end:
                return place.start
        return n_tokens

    def end(self, n_tokens: int) -> int:
        """Returns the end of the last chunk among the first `n_tokens` tokens, or 0."""
        return max((place.end for place in self._places if place.end <= n_tokens), default=0)

    def keep(self, n_tokens: int) -> None:
        """Keeps the places among the first `n_tokens` tokens."""
        self._places = [place for place in self._places if place.end <= n_tokens]

    def add(self, more: Sequence[Place]) -> None:
        """Adds places behind the others."""
        self._places.extend(more)

    def saved(self, n_tokens: int) -> Tuple[Place, ...]:
        """Returns the places among the first `n_tokens` tokens for a state, without chunks."""
        return tuple(place._replace(chunk=None) for place in self._places if place.end <= n_tokens)

    def load(self, places: Sequence[Place]) -> None:
        """Goes back to the places of a state."""
        self._places = list(places)


def _ids(chunk: Chunk, salt: int) -> List[int]:
    import hashlib  # OpenSSL takes 4 ms to load, and most programs have no images

    digest = hashlib.sha256(f"{salt}/{chunk.key}".encode()).digest()
    words = [-1 - (word & 0x7FFFFFFF) for word in struct.unpack("<8I", digest)]
    return [words[i % len(words)] for i in range(chunk.n_tokens)]
