"""n_gpu_layers="auto", on GPUs whose memory the test decides on."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import GIB, Installation

MIB = 2**20
MARGIN = GIB  # left free on every device
COMPUTING = 512 * MIB  # _COMPUTE_BYTES of _engine/projectors.py
# Prints the layers that were taken and a text.
GENERATE = """
import json, sys, warnings
import llama_cpp
warnings.simplefilter("error")
arguments = json.loads(sys.argv[2])
llm = llama_cpp.Llama(sys.argv[1], n_threads=1, verbose=False, **arguments)
text = ""
if arguments.get("embedding"):
    llm.embed("In the beginning")
else:
    text = llm("In the beginning", max_tokens=8, temperature=0)["choices"][0]["text"]
layers = llm.model_params.n_gpu_layers
layers = layers if layers >= 0 else llm.model.n_layer + 1
print(json.dumps([layers, llm.model_params.tensor_split, text]))
"""


def read(done: subprocess.CompletedProcess) -> list:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def generate(installation: Installation, model_path: str):
    installation.add_backend("cuda")

    def run(*memory: int, **arguments) -> list:
        arguments = {"n_gpu_layers": "auto", "n_ctx": 256, **arguments}
        numbers = " ".join(map(str, memory))
        done = installation.run(
            GENERATE, model_path, json.dumps(arguments), STAND_IN_MEMORY=numbers
        )
        return read(done)

    return run


def test_without_a_device_it_is_0(generate) -> None:
    layers, _, text = generate()
    assert layers == 0 and text


def test_all_layers_where_they_fit(generate) -> None:
    layers, split, text = generate(MARGIN + 64 * MIB)
    assert layers == 5 and split == []
    assert text == generate()[2]


def test_as_many_as_fit(generate) -> None:
    """From nothing to everything, by the megabyte."""
    results = [generate(MARGIN + extra * MIB) for extra in (0, 1, 2, 3, 4, 6, 8, 16)]
    layers = [result[0] for result in results]
    assert layers == sorted(layers)
    assert layers[0] == 0 and layers[-1] == 5
    assert len(set(layers) - {0, 5}) >= 2
    assert len({result[2] for result in results}) == 1


def test_the_context_counts(generate) -> None:
    memory = MARGIN + 8 * MIB
    assert generate(memory, n_ctx=256)[0] > generate(memory, n_ctx=8192)[0]


def test_several_devices(generate) -> None:
    layers, split, text = generate(MARGIN + 4 * MIB, MARGIN + 4 * MIB)
    assert layers > generate(MARGIN + 4 * MIB)[0]
    assert sum(share > 0 for share in split) == 2
    assert text == generate()[2]


FIT = """
import json, sys
from llama_cpp import _core
from llama_cpp._engine import loading
loading.start(False)
context = _core.ContextParams()
context.n_ctx = 256
fit = [
    _core.fit_to_devices(sys.argv[1], _core.ModelParams(), context, reserved_bytes=int(number))
    for number in sys.argv[2:]
]
print(json.dumps([[each.n_gpu_layers, each.tensor_split] for each in fit]))
"""


def test_reserved_memory_is_the_first_devices(installation: Installation, model_path: str) -> None:
    """A number below 0 or above that of the layers is all of them."""
    installation.add_backend("cuda")

    def fit(memory: str, *reserved: int) -> list:
        return read(installation.run(FIT, model_path, *reserved, STAND_IN_MEMORY=memory))

    one = str(MARGIN + 64 * MIB)
    (everything, _), (some, _), (nothing, _), (as_much, _) = fit(
        one, 0, 61 * MIB, 64 * MIB, 2**63 - 1
    )
    assert not 0 <= everything < 5
    assert 0 < some < 5
    assert nothing == as_much == 0
    layers, split = fit(f"{one} {one}", 64 * MIB)[0]
    assert not 0 <= layers < 5
    assert split[:2] == [0, layers]


@pytest.fixture
def pair() -> tuple[Path, Path]:
    """Returns a model and its projector."""
    directory = Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"])
    return directory / "gemma3.gguf", directory / "mmproj-gemma3.gguf"


@pytest.mark.parametrize("room", [0, 256 * MIB])
def test_the_projector_counts(installation: Installation, pair: tuple[Path, Path], room) -> None:
    """As the size of its file, and a part to compute with; the model takes less than `room`."""
    model, projector = pair
    installation.add_backend("cuda")
    memory = MARGIN + COMPUTING + projector.stat().st_size + room

    def layers(**arguments) -> int:
        arguments = {"n_gpu_layers": "auto", "n_ctx": 256, **arguments}
        done = installation.run(GENERATE, model, json.dumps(arguments), STAND_IN_MEMORY=str(memory))
        return read(done)[0]

    everything = layers()
    assert everything > 0
    assert layers(mmproj_path=str(projector), mmproj_use_gpu=False) == everything
    assert layers(mmproj_path=str(projector)) == (everything if room else 0)


@pytest.mark.parametrize(
    "arguments", [{"n_ctx": 0}, {"embedding": True}, {"split_mode": 0}, {"offload_kqv": False}]
)
def test_with_other_arguments(generate, arguments: dict) -> None:
    assert generate(MARGIN + GIB, **arguments)[0] == 5


def test_threads_that_fit_and_log(installation: Installation, model_path: str) -> None:
    """llama.cpp's own fit swaps the log callback of the process; ours must not."""
    installation.add_backend("cuda")
    code = (
        "import sys, threading, llama_cpp\n"
        "path = sys.argv[1]\n"
        "def work(layers):\n"
        "    for _ in range(4):\n"
        "        llm = llama_cpp.Llama(\n"
        "            path, n_gpu_layers=layers, n_ctx=256, n_threads=1, verbose=True\n"
        "        )\n"
        "        llm('a', max_tokens=4)\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in ('auto', 'auto', 0, -1)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print('done')"
    )
    done = installation.run(code, model_path, STAND_IN_MEMORY=str(MARGIN + 3 * MIB))
    assert done.stdout == "done\n", done.stderr[-2000:]


