"""A copy of everything that a Llama has evaluated."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .. import _core
from .._errors import StateError
from .._numpy import np, npt
from .checkpoints import Checkpoint
from .media import Place


class LlamaState:
    """Tokens, logits (rows may be none) and llama.cpp's own bytes; see Llama.save_state().

    Attributes:
        adapters: The identity of the LoRA adapters that computed it. States that were pickled by
            versions without it have none.
        media: The places of images and sounds among the tokens.
        checkpoints: The checkpoints of the tokens, which a pickled state does not have.
    """

    adapters: Tuple[Tuple[Any, ...], ...] = ()
    media: Tuple[Place, ...] = ()
    checkpoints: Tuple[Checkpoint, ...] = ()

    def __init__(
        self,
        input_ids: npt.NDArray[np.intc],
        scores: npt.NDArray[np.single],
        n_tokens: int,
        llama_state: bytes,
        llama_state_size: int,
        seed: int,
    ):
        self.input_ids = input_ids
        self.scores = scores
        self.n_tokens = n_tokens
        self.llama_state = llama_state
        self.llama_state_size = llama_state_size
        self.seed = seed

    @property
    def n_bytes(self) -> int:
        """Size of everything but the tokens, in bytes."""
        checkpoints = sum(each.memory.n_bytes for each in self.checkpoints)
        return self.llama_state_size + self.scores.nbytes + checkpoints

    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "checkpoints"}


def check_state(state: Any, n_vocab: int) -> None:
    """Raises StateError unless the members of a state can be those of save_state().

    The bytes of llama.cpp have a checksum of their own, which loading compares.
    """
    problem = state_problem(state, n_vocab)
    if problem:
        raise StateError(
            f"The state is damaged, or none: {problem}\n"
            "Use another copy, or evaluate the prompt again and save it."
        )


def state_problem(state: Any, n_vocab: int) -> str:
    """Returns why the members of a state cannot be those of save_state(), "" if they can."""
    n_tokens = getattr(state, "n_tokens", None)
    if not _is_count(n_tokens):
        return "n_tokens is no number of tokens"
    if not isinstance(getattr(state, "llama_state", None), bytes):
        return "llama_state is not bytes"
    if not isinstance(getattr(state, "seed", None), (int, np.integer)):
        return "seed is no whole number"
    adapters = getattr(state, "adapters", ())
    if not isinstance(adapters, tuple) or not all(map(_is_adapter, adapters)):
        return "adapters has something that identifies none"
    scores = getattr(state, "scores", None)
    if not _is_array(scores, 2, "f") or (len(scores) and scores.shape[1] != n_vocab):
        return "scores is no array of a row of logits per token"
    ids = getattr(state, "input_ids", None)
    if not _is_array(ids, 1, "iu") or len(ids) < n_tokens:
        return "input_ids is no array of that many tokens"
    checkpoints = getattr(state, "checkpoints", ())
    if not isinstance(checkpoints, tuple) or not all(map(_is_checkpoint, checkpoints)):
        return "checkpoints has something that is none"
    return _wrong_tokens(ids[:n_tokens], getattr(state, "media", ()), n_vocab)


def _is_adapter(value: Any) -> bool:
    """Returns whether a value can be a part of Choice.identity."""
    if not isinstance(value, tuple) or len(value) < 3 or not isinstance(value[0], str):
        return False
    kind, digest, scale, *_ = value
    return kind != "lora" or (isinstance(digest, str) and isinstance(scale, float))


def _is_checkpoint(value: Any) -> bool:
    return isinstance(value, Checkpoint) and isinstance(value.memory, _core.Checkpoint)


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and value >= 0


def _is_array(value: Any, dimensions: int, kinds: str) -> bool:
    """Returns whether a value is a numpy array whose dtype.kind is one of the letters."""
    return isinstance(value, np.ndarray) and value.ndim == dimensions and value.dtype.kind in kinds


def _wrong_tokens(ids: npt.NDArray[np.integer], places: Sequence[Place], n_vocab: int) -> str:
    """Returns why token ids and the places of media among them do not fit together, else ""."""
    if not isinstance(places, tuple) or not all(map(_is_place, places)):
        return "media has something that is no place of an image or a sound"
    is_text = np.ones(len(ids), dtype=bool)
    end = 0
    for place in places:
        if not end <= place.start < place.end <= len(ids):
            return "the places of media are not one after another among the tokens"
        is_text[place.start : place.end] = False
        end = place.end
    text = ids[is_text]
    if len(text) and (text.min() < 0 or text.max() >= n_vocab):
        return "input_ids has tokens that are not in the vocabulary"
    return ""


def _is_place(value: Any) -> bool:
    return isinstance(value, Place) and all(map(_is_count, value[:3]))
