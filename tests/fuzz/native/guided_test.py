"""A target survives inputs that libFuzzer makes up: for a minute, or for $FUZZ_SECONDS.

Bazel's test.outputs keeps the new inputs of the corpus, and an input that fails.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

CORPUS = Path(os.environ["FUZZ_CORPUS"].split()[0]).absolute().parent
DICTIONARY = os.environ["FUZZ_DICTIONARY"]
OUTPUTS = Path(os.environ["TEST_UNDECLARED_OUTPUTS_DIR"])
SEEDS = os.environ["FUZZ_SEEDS"]


def test_made_up_inputs() -> None:
    corpus = OUTPUTS / "corpus"
    corpus.mkdir()
    options = [
        f"-max_total_time={os.environ.get('FUZZ_SECONDS', '60')}",
        f"-max_len={os.environ['FUZZ_MAX_LEN']}",
        f"-artifact_prefix={OUTPUTS}/",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    if DICTIONARY:
        options.append(f"-dict={os.path.abspath(DICTIONARY)}")
    folders = [str(corpus), str(CORPUS)] + ([os.path.abspath(SEEDS)] if SEEDS else [])
    log = OUTPUTS / "log"
    with log.open("wb") as file:
        code = subprocess.call(
            [os.path.abspath(os.environ["FUZZ_PROGRAM"]), *options, *folders],
            stdout=file,
            stderr=file,
        )
    text = log.read_text(errors="replace")
    print(text[-2000:])
    assert code == 0, f"see {OUTPUTS}"
    assert "stat::number_of_executed_units" in text
