"""Layers on other machines: the same results, and the layers are really there."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from relay import Relay, Request
from rpc_server import RpcServer

import llama_cpp

PROMPT = b"In the beginning God created the heaven and the earth."

# The kernels are the same, but not the order of additions: the server has no repacked weights and
# as many threads as it was started with. The logits of this model are up to 20, and float32 has 24
# bits: 1e-3 is 400 units in the last place of such a number.
TOLERANCE = 1e-3


def evaluated(llm: llama_cpp.Llama) -> np.ndarray:
    """Returns the logits of every token of PROMPT."""
    tokens = llm.tokenize(PROMPT)
    llm.reset()
    llm.eval(tokens)
    return np.array(llm.scores[: len(tokens)])


@pytest.fixture
def server(start) -> RpcServer:
    return start("--verbose", GGML_RPC_DEBUG="1")


@pytest.fixture
def local(load, model_path: str) -> np.ndarray:
    return evaluated(load(model_path, logits_all=True))


def buffers(server: RpcServer) -> list[int]:
    """Returns the sizes of the buffers that the server says it has allocated."""
    lines = re.findall(r"\[alloc_buffer\] device: 0, size: (\d+) -> remote_ptr", server.text())
    return [int(size) for size in lines]


def test_the_logits_are_those_of_this_machine(
    load, model_path: str, server: RpcServer, relay, local: np.ndarray
) -> None:
    between: Relay = relay(server)
    llm = load(model_path, rpc_servers=between.address, n_gpu_layers=-1, logits_all=True)
    assert np.abs(evaluated(llm) - local).max() < TOLERANCE
    # All weights but the table of the tokens' embeddings, which llama.cpp keeps on this machine. A
    # block of Q8_0 has 34 bytes for 32 weights (block_q8_0 of ggml-common.h).
    table = llm.n_vocab() * llm.n_embd() * 34 // 32
    weights = os.path.getsize(model_path) - table
    assert between.sizes[Request.SET_TENSOR] > 0.9 * weights
    assert between.counts[Request.GRAPH_COMPUTE] + between.counts[Request.GRAPH_RECOMPUTE] > 0
    # The server's own words: weights, KV cache and a buffer to compute in.
    assert len(buffers(server)) >= 3
    assert max(buffers(server)) > 0.9 * weights
    llm.close()
    between.wait_until_freed()


def test_some_layers(load, model_path: str, server: RpcServer, relay, local: np.ndarray) -> None:
    between: Relay = relay(server)
    llm = load(model_path, rpc_servers=between.address, n_gpu_layers=2, logits_all=True)
    assert np.abs(evaluated(llm) - local).max() < TOLERANCE
    assert 0 < between.sizes[Request.SET_TENSOR] < 0.5 * os.path.getsize(model_path)


def test_two_servers_share_a_model(load, model_path: str, start, relay, local: np.ndarray) -> None:
    first, second = relay(start()), relay(start())
    llm = load(
        model_path,
        rpc_servers=[first.address, second.address],
        n_gpu_layers=-1,
        tensor_split=[3, 1],
        logits_all=True,
    )
    assert np.abs(evaluated(llm) - local).max() < TOLERANCE
    sizes = [each.sizes[Request.SET_TENSOR] for each in (first, second)]
    assert sizes[0] > sizes[1] > 0


def test_devices_choose_among_servers(load, model_path: str, start, relay) -> None:
    both = [relay(start()), relay(start())]
    servers = ",".join(each.address for each in both)
    found = [device for device in llama_cpp.devices(servers) if device.backend == "rpc"]
    assert [device.description for device in found] == servers.split(",")
    assert all(device.type == "gpu" and device.memory_total > 0 for device in found)
    load(model_path, rpc_servers=servers, devices=found[1].name, n_gpu_layers=-1)
    assert both[0].sizes[Request.SET_TENSOR] == 0 < both[1].sizes[Request.SET_TENSOR]


def test_tensors_on_a_server(load, model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    buffer_type = f"RPC0[{between.address}]"  # of the server's first device
    load(
        model_path,
        rpc_servers=between.address,
        n_gpu_layers=-1,
        tensor_buft_overrides={r"\.ffn_": "CPU", r"^output": buffer_type},
    )
    all_weights = os.path.getsize(model_path)
    assert 0 < between.sizes[Request.SET_TENSOR] < 0.5 * all_weights


def test_as_many_layers_as_fit(load, model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    llm = load(model_path, rpc_servers=between.address, n_gpu_layers="auto")
    llm("In the beginning", max_tokens=2)
    assert between.sizes[Request.SET_TENSOR] > 0


def test_other_models_stay_on_this_machine(load, model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    llm = load(model_path, rpc_servers=between.address, n_gpu_layers=-1)
    before = between.counts.copy()
    load(model_path)("In the beginning", max_tokens=2)
    assert between.counts == before
    assert all(device.backend != "rpc" for device in llama_cpp.devices())
    assert not llama_cpp.llama_supports_gpu_offload()
    llm.close()


def test_no_layer_is_asked_for(load, model_path: str, server: RpcServer) -> None:
    with pytest.warns(UserWarning, match="n_gpu_layers=0: no layer is there") as caught:
        llama_cpp.Llama(model_path, n_ctx=256, rpc_servers=server.address, verbose=False)
    assert caught[0].filename == __file__


def test_saved_states_and_embeddings(load, model_path: str, server: RpcServer) -> None:
    remote = {"rpc_servers": server.address, "n_gpu_layers": -1}
    llm, alone = load(model_path, **remote), load(model_path)
    llm.eval(llm.tokenize(PROMPT))
    alone.load_state(llm.save_state())
    assert alone.n_tokens == llm.n_tokens
    np.testing.assert_allclose(alone.eval_logits[-1], llm.eval_logits[-1], atol=TOLERANCE)
    vectors = [
        load(model_path, embedding=True, **options).embed("The heaven") for options in ({}, remote)
    ]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=TOLERANCE)


def test_it_is_there(load) -> None:
    assert llama_cpp.llama_supports_rpc()
