"""Every CPU variant that this host can run computes the same; the others say why they cannot.

Each variant runs in a child process that LLAMA_CPP_CPU_VARIANT forces to it. Run pytest with
``-rP`` (or ``-s``) to see which variants ran.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cpu_variants
import numpy as np
import pytest
import variant_child
from comparison import TOLERANCES, errors, expected_batch, short_prompts, verdict
from gguf import GGMLQuantizationType
from numpy.typing import NDArray
from reference_llama import ReferenceLlama, softmax

import llama_cpp
from llama_cpp import _build_info

CHILD = Path(__file__).with_name("variant_child.py")
SHIPPED = cpu_variants.shipped()
NEEDS = cpu_variants.needs()
HOST = cpu_variants.host_features()
RUNNABLE = cpu_variants.runnable()
PLAIN = _build_info.CPU_VARIANTS[0]  # needs nothing that a processor might lack
NOT_RUNNABLE = [name for name in SHIPPED if name not in RUNNABLE]


@dataclass(frozen=True)
class Run:
    results: dict[str, NDArray[np.float32]]
    libraries: list[str]
    log: str


class Runs:
    """Results of the children; each variant runs once for all tests."""

    def __init__(self, models_dir: Path, trained_model: Path, folder: Path) -> None:
        self.arguments = [str(models_dir), str(trained_model)]
        self.folder = folder
        self.done: dict[str, Run] = {}

    def start(self, variant: str) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ)
        environment["LLAMA_CPP_CPU_VARIANT"] = variant
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        return subprocess.run(
            [sys.executable, str(CHILD), *self.arguments, str(self.folder / f"{variant}.npz")],
            capture_output=True,
            check=False,
            env=environment,
            text=True,
            timeout=600,
        )

    def __getitem__(self, variant: str) -> Run:
        if variant not in self.done:
            child = self.start(variant)
            assert child.returncode == 0, describe(child)
            with np.load(self.folder / f"{variant}.npz") as saved:
                results = dict(saved)
            libraries = json.loads(child.stdout.splitlines()[-1])
            self.done[variant] = Run(results, libraries, child.stderr)
        return self.done[variant]


def describe(child: subprocess.CompletedProcess[str]) -> str:
    how = f"signal {-child.returncode}" if child.returncode < 0 else f"status {child.returncode}"
    return f"the child ended with {how}:\n{child.stderr[-4000:]}"


@pytest.fixture(scope="module")
def runs(models_dir: Path, trained_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(models_dir, trained_model, tmp_path_factory.mktemp("variants"))


@pytest.fixture(scope="module")
def expected(models_dir: Path, trained_model: Path) -> dict[str, NDArray[np.float64]]:
    """Returns the reference's logits for everything that a child computes."""
    result = {}
    for qtype in TOLERANCES:
        path = models_dir / f"llama-{qtype}.gguf"
        reference = ReferenceLlama(path, cache=GGMLQuantizationType.F32)
        llm = vocabulary(path)
        prompts = short_prompts(llm.n_vocab())
        result[qtype] = np.concatenate([reference.logits(prompt) for prompt in prompts])
        result[f"{qtype} batch"] = expected_batch(llm, reference)
    tokens = vocabulary(trained_model).tokenize(variant_child.TEXT)
    result["trained"] = ReferenceLlama(trained_model).logits(tokens)
    return result


def vocabulary(path: Path) -> llama_cpp.Llama:
    return llama_cpp.Llama(str(path), vocab_only=True, verbose=False)


def test_the_variants_of_this_host() -> None:
    print(f"variants in the package: {', '.join(SHIPPED)}")
    print(f"this host can run:       {', '.join(RUNNABLE)}")
    for name in NOT_RUNNABLE:
        print(f"cannot run here:         {name} (no {', '.join(sorted(NEEDS[name] - HOST))})")
    assert set(SHIPPED) == set(NEEDS), "the package lacks a variant, or has an unknown one"
    assert RUNNABLE


@pytest.mark.parametrize("variant", RUNNABLE)
def test_variant_is_loaded_and_no_other(runs: Runs, variant: str) -> None:
    libraries = runs[variant].libraries
    print(f"forced {variant}: loaded {libraries}")
    assert libraries == [variant]


