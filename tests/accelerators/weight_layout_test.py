"""A CPU variant with a layout of weights that it cannot compute with: the model runs without it."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from conftest import Installation

from llama_cpp import _build_info

VARIANT = _build_info.CPU_VARIANTS[0]

# Prints the warnings, the text and whether such layouts are in use.
GENERATE = """
import json, sys, warnings
import llama_cpp
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False)
text = llm("In the beginning", max_tokens=8, temperature=0)["choices"][0]["text"]
print(json.dumps([
    [str(warning.message) for warning in caught], text, llm.model_params.use_extra_bufts
]))
"""

LOW_LEVEL = """
import json, sys
from llama_cpp import ContextError, _core
_core.backend_init()
params = _core.ModelParams()
params.use_extra_bufts = sys.argv[2] == "extra"
model = _core.Model(sys.argv[1], params)
try:
    _core.Context(model, _core.ContextParams())
    print(json.dumps(""))
except ContextError as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture
def run(installation: Installation, model_path: str):
    def run(code: str, *arguments: str):
        done = installation.run(code, model_path, *arguments, LLAMA_CPP_CPU_VARIANT=VARIANT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def unsound(installation: Installation) -> None:
    library = installation.library(VARIANT)
    library.rename(library.with_name("libreal.so"))
    shutil.copy(os.environ["UNSOUND"], library)


def test_the_real_variant_needs_no_second_load(run) -> None:
    warnings, text, extra = run(GENERATE)
    assert (warnings, extra) == ([], True)
    assert text


@pytest.mark.usefixtures("unsound")
def test_the_model_runs_without_that_layout(run, installation: Installation, model_path) -> None:
    (warning,), text, extra = run(GENERATE)
    assert model_path in warning
    assert repr(VARIANT) in warning
    assert "GGML_ASSERT(*cur_backend_id != -1)" in warning
    assert not extra
    library = installation.library(VARIANT)
    library.with_name("libreal.so").rename(library)
    assert run(GENERATE)[1] == text


@pytest.mark.usefixtures("unsound")
def test_the_low_level_error_says_how_to_load_the_model(run) -> None:
    message, advice = run(LOW_LEVEL, "extra").splitlines()
    assert "cannot compute with a weight of this model" in message
    assert advice == "Load the model with ModelParams.use_extra_bufts = False"
    assert run(LOW_LEVEL, "plain") == ""
