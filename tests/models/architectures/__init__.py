"""Tiny models of many architectures, one file for each family.

``ARCHITECTURES`` maps a name to the model's description; the program ``random_architectures.py``
writes their files.
"""

from __future__ import annotations

from . import dense, encoders, experts, hybrid, recurrent, sliding, sparse
from .architecture import Architecture, Kind

FAMILIES: dict[str, tuple[Architecture, ...]] = {
    "dense": dense.DECODERS,
    "sliding window": sliding.DECODERS,
    "experts": experts.DECODERS,
    "recurrent": recurrent.DECODERS,
    "hybrid": hybrid.DECODERS,
    "sparse": sparse.DECODERS,
    "encoder": encoders.ENCODERS,
}

ARCHITECTURES = {model.name: model for models in FAMILIES.values() for model in models}

__all__ = ["ARCHITECTURES", "FAMILIES", "Architecture", "Kind"]
