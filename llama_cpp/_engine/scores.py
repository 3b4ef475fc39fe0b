"""The logits of evaluated tokens, kept when a program asks for all of them."""

from __future__ import annotations

from typing import Optional

from .._numpy import np, npt


class Scores:
    """An array of logits, one row of n_vocab float32 per token; rows of the first `count` tokens.

    The system gives memory to rows that are written to, so the array takes none at first.
    """

    def __init__(self, n_vocab: int, most: int) -> None:
        self._n_vocab = n_vocab
        self._most = most
        self.rows: Optional[npt.NDArray[np.single]] = None
        self.count = 0

    def reserve(self, needed: int) -> npt.NDArray[np.single]:
        """Returns the array, with `needed` rows at least."""
        rows = self.rows
        if rows is None or len(rows) < needed:
            try:
                grown = np.zeros((self._most, self._n_vocab), dtype=np.single)
            except MemoryError:  # the system does not even promise so much
                count = min(self._most, needed + needed // 2 + 16)
                grown = np.zeros((count, self._n_vocab), dtype=np.single)
            if rows is not None:
                grown[: len(rows)] = rows
            self.rows = rows = grown
        return rows

    def keep(self, begin: int, logits: npt.NDArray[np.single]) -> None:
        """Copies the logits of tokens from `begin` on; rows before that have none become 0."""
        end = begin + len(logits)
        rows = self.reserve(end)
        rows[self.count : begin] = 0
        rows[begin:end] = logits
        self.count = end

    def replace(self, rows: npt.NDArray[np.single], count: int) -> None:
        """Takes an array of which the first `count` rows are those of the evaluated tokens."""
        self.rows = rows
        self.count = count