@pytest.mark.parametrize("variant", RUNNABLE)
def test_logits_equal_the_reference(
    runs: Runs, expected: dict[str, NDArray[np.float64]], variant: str
) -> None:
    wrong = {}
    for qtype, tolerance in TOLERANCES.items():
        for key in (qtype, f"{qtype} batch"):
            found = errors(runs[variant].results[key], expected[key])
            median, largest = np.median(found), found.max()
            print(f"{variant} {key}: median error {median:.1e}, largest {largest:.1e}")
            if complaint := verdict(found, tolerance):
                wrong[key] = complaint
    assert not wrong


@pytest.mark.parametrize("variant", RUNNABLE)
def test_same_argmax(runs: Runs, expected: dict[str, NDArray[np.float64]], variant: str) -> None:
    """On text, wherever the first choice is clear of the second by more than rounding."""
    probabilities = softmax(expected["trained"])
    best_two = np.sort(probabilities, axis=1)[:, -2:]
    clear = best_two[:, 1] - best_two[:, 0] > 0.04
    assert clear.sum() > len(clear) / 2
    actual = runs[variant].results["trained"].argmax(axis=1)
    assert (actual == probabilities.argmax(axis=1))[clear].all()


def test_variants_agree_with_each_other(runs: Runs) -> None:
    first, *others = RUNNABLE
    for qtype, tolerance in TOLERANCES.items():
        baseline = runs[first].results[qtype].astype(np.float64)
        for other in others:
            found = errors(runs[other].results[qtype], baseline)
            print(f"{qtype} {other} against {first}: largest error {found.max():.1e}")
            assert found.max() <= tolerance.worst


def row_errors(results: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the RMS error of each row, in standard deviations of what is expected."""
    wanted = expected.astype(np.float64)
    return np.sqrt(np.mean((results - wanted) ** 2, axis=1)) / wanted.std()


def require_rounding_errors(key: str, rows: NDArray[np.float64]) -> None:
    """Wrong kernels were off by 0.6 and more."""
    error = np.sqrt(np.mean(rows**2))
    print(f"{key}: RMS error {error:.1e} standard deviations, largest {rows.max():.1e}")
    assert error <= (0.01 if "f16" in key else 0.1)


@pytest.mark.parametrize("variant", RUNNABLE)
@pytest.mark.parametrize("model", variant_child.OTHER_MODELS)
def test_other_architectures_equal_the_plain_variant(runs: Runs, variant: str, model: str) -> None:
    """All at once, and token by token.

    Differences are those of rounding: a value that falls on the other side of a boundary, and
    seldom a token that goes to another expert.
    """
    for key in (model, f"{model} singly"):
        require_rounding_errors(
            key, row_errors(runs[variant].results[key], runs[PLAIN].results[key])
        )


@pytest.mark.parametrize("variant", RUNNABLE)
@pytest.mark.parametrize("model", variant_child.OTHER_MODELS)
def test_batches_of_other_architectures(runs: Runs, variant: str, model: str) -> None:
    """Where two experts are almost as likely, rounding sends a text of the batch to another one.

    That text has little in common with the plain variant's; one of them may. A wrong kernel could
    hide in it, for instance one that forgets the last row, so every text has another place, too.
    """
    key = f"{model} batch"
    found = runs[variant].results
    others = np.sort(row_errors(found[key], runs[PLAIN].results[key]))[:-1]
    require_rounding_errors(key, others)
    require_rounding_errors(f"{key} reversed", row_errors(found[f"{key} reversed"], found[key]))


@pytest.mark.parametrize("variant", NOT_RUNNABLE)
def test_a_variant_that_cannot_run_says_so(runs: Runs, variant: str) -> None:
    child = runs.start(variant)
    assert child.returncode > 0, describe(child)
    assert variant in child.stderr


def test_an_unknown_variant_names_the_known_ones(runs: Runs) -> None:
    child = runs.start("pentium")
    assert child.returncode > 0, describe(child)
    assert "pentium" in child.stderr
    assert "haswell" in child.stderr or "armv8.0_1" in child.stderr


@pytest.mark.skipif("sapphirerapids" not in RUNNABLE, reason="this processor has no AMX")
@pytest.mark.parametrize("model", [*TOLERANCES, *variant_child.OTHER_MODELS])
def test_amx_holds_q8_0_only(runs: Runs, model: str) -> None:
    """The other types are faster with AVX-512, see the patch `amx-types`."""
    log = runs["sapphirerapids"].log.split(f"model {model}\n")[1].split("\nmodel ")[0]
    assert ("AMX model buffer size" in log) == model.endswith("q8_0")
