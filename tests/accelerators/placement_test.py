"""devices and tensor_buft_overrides on two GPUs, which are stand-ins."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from conftest import GIB, Installation

GENERATE = """
import json, sys
import llama_cpp
llm = llama_cpp.Llama(
    sys.argv[1], n_ctx=256, n_gpu_layers=-1, n_threads=1, verbose=True, **json.loads(sys.argv[2])
)
print(llm("In the beginning", max_tokens=8, temperature=0)["choices"][0]["text"])
"""


@pytest.fixture
def placed(installation: Installation, model_path: str):
    """Returns a function: arguments -> MiB of weights by buffer type, and the text generated."""
    installation.add_backend("cuda")

    def run(**arguments) -> tuple[dict[str, float], str]:
        done = installation.run(
            GENERATE, model_path, json.dumps(arguments), STAND_IN_MEMORY=f"{GIB} {GIB}"
        )
        assert done.returncode == 0, done.stderr[-2000:]
        sizes = re.findall(r"(\S+) model buffer size = +([\d.]+) MiB", done.stderr)
        return {name: float(size) for name, size in sizes}, done.stdout

    return run


def on_devices(sizes: dict[str, float]) -> set[str]:
    return {name for name in sizes if name.startswith("StandIn")}


def test_devices(placed) -> None:
    both, text = placed()
    assert on_devices(both) == {"StandIn0", "StandIn1"}
    for devices, expected in (
        ("StandIn1", {"StandIn1"}),
        (["StandIn0"], {"StandIn0"}),
        ("StandIn1,StandIn0", {"StandIn0", "StandIn1"}),
        ("none", set()),
    ):
        sizes, found = placed(devices=devices)
        assert on_devices(sizes) == expected and found == text


def test_tensors_stay_in_ram(placed) -> None:
    sizes, text = placed(devices="StandIn0")
    kept, found = placed(devices="StandIn0", tensor_buft_overrides={r"\.ffn_": "CPU"})
    # Of the weights of a layer three quarters: 3 * 256 * 768 of 3 * 256 * 768 + 256 * 768.
    assert kept["StandIn0"] < 0.5 * sizes["StandIn0"] and found == text


def test_tensors_on_another_device(placed) -> None:
    _, text = placed()
    overrides = {r"blk\.0\.": "StandIn1", ".": "StandIn0"}
    sizes, found = placed(tensor_buft_overrides=overrides)
    assert sizes["StandIn0"] > sizes["StandIn1"] > 0 and found == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "StandIn0"),
        ({"devices": "StandIn1"}, "StandIn1"),
        ({"devices": "StandIn1,StandIn0"}, "StandIn1"),
        ({"devices": "none"}, "CPU"),
        ({"mmproj_use_gpu": False}, "CPU"),
    ],
)
def test_the_projector_is_on_the_first_device(
    installation: Installation, arguments: dict, expected: str
) -> None:
    directory = Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"])
    installation.add_backend("cuda")
    arguments = {"mmproj_path": str(directory / "mmproj-gemma3.gguf"), **arguments}
    done = installation.run(
        GENERATE,
        directory / "gemma3.gguf",
        json.dumps(arguments),
        STAND_IN_MEMORY=f"{GIB} {GIB}",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.findall(r"CLIP using (\S+) backend", done.stderr) == [expected]


def test_a_device_named_twice(installation: Installation, model_path: str) -> None:
    installation.add_backend("cuda")
    arguments = json.dumps({"devices": ["StandIn0", "StandIn0"]})
    done = installation.run(GENERATE, model_path, arguments, STAND_IN_MEMORY=str(GIB))
    assert "ModelLoadError: devices: 'StandIn0' is named twice" in done.stderr
