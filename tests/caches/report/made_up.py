"""Execution logs that no build wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest(content: str) -> dict[str, str]:
    """Returns the digest of a file as a log writes it."""
    return {
        "hash": hashlib.sha256(content.encode()).hexdigest(),
        "sizeBytes": str(len(content)),
        "hashFunctionName": "SHA-256",
    }


def files(contents: dict[str, str], tools: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Returns files as a log lists them."""
    return [
        {
            "path": path,
            "digest": digest(content),
            "isTool": path in tools,
            "symlinkTargetPath": "",
        }
        for path, content in contents.items()
    ]


def compile_action(name: str, **changed: Any) -> dict[str, Any]:
    """Returns an action that compiles `name`.c; fields can be changed."""
    output = f"bazel-out/k8-opt/bin/{name}.o"
    return {
        "commandArgs": ["./cc.sh", "-O2", "-c", f"{name}.c", "-o", output],
        "environmentVariables": [{"name": "LANG", "value": "C"}],
        "platform": {"properties": []},
        "inputs": files({f"{name}.c": name, "a.h": "1", "cc.sh": "cc"}, tools=("cc.sh",)),
        "listedOutputs": [output],
        "remotable": True,
        "cacheable": True,
        "timeoutMillis": "0",
        "mnemonic": "CppCompile",
        "actualOutputs": files({output: name * 500}),
        "runner": "linux-sandbox",
        "cacheHit": False,
        "targetLabel": f"//:{name}",
        "metrics": {"totalTime": "1.500s"},
        **changed,
    }


def link_action(objects: dict[str, str], **changed: Any) -> dict[str, Any]:
    """Returns an action that links objects: name -> content."""
    inputs = {f"bazel-out/k8-opt/bin/{name}.o": content for name, content in objects.items()}
    output = "bazel-out/k8-opt/bin/all.so"
    return compile_action(
        "all",
        **{
            "commandArgs": ["./ld.sh", "@bazel-out/k8-opt/bin/all.so-2.params"],
            "inputs": files(inputs),
            "listedOutputs": [output],
            "actualOutputs": files({output: "".join(objects.values())}),
            "mnemonic": "CppLink",
            **changed,
        },
    )


def write_log(path: Path, actions: list[dict[str, Any]]) -> Path:
    """Writes a log as Bazel does."""
    path.write_bytes(log(actions))
    return path


def log(actions: list[dict[str, Any]]) -> bytes:
    """Returns the contents of a log: one object after the other, in the layout of protobuf's
    printer."""
    return "".join(_printed(action, "") for action in actions).encode()


def _printed(value: Any, indent: str) -> str:
    if isinstance(value, dict):
        deeper = indent + "  "
        fields = (
            f"{deeper}{json.dumps(key)}: {_printed(item, deeper)}" for key, item in value.items()
        )
        return "{\n" + ",\n".join(fields) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_printed(item, indent) for item in value) + "]"
    return json.dumps(value)
