"""Runs `python -m llama_cpp.server` with the options that upstream's tests give to llama-server.

Options of the model's loading go on as `llama_options`, as docs/server.md says; those of the HTTP
server are our settings. A repository is looked up in LLAMA_CACHE, where places.py has put it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

# Options of what the server does not have.
_MISSING = {
    "--models-dir": "a router",
    "--models-preset": "a router",
    "--tools": "tools",
    "--tools-runtime": "tools",
    "--mcp-servers-config": "MCP",
    "--mcp-servers-json": "MCP",
    "--ui-mcp-proxy": "a proxy",
}

_OF_SERVER = {"--host": "host", "--port": "port", "--api-key": "api_key"}
_OF_MODEL = {
    "--alias": "model_alias",
    "--model": "model",
    "--parallel": "n_parallel",
    "--pooling": "pooling",
    "--slot-save-path": "slot_save_path",
}
_FLAGS: dict[str, tuple[str, Any]] = {
    "--embedding": ("embedding", True),
    "--reranking": ("pooling", "rank"),
    "--kv-unified": ("kv_unified", True),
}
# Said by this package, or by the adapter.
_DROPPED = frozenset({"--offline", "--no-ui"})
_OF_ADAPTER = frozenset({"--hf-repo", "--hf-file", "--media-path", "--cors-origins"})
# Options of upstream's ServerProcess that are passed on, and have no value.
_WITHOUT_VALUE = frozenset(
    {
        *("--cont-batching", "--metrics", "--swa-full", "--slots", "--no-slots", "--verbose"),
        *("--context-shift", "--jinja", "--no-jinja", "--no-mmproj", "--no-cache-idle-slots"),
        *("--backend_sampling", "--no-models-autoload"),
    }
)


def _from_cache(repository: str, file: Optional[str]) -> dict[str, str]:
    """Returns settings with the paths of the model and of its projector."""
    name = repository.partition(":")[0]
    folder = Path(os.environ["LLAMA_CACHE"], f"models--{name.replace('/', '--')}")
    (snapshot,) = (folder / "snapshots").iterdir()
    if file is not None:
        return {"model": str(snapshot / file)}
    projectors = list(snapshot.glob("mmproj*.gguf"))
    (model,) = (path for path in snapshot.glob("*.gguf") if path not in projectors)
    found = {"model": str(model)}
    if projectors:
        found["clip_model_path"] = str(projectors[0])
    return found


def config_of(options: list[str]) -> dict[str, Any]:
    """Returns a config file for llama-server's options. ValueError for those we have not."""
    # llama-server takes the default number of slots in one pool.
    model: dict[str, Any] = {"kv_unified": "--parallel" not in options, "use_mlock": False}
    server: dict[str, Any] = {"unknown_model": "default"}
    own: dict[str, str] = {}
    passed_on: list[str] = []
    left = iter(options)
    for name in left:
        if name in _MISSING:
            raise ValueError(f"{name}: the server has not {_MISSING[name]}")
        if name in _DROPPED:
            continue
        if name in _FLAGS:
            setting, value = _FLAGS[name]
            model[setting] = value
        elif name in _WITHOUT_VALUE:
            passed_on.append(name)
        elif name in _OF_SERVER:
            server[_OF_SERVER[name]] = next(left)
        elif name in _OF_MODEL:
            model[_OF_MODEL[name]] = next(left)
        elif name in _OF_ADAPTER:
            own[name] = next(left)
        else:
            passed_on += [name, next(left)]
    if "--hf-repo" in own:
        model.update(_from_cache(own["--hf-repo"], own.get("--hf-file")))
    if "," in server["host"]:
        raise ValueError("the server listens at one address")
    if "model" not in model:
        raise ValueError("no model: the server has not a router")
    if "--no-mmproj" in passed_on:
        model.pop("clip_model_path", None)
    if "--media-path" in own:
        server["media_allow_files"] = os.path.abspath(own["--media-path"])
    # llama-server's default is all of them.
    server["cors_origins"] = own.get("--cors-origins", "*").split(",")
    return {**server, "models": [{**model, "llama_options": passed_on}]}


def main() -> None:
    """Becomes the server."""
    config = config_of(sys.argv[1:])
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(config, file)
    command = [sys.executable, "-m", "llama_cpp.server", "--config_file", file.name]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
