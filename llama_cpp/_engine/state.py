"""A copy of everything that a Llama has evaluated."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy as np
import numpy.typing as npt

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
