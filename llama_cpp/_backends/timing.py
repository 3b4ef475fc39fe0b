"""Orders CPU variants by the time that they take on this machine for products of common types.

The score that llama.cpp gives a variant counts instruction sets. Where wide vectors slow the clock
down, the variant with the best score is not the fastest.
"""

from __future__ import annotations

import math
from typing import Dict, List

Times = Dict[str, Dict[str, float]]  # variant -> "TYPE TOKENS" of a product -> microseconds

# A variant must be this much faster than one with a better score to be preferred.
_CLEARLY = 1.05


def costs(times: Times) -> Dict[str, float]:
    """Returns each variant's geometric mean over the products, relative to the fastest one's."""
    products = set.intersection(*(set(row) for row in times.values())) if times else set()
    if not products:
        return {}
    logs = {
        name: sum(math.log(row[product]) for product in products) / len(products)
        for name, row in times.items()
    }
    return {name: math.exp(value - min(logs.values())) for name, value in logs.items()}


def fastest_first(names: List[str], times: Times) -> List[str]:
    """Sorts variants: the fastest, with all that take about as long, in front of the slower ones.

    Args:
      names: the variants, the best score first; so they stay where times do not tell.
      times: of some of them; the others come last.
    """
    cost = costs(times)

    def rank(name: str) -> float:
        relative = cost.get(name, math.inf)
        return 1 if relative <= _CLEARLY else relative

    return sorted(names, key=rank)
