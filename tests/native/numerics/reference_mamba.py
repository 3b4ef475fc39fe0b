"""Mamba in NumPy, independent of llama.cpp.

Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces": algorithm 2 is
the selective state space, figure 3 the block around it. A is discretised by its exponential, and B
by Euler's rule (section 3.1 and the paper's own code). GGUF stores A itself, which is -exp(A_log).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference_layers import Model, silu
from reference_llama import Array


class ReferenceMamba(Model):
    """Reads one GGUF file; ``logits(tokens)`` computes every position from the start."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "mamba")
        self.rank: int = self.key("ssm.time_step_rank")
        self.n_state: int = self.key("ssm.state_size")

    def logits(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to logits (n, vocabulary), row i being those after token i."""
        x = self.weight("token_embd")[np.asarray(tokens)]
        for layer in range(self.n_layer):
            block = f"blk.{layer}"
            x = x + self._mixer(self.rms_norm(x, f"{block}.attn_norm"), block)
        return self.rms_norm(x, "output_norm") @ self.weight("token_embd").T

    def _mixer(self, x: Array, block: str) -> Array:
        x, gate = np.split(self.product(x, f"{block}.ssm_in"), 2, axis=1)
        x = silu(self.convolve(x, f"{block}.ssm_conv1d"))
        y = self._scan(x, block) + self.tensors[f"{block}.ssm_d"] * x
        return self.product(y * silu(gate), f"{block}.ssm_out")

    def convolve(self, x: Array, name: str) -> Array:
        """Sums each channel's last inputs; the last weight is that of the present one."""
        kernel = self.weight(name)
        width = kernel.shape[1]
        padded = np.concatenate([np.zeros((width - 1, x.shape[1])), x])
        parts = [padded[shift : shift + len(x)] * kernel[:, shift] for shift in range(width)]
        return sum(parts) + self.tensors[f"{name}.bias"]

    def _scan(self, x: Array, block: str) -> Array:
        split = [self.rank, self.rank + self.n_state]
        step, b, c = np.split(self.product(x, f"{block}.ssm_x"), split, axis=1)
        step = np.log1p(np.exp(self.product(step, f"{block}.ssm_dt")))
        a = self.tensors[f"{block}.ssm_a"]
        state = np.zeros_like(a)
        rows = []
        for token in range(len(x)):
            change = np.outer(step[token] * x[token], b[token])
            state = np.exp(step[token][:, None] * a) * state + change
            rows.append(state @ c[token])
        return np.array(rows)
