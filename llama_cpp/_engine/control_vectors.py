"""Control vectors: directions that are added to the hidden state after some layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .. import _core
from .._errors import AdapterError
from .._numpy import np, npt
from . import kinds, paths

Files = List[Tuple[paths.StrPath, float]]  # with the strength of each


class ControlVector(NamedTuple):
    """The sum of some files.

    Attributes:
        files: The files and their strengths.
        rows: float32, (n_layer - 1, n_embd): the directions after the layers 1, 2, and so on.
        first: The first layer whose direction is added.
        last: The last one.
        identity: Equal for vectors that compute the same numbers.
    """

    files: Files
    rows: npt.NDArray[np.float32]
    first: int
    last: int
    identity: Tuple[Any, ...]

    def apply(self, context: _core.Context) -> None:
        """Adds the directions in a context, instead of those of another vector."""
        context.set_control_vector(self.rows, self.first, self.last)


def load(
    model: _core.Model, files: Files, first: Optional[int], last: Optional[int]
) -> ControlVector:
    """Reads files as llama.cpp's programs do.

    Args:
        model: the model that they are made for.
        files: paths and strengths; directions of the same layer are added up.
        first: the first layer whose direction is added; default 1.
        last: the last one; default the model's last one.

    Raises:
        ModelLoadError: a file is missing, damaged, or no control vector.
        AdapterError: a file is made for another model, or there are no such layers.
    """
    if not model.n_layer:
        raise AdapterError("A control vector needs a model with weights, loaded without vocab_only")
    import hashlib  # see media.py

    last_layer = model.n_layer - 1
    first = 1 if first is None else first
    last = last_layer if last is None else last
    if not 1 <= first <= last <= last_layer:
        raise AdapterError(
            f"layer_start={first} and layer_end={last} are no range of layers\n"
            f"Take two of the layers 1 to {last_layer} of this model, the smaller first."
        )
    rows = np.zeros((last_layer, model.n_embd), np.float32)
    for path, strength in files:
        for layer, direction in _directions(model, path).items():
            rows[layer - 1] += np.float32(strength) * direction
    digest = hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()
    return ControlVector(files, rows, first, last, ("control vector", digest, first, last))


def _directions(model: _core.Model, path: paths.StrPath) -> Dict[int, npt.NDArray[np.float32]]:
    directions = _core.read_control_vector(path)
    width, highest = len(next(iter(directions.values()))), max(directions)
    if width != model.n_embd or highest >= model.n_layer:
        raise AdapterError(
            f"The control vector {paths.shown(path)} is made for another model: it has {width}"
            f" numbers per layer and reaches layer {highest}\n"
            f"This model has {model.n_embd} numbers, and takes the layers 1 to {model.n_layer - 1}."
        )
    return directions


def files(name: str, value: Any) -> Files:
    """A path, or paths with strengths: a dict, or a list of pairs; see :mod:`kinds`."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return [(value, 1.0)]
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, Iterable):
        raise kinds.refused(TypeError, name, "a path, or a list of (path, strength)", value)
    found = [_file(f"{name}[{index}]", pair) for index, pair in enumerate(pairs)]
    if not found:
        raise kinds.refused(ValueError, name, "at least one path", value)
    return found


def _file(name: str, pair: Any) -> Tuple[paths.StrPath, float]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise kinds.refused(TypeError, name, "a pair (path, strength)", pair)
    return kinds.path(f"{name}[0]", pair[0]), kinds.number()(f"{name}[1]", pair[1])
