"""Copies of a context's memory at some of its tokens.

The memory of recurrent and hybrid models, and of those with a sliding window, cannot drop its last
tokens. The way back is the last copy before, from which on tokens are evaluated again.
"""

from __future__ import annotations

import sys
import warnings
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .. import _core

_NEVER = sys.maxsize
# Tokens before the end of a prompt: the next one often has another end, since a template writes the
# beginning of an answer in another way than the whole answer. As in llama-server
# (checkpoint_offsets in tools/server/server-context.cpp).
_END = 4
# So many tokens are evaluated again rather than one more copy is made.
_NEAR = 16


class Checkpoint(NamedTuple):
    """A copy of the memory after the first `n_tokens` tokens, which take `position` positions."""

    n_tokens: int
    position: int
    memory: _core.Checkpoint


class Checkpoints:
    """The checkpoints of the evaluated tokens; ``len()`` is their number.

    When there are too many, one goes whose neighbours are close together, compared with their
    distance from the last token. So those near the end are close together, and those near the
    beginning far apart.

    Attributes:
        most: the most checkpoints; 0 where the memory can drop its last tokens.
        interval: the most tokens from one to the next, as long as none had to go.
        capacity_bytes: the most bytes of all together.
        end: a prompt has one so many tokens before its end. The model can take back as many but
            one without a checkpoint, if they are evaluated together (n_rs_seq of a context).
        due: number of evaluated tokens from which on the next one is due.
    """

    def __init__(self, most: int, interval: int, capacity_bytes: int, n_rs_seq: int) -> None:
        self.most = most
        self.interval = interval
        self.capacity_bytes = capacity_bytes
        self.end = max(_END, n_rs_seq + 1)
        self._kept: List[Checkpoint] = []
        self._set_due(0)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """Size of all together in bytes."""
        return sum(each.memory.n_bytes for each in self._kept)

    @property
    def n_tokens(self) -> List[int]:
        """The numbers of tokens that there is a way back to, in their order."""
        return [each.n_tokens for each in self._kept]

    def saved(self) -> Tuple[Checkpoint, ...]:
        """Returns all, for load()."""
        return tuple(self._kept)

    def load(self, saved: Sequence[Checkpoint]) -> None:
        """Takes those of saved() in the place of its own, as many as fit."""
        self.clear()
        for each in saved:
            if self.most and self._make_room(each.memory.n_bytes):
                self._add(each)

    def clear(self) -> None:
        """Drops all."""
        self.keep(0)

    def keep(self, n_tokens: int) -> None:
        """Drops those after the first `n_tokens` tokens."""
        while self._kept and self._kept[-1].n_tokens > n_tokens:
            self._kept.pop()
        self._set_due(self._last)

    def before(self, n_tokens: int) -> Optional[Checkpoint]:
        """Returns the last one with at most `n_tokens` tokens."""
        return _before(self._kept, n_tokens)

    def reach(self, saved: Sequence[Checkpoint], n_tokens: int, shared: int) -> int:
        """Returns how many tokens a memory keeps for a prompt.

        Args:
            saved: its checkpoints.
            n_tokens: its tokens.
            shared: how many of them the prompt begins with.
        """
        if not self.most or shared == n_tokens:
            return shared
        found = _before(saved, shared)
        return found.n_tokens if found else 0

    def marks(self, kept: int, shared: int, end: int) -> List[int]:
        """Returns the places where a prompt needs checkpoints.

        These are the place where it leaves the prompt before, since the next one may leave it there
        too, and a place shortly before its end.

        Args:
            kept: the number of its tokens that are evaluated.
            shared: the number of tokens that it has in common with the prompt before.
            end: the number of its tokens.
        """
        places = [shared] if shared > kept + _NEAR else []
        return [*places, end - self.end]

    def stops(self, begin: int, end: int, marks: Sequence[int]) -> List[int]:
        """Returns the places, from `begin` to `end`, where an evaluation has to take checkpoints.

        Args:
            begin: the number of tokens that are evaluated.
            end: the number of tokens before the last place.
            marks: places beside those that the interval asks for.
        """
        if not self.most:
            return []
        wanted = sorted({mark for mark in marks if begin < mark <= end})
        stops: List[int] = []
        due = max(self.due, begin)
        for place in [*wanted, _NEVER]:
            while due <= end and due < place:
                if due > 0:
                    stops.append(due)
                due += self.interval
            if place <= end:
                stops.append(place)
                due = place + self.interval
        return stops

    def take(self, context: _core.Context, n_tokens: int, position: int) -> None:
        """Adds a copy of the present memory, which has `n_tokens` tokens on `position` positions.

        It makes room before, by dropping others. A copy that alone is larger than all may be is not
        made, and warns.
        """
        self._set_due(n_tokens)  # where it fits or not
        if not self.most or self._last == n_tokens:
            return
        size = context.checkpoint_size(0)
        if self._make_room(size):
            self._add(Checkpoint(n_tokens, position, context.checkpoint(0)))
        else:
            warnings.warn(
                f"A checkpoint of this model's memory takes {size} bytes, and all together may take"
                f" {self.capacity_bytes}: prompts are read again from an earlier place\n"
                f"Pass checkpoint_bytes={2 * size} or more; ctx_checkpoints=0 makes none.",
                RuntimeWarning,
                stacklevel=2,
            )

    @property
    def _last(self) -> int:
        return self._kept[-1].n_tokens if self._kept else 0

    def _set_due(self, n_tokens: int) -> None:
        self.due = n_tokens + self.interval if self.most else _NEVER

    def _add(self, checkpoint: Checkpoint) -> None:
        self._kept.append(checkpoint)
        self._set_due(checkpoint.n_tokens)

    def _make_room(self, size: int) -> bool:
        if size > self.capacity_bytes:
            return False
        while len(self._kept) >= self.most or self.n_bytes + size > self.capacity_bytes:
            self._drop_one()
        return True

    def _drop_one(self) -> None:
        """Drops the one that is missed least; the last one only if it is alone."""
        ends = [0, *self.n_tokens]
        last = ends[-1] + 1

        def gap(index: int) -> float:
            """Returns how much further back one has to go, as a factor, without this one."""
            return (last - ends[index]) / (last - ends[index + 2])

        least = min(range(len(self._kept) - 1), key=gap, default=0)
        del self._kept[least]


def _before(checkpoints: Sequence[Checkpoint], n_tokens: int) -> Optional[Checkpoint]:
    return next((each for each in reversed(checkpoints) if each.n_tokens <= n_tokens), None)
