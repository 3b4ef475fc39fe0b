"""A target survives inputs that are made up: for a minute, or for $FUZZ_SECONDS.

Bazel's test.outputs keeps the new inputs of the corpus, and an input that fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import guided

NAME = os.environ["FUZZ_TARGET"]
CORPUS = Path(os.environ["FUZZ_CORPUS"].split()[0]).absolute().parent
OUTPUTS = Path(os.environ["TEST_UNDECLARED_OUTPUTS_DIR"])


def test_made_up_inputs(tmp_path: Path) -> None:
    corpus = OUTPUTS / "corpus"
    corpus.mkdir()
    options = [
        f"-max_total_time={os.environ.get('FUZZ_SECONDS', '60')}",
        f"-artifact_prefix={OUTPUTS}/",
        "-max_len=4096",
        "-len_control=10",  # an input is slow, so that lengths grow too slowly by default
        "-timeout=10",
        "-rss_limit_mb=1536",  # 1 GiB for an input, the rest for Python and a model
        "-print_final_stats=1",
    ]
    command = [sys.executable, guided.__file__, NAME, os.environ["FUZZ_MODULES"], *options]
    memory = "/dev/shm"  # targets write and remove many small files
    environment = {**os.environ, **({"TMPDIR": memory} if os.access(memory, os.W_OK) else {})}
    log = OUTPUTS / "log"
    with log.open("wb") as file:
        code = subprocess.call(
            [*command, corpus, CORPUS], cwd=tmp_path, env=environment, stdout=file, stderr=file
        )
    text = log.read_text(errors="replace")
    print(text[-2000:])
    assert code == 0, f"see {OUTPUTS}"
    assert "stat::number_of_executed_units" in text
