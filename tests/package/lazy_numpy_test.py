"""NumPy stays out of a program that only imports the package, and types that name it still work."""

from __future__ import annotations

import typing

import numpy as np
import numpy.typing as npt
import pytest

import llama_cpp
from llama_cpp import Llama

ids = npt.NDArray[np.intc]
scores = npt.NDArray[np.single]


def test_import_leaves_numpy_alone(run_python) -> None:
    done = run_python("import sys; from llama_cpp import Llama; print('numpy' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_numpy_is_looked_up_once(run_python) -> None:
    """Without sys.modules, whose lock daemon threads may still hold when a program ends."""
    done = run_python(
        "import sys; from llama_cpp._numpy import np\n"
        "np.zeros; del sys.modules['numpy']; print(np.ones(3).sum())"
    )
    assert done.stdout == "3.0\n", done.stderr


INTERRUPTED = """
import os, signal, sys
from llama_cpp._numpy import np

class Stop(Exception):
    pass

def stop(number, frame):
    raise Stop

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy.dtypes":  # NumPy's native module imports it, and can't be loaded twice
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGUSR1)
            return None

signal.signal(signal.SIGUSR1, stop)
sys.meta_path.insert(0, Finder())
try:
    np.zeros
except Stop:
    print("stopped")
print(np.zeros(2).sum())
"""


def test_a_signal_handler_s_exception_does_not_break_numpy(run_python) -> None:
    done = run_python(INTERRUPTED)
    assert done.stdout == "stopped\n0.0\n", done.stderr


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        (llama_cpp.LogitsProcessor, typing.Callable[[ids, scores], scores]),
        (llama_cpp.StoppingCriteria, typing.Callable[[ids, scores], bool]),
    ],
)
def test_aliases_are_types_for_others(alias: object, expected: object) -> None:
    """As libraries that build on annotations, such as Pydantic, read them."""

    def function(argument): ...

    function.__annotations__ = {"argument": alias}
    assert typing.get_type_hints(function) == {"argument": expected}


def test_hints_of_methods_resolve() -> None:
    assert "logits_processor" in typing.get_type_hints(Llama.generate)
    hints = typing.get_type_hints(llama_cpp.LogitsProcessorList.__call__)
    assert hints == {"input_ids": ids, "scores": scores, "return": scores}
