"""The engine, and so the server, with layers on other machines."""

from __future__ import annotations

import json
import re

import pytest
from relay import Relay, Request
from rpc_server import RpcServer, free_port

import llama_cpp

LOST = """
import json, sys
import llama_cpp

def ask(engine, prompt):
    try:
        return engine.complete(prompt, max_tokens=4)["choices"][0]["text"]
    except llama_cpp.RequestError as error:
        return f"{error.status}: {error}"

with llama_cpp.Engine(
    sys.argv[1], rpc_servers=sys.argv[2], n_gpu_layers=-1, n_ctx=256, n_threads=1
) as engine:
    texts = [ask(engine, "In the beginning")]
    print("idle", flush=True)
    sys.stdin.readline()
    # Another number of tokens, and so another graph.
    texts += [ask(engine, "And the earth was without form"), ask(engine, "In the beginning")]
print(json.dumps(texts))
"""


@pytest.fixture
def server(start) -> RpcServer:
    return start()


def complete(model_path: str, **options: object) -> str:
    with llama_cpp.Engine(model_path, n_ctx=256, n_threads=1, n_parallel=2, **options) as engine:
        answer = engine.complete("In the beginning", max_tokens=8, temperature=0)
        return answer["choices"][0]["text"]


def test_the_text_is_that_of_this_machine(model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    text = complete(model_path, rpc_servers=between.address, n_gpu_layers=-1)
    assert text == complete(model_path)
    assert between.sizes[Request.SET_TENSOR] > 0 < between.counts[Request.GRAPH_COMPUTE]


def test_devices(model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    (remote, *_) = llama_cpp.devices(between.address)
    options = {"rpc_servers": [between.address], "n_gpu_layers": -1}
    before = between.sizes[Request.SET_TENSOR]
    complete(model_path, devices="none", **options)
    assert between.sizes[Request.SET_TENSOR] == before
    complete(model_path, devices=remote.name, **options)
    assert between.sizes[Request.SET_TENSOR] > before
    with pytest.raises(llama_cpp.ModelLoadError, match=f"no device named 'x'.*\n.*{remote.name}"):
        complete(model_path, devices="x", **options)


def test_nobody_listens(model_path: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(llama_cpp.RemoteServerError, match=re.escape(f"RPC server {address}: ")):
        complete(model_path, rpc_servers=address)
    with pytest.raises(ValueError, match="rpc_servers has 'x', which is no address"):
        complete(model_path, rpc_servers="x")


def test_no_layer_is_asked_for(model_path: str, server: RpcServer) -> None:
    with pytest.warns(UserWarning, match="n_gpu_layers=0: no layer is there") as caught:
        llama_cpp.Engine(model_path, n_ctx=256, rpc_servers=server.address).close()
    assert caught[0].filename == __file__


def test_lost_while_it_loads(model_path: str, server: RpcServer, relay) -> None:
    between: Relay = relay(server)
    between.before(Request.SET_TENSOR, between.close_connections)
    with pytest.raises(llama_cpp.ModelLoadError, match=f"RPC server {between.address}: the conn"):
        complete(model_path, rpc_servers=between.address, n_gpu_layers=-1)


@pytest.mark.parametrize("request_", [None, Request.GRAPH_COMPUTE, Request.GET_TENSOR])
def test_lost_requests(model_path: str, server: RpcServer, relay, popen, request_) -> None:
    """Requests fail, and the process ends as it should."""
    between: Relay = relay(server)
    process = popen(LOST, model_path, between.address)
    assert process.stdout.readline() == "idle\n", process.stderr.read()
    if request_ is None:
        between.close_connections()
    else:
        between.before(request_, between.close_connections)
    output, errors = process.communicate("\n", timeout=120)
    assert process.returncode == 0, errors
    first, *others = json.loads(output)
    assert not first.startswith("500")
    assert all(re.match("500: .*a device was lost", other) for other in others), others
