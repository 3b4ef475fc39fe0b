"""Makes tiny models with random weights that guess tokens, by ``architectures/draft_heads.py``.

    python random_drafts.py --out DIR

``eagle3.gguf``, ``dflash.gguf`` and ``dspark.gguf`` are heads for ``kjv-q8_0.gguf``; ``mtp.gguf``
and ``mtp-hybrid.gguf`` have a layer that guesses. The same bytes on every machine. Needs the
packages numpy and gguf.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from architectures.draft_heads import HEADS, MODELS


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory for the .gguf files")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for model in (*HEADS, *MODELS):
        model.write(args.out / f"{model.name}.gguf", model.weights(args.seed))


if __name__ == "__main__":
    main()
