"""Finds the file of a model's projector by its name."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import List, Optional, Sequence, Tuple

_PART = re.compile(r"-\d{5}-of-\d{5}$", re.IGNORECASE)
_TYPE = re.compile(r"[-.][A-Z_]*(\d+)[A-Z0-9_]*$", re.IGNORECASE)


def is_projector(name: str) -> bool:
    """Returns whether a file name is a projector's: it has "mmproj" in it, and ends in ".gguf".

    llama.cpp's common/preset.cpp takes a file by the same name (is_mmproj_file), in lower case.
    """
    name = name.lower()
    return "mmproj" in name and name.endswith(".gguf")


def beside(model: str) -> List[str]:
    """Returns the paths of the projectors in the directory of a model's file, sorted by name."""
    directory = os.path.dirname(model)
    names = sorted(os.listdir(directory or os.curdir))
    return [os.path.join(directory, name) for name in names if is_projector(name)]


def of_repository(names: Sequence[str], model: str) -> Optional[str]:
    """Returns the projector of a model among the files of a repository, or None.

    It is in the model's directory or in one above; the nearest directory counts. Of several in it,
    it is the one whose type has a number of bits nearest to that of the model's, as the names say,
    and of equals the first: find_best_sibling() of llama.cpp's common/download.cpp. That is Q8_0
    before F16 for a Q4_K_M.

    Args:
        names: paths in the repository, with slashes.
        model: one of them.
    """
    best: Optional[str] = None
    best_rank: Tuple[int, int] = (0, 0)
    above = PurePosixPath(model).parents
    for name in names:
        path = PurePosixPath(name)
        if name == model or not is_projector(path.name) or path.parent not in above:
            continue
        rank = (-len(path.parts), abs(_bits(name) - _bits(model)))
        if best is None or rank < best_rank:
            best, best_rank = name, rank
    return best


def _bits(name: str) -> int:
    """Returns the first number of the type that a file name ends in, such as Q4_K_M; else 0."""
    found = _TYPE.search(_PART.sub("", PurePosixPath(name).stem))
    return int(found[1]) if found else 0