# ---- bad values


@pytest.mark.parametrize("value", ["all", "", "AUTO", 1.5, None, 2**40, [1]])
def test_values_that_are_none(load, model_path: str, value) -> None:
    with pytest.raises(ValueError, match='n_gpu_layers=.*take one, -1 for all, or "auto"$') as info:
        load(model_path, n_gpu_layers=value)
    assert repr(value) in str(info.value)


@pytest.mark.parametrize("arguments", [{"tensor_split": [1.0]}, {"split_mode": 2}])
def test_auto_decides_on_the_split(load, model_path: str, arguments: dict) -> None:
    with pytest.raises(ValueError, match="leave tensor_split and split_mode out"):
        load(model_path, n_gpu_layers="auto", **arguments)


def test_a_model_that_is_none(installation: Installation, tmp_path) -> None:
    installation.add_backend("cuda")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(60))
    done = installation.run(
        GENERATE, broken, '{"n_gpu_layers": "auto"}', STAND_IN_MEMORY=str(2 * GIB)
    )
    assert "ModelLoadError" in done.stderr and str(broken) in done.stderr


def test_a_context_that_cannot_be(installation: Installation, model_path: str) -> None:
    installation.add_backend("cuda")
    done = installation.run(
        GENERATE, model_path, '{"n_gpu_layers": "auto", "type_k": 16}', STAND_IN_MEMORY=str(2 * GIB)
    )
    assert "ContextError: type_k = 16 is not a type for the cache" in done.stderr


def test_the_command_line(installation: Installation, model_path: str) -> None:
    code = (
        "import sys; from llama_cpp.__main__ import main; "
        "sys.exit(main(['generate', *sys.argv[1:]]))"
    )
    options = ["--model", model_path, "--max-tokens", "4", "--n-gpu-layers"]
    assert installation.run(code, *options, "auto", "And").returncode == 0
    done = installation.run(code, *options, "some", "And")
    assert done.returncode == 1 and "n_gpu_layers='some' is not a number of layers" in done.stderr
