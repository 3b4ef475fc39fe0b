"""Makes a tiny model with random float32 weights of each architecture in ``architectures``.

    python random_architectures.py --out DIR                  DIR/NAME.gguf for each
    python random_architectures.py --out DIR --only gemma2 mamba

The same arguments give the same bytes on every machine, as those of ``random_models.py``. Needs
the packages numpy and gguf.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from architectures import ARCHITECTURES


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory for the .gguf files")
    parser.add_argument("--only", nargs="+", choices=sorted(ARCHITECTURES), help="some of them")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only or ARCHITECTURES:
        model = ARCHITECTURES[name]
        path = args.out / f"{name}.gguf"
        model.write(path, model.weights(args.seed))
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
