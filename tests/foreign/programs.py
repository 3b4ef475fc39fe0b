"""Native files for another system than this one, run by its loader or by an emulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Sequence, Union

MODEL = Path(os.environ["LLAMA_TEST_MODEL"]).absolute()
TEXT = Path(os.environ["GENERATED"]).read_text(encoding="utf-8")

# Of matrices, as in tests/native/numerics; fewer, since one may be slow here.
TYPES = ("f32", "f16", "q8_0", "q4_0", "q4_K", "q6_K")
ROUNDS = 2


class Programs:
    """Libraries and programs in one directory, as the wheel has them."""

    def __init__(self, folder: Path, *runner: Union[str, Path]) -> None:
        self.folder = folder
        self._runner = runner
        for file in os.environ["FILES"].split():
            shutil.copy(file, folder)

    def run(self, program: str, *arguments: Union[str, Path]) -> subprocess.CompletedProcess:
        command = [*self._runner, self.folder / program, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def variants(self) -> list[str]:
        names = (path.stem for path in self.folder.glob("libggml-cpu-*.so"))
        return sorted(name[len("libggml-cpu-") :] for name in names)

    def library(self, variant: str) -> Path:
        return self.folder / f"libggml-cpu-{variant}.so"

    def scores(self) -> dict[str, int]:
        """Returns variant -> score, as the probe prints them."""
        answer = self.run("ggml-cpu-probe", "score", *map(self.library, self.variants()))
        assert answer.returncode == 0, answer.stderr
        found = re.findall(r"libggml-cpu-(\S+)\.so (\d+)", answer.stdout)
        return {variant: int(score) for variant, score in found}

    def supported(self) -> list[str]:
        """Returns the variants that this CPU, or the emulated one, has."""
        return [variant for variant, score in self.scores().items() if score]

    def require_right_products(self, variants: Sequence[str]) -> None:
        """Has the probe check variants, and compares random products with the true ones."""
        for variant in variants:
            answer = self.run("ggml-cpu-probe", "check", self.library(variant))
            assert answer.stdout.startswith("ok "), (variant, answer)
            answer = self.run("products", self.library(variant), "1", str(ROUNDS), *TYPES)
            assert answer.returncode == 0, (variant, answer)
            assert answer.stdout.splitlines()[-1].endswith(" 0 faults"), (variant, answer)

    def generate(self) -> str:
        """Returns the text that the example generates, with the best variant."""
        base = self.folder / "libllama_cpp_python-ggml-base.so"
        answer = self.run("generate", base, MODEL, "In the beginning")
        assert answer.returncode == 0, answer.stderr
        return answer.stdout
