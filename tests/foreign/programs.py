"""Native files for another system than this one, run by its loader or by an emulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence, Union

MODEL = Path(os.environ["LLAMA_TEST_MODEL"]).absolute()
TEXT = Path(os.environ["GENERATED"]).read_text(encoding="utf-8")

# Of matrices, as in tests/native/numerics; fewer, since one may be slow here.
TYPES = ("f32", "f16", "q8_0", "q4_0", "q4_K", "q6_K")
ROUNDS = 2


class System(NamedTuple):
    """The other system.

    Attributes:
        run: Runs a program of it with arguments, and captures its output.
        library: File name of a library, with the place of its name.
        program: File name of a program, with the place of its name.
        path: Returns the name that a file of this machine has there.
    """

    run: Callable[..., subprocess.CompletedProcess]
    library: str = "lib{}.so"
    program: str = "{}"
    path: Callable[[Path], str] = str


def run_by(*runner: Union[str, Path]) -> Callable[..., subprocess.CompletedProcess]:
    """Returns a `run` of System: a command of this machine comes before the program."""

    def run(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run([*runner, *command], capture_output=True, text=True)

    return run


class Programs:
    """Libraries and programs in one directory, as the wheel has them."""

    def __init__(self, folder: Path, system: System) -> None:
        self.folder = folder
        self._system = system
        for file in os.environ["FILES"].split():
            shutil.copy(file, folder)

    def run(
        self, program: str, *arguments: Union[str, Path], **options: Any
    ) -> subprocess.CompletedProcess:
        """Runs a program; arguments that are paths are those of this machine."""
        path = self._system.path
        named = [path(item) if isinstance(item, Path) else item for item in arguments]
        file = self.folder / self._system.program.format(program)
        return self._system.run(str(file), *named, **options)

    def variants(self) -> list[str]:
        pattern = self._system.library.format("ggml-cpu-*")
        before, after = pattern.split("*")
        names = (path.name for path in self.folder.glob(pattern))
        return sorted(name[len(before) : -len(after)] for name in names)

    def library(self, name: str) -> Path:
        return self.folder / self._system.library.format(name)

    def cpu_library(self, variant: str) -> Path:
        return self.library(f"ggml-cpu-{variant}")

    def scores(self) -> dict[str, int]:
        """Returns variant -> score, as the probe prints them."""
        answer = self.run("ggml-cpu-probe", "score", *map(self.cpu_library, self.variants()))
        assert answer.returncode == 0, answer.stderr
        found = re.findall(r"ggml-cpu-(\S+)\.\w+ (\d+)", answer.stdout)
        return {variant: int(score) for variant, score in found}

    def supported(self) -> list[str]:
        """Returns the variants that this CPU, or the emulated one, has."""
        return [variant for variant, score in self.scores().items() if score]

    def require_right_products(self, variants: Sequence[str]) -> None:
        """Has the probe check variants, and compares random products with the true ones."""
        for variant in variants:
            answer = self.run("ggml-cpu-probe", "check", self.cpu_library(variant))
            assert answer.stdout.startswith("ok "), (variant, answer)
            answer = self.run("products", self.cpu_library(variant), "1", str(ROUNDS), *TYPES)
            assert answer.returncode == 0, (variant, answer)
            assert " 0 faults," in answer.stdout.splitlines()[-1], (variant, answer)

    def generate(self) -> str:
        """Returns the text that the example generates, with the best variant."""
        base = self.library("llama_cpp_python-ggml-base")
        answer = self.run("generate", base, MODEL, "In the beginning")
        assert answer.returncode == 0, answer.stderr
        return answer.stdout
