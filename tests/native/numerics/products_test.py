"""Every CPU variant that this host can run multiplies random matrices rightly, of many shapes.

The true products are computed in double precision by the program ``products``, which loads one
variant: 1 to 300 rows of input, sums from one block up, 2-D and 3-D weights, permuted inputs as
multi-head latent attention has them, several sequences, experts, one or two threads; weights in
ordinary memory and in each layout of the variant's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import cpu_variants
import pytest

TYPES = ["f32", "f16", "bf16", "q8_0", "q4_0", "q5_0", "q4_K", "q5_K", "q6_K"]
ROUNDS = 12
DONE = re.compile(r"(\d+) products, (\d+) faults")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the program beside the package's libraries, where it finds them first."""
    folder = tmp_path_factory.mktemp("lib")
    for library in cpu_variants.LIB_DIR.glob("*.so"):
        shutil.copy(library, folder)
    shutil.copy(os.environ["PRODUCTS"], folder / "products")
    return folder


def run(folder: Path, *arguments: str | int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "products", *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize("variant", cpu_variants.runnable())
def test_products(folder: Path, variant: str) -> None:
    done = run(folder, folder / f"libggml-cpu-{variant}.so", 1, ROUNDS, *TYPES)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    summary = DONE.match(done.stdout.splitlines()[-1])
    assert summary
    print(f"{variant}: {summary.string}")
    assert int(summary[1]) >= 6 * ROUNDS * len(TYPES), "not every product was computed"


def test_an_unknown_type_is_an_error(folder: Path) -> None:
    library = folder / f"libggml-cpu-{cpu_variants.runnable()[0]}.so"
    done = run(folder, library, 1, 1, "q9_9")
    assert done.returncode == 2
    assert "q9_9" in done.stderr
