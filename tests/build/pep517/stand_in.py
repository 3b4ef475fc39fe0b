"""A stand-in for bazelw: a source tree in which `bazelw build` is instant and logs its call.

It writes a wheel whose `_build_info.py` has the settings of the command line and the number of the
build, and the part of Bazel's build events that the backend reads. The same file is that bazelw;
see `main`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

# Where the stand-in writes one JSON object per call; it may also be told to fail.
LOG = "STAND_IN_LOG"
EXIT = "STAND_IN_EXIT"

# The Python of the package. As in the real one there are sources in a directory of the extension's
# name.
_PACKAGE = {
    "__init__.py": "from ._build_info import *\nfrom . import _core\nfrom .python import ANSWER\n",
    "python.py": "ANSWER = 'from the tree'\n",
    "_capi/__init__.py": "",
    "_capi/model.py": "from .llama_h import SIZE\n",
}
_GENERATED = {
    "_capi/llama_h.py": "SIZE = 8\n",
    "_core.py": "NATIVE = 'from the wheel'\n",
    "lib/libggml.so": "\x7fELF",
}


def make_tree(archive: Path, folder: Path) -> Path:
    """Unpacks the project with stand-ins for bazelw and the package's Python; returns the tree."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    for file in folder.glob("llama_cpp/**/*.py"):
        file.unlink()
    for name, text in _PACKAGE.items():
        (folder / "llama_cpp" / name).write_text(text)
    bazelw = folder / "bazelw"
    bazelw.write_text(f"#!{sys.executable}\n{Path(__file__).read_text()}")
    write_manifest(folder)
    return folder


def write_manifest(folder: Path) -> None:
    """Writes the list by which an unpacked sdist knows its files."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    (folder / "MANIFEST").write_text("".join(f"{name}\n" for name in files))


def add_accelerator(tree: Path, name: str, label: str) -> None:
    """Adds an accelerator to the table, as a backend that will be there one day does."""
    table = tree / "platforms/accelerators.bzl"
    text = table.read_text()
    first = "ACCELERATORS = {\n"
    assert first in text
    row = {"label": label, "systems": ["linux"]}
    table.write_text(text.replace(first, f'{first}    "{name}": {row},\n'))


def calls(log: Path) -> list[dict[str, Any]]:
    """Returns every call of the stand-in: its arguments, environment and working directory."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def builds(log: Path) -> list[dict[str, Any]]:
    """Returns the calls that build a wheel."""
    return [call for call in calls(log) if "build" in call["arguments"]]


# ---- bazelw


def main() -> int:
    """Acts as bazelw."""
    log = Path(os.environ[LOG])
    call = {"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}
    with log.open("a") as file:
        file.write(json.dumps(call) + "\n")
    if "build" in sys.argv:
        print("the stand-in builds")
        if os.environ.get(EXIT):
            print("ERROR: the stand-in fails")
            return int(os.environ[EXIT])
        _build(_flags(), len(builds(log)))
    return 0


def _flags() -> dict[str, str]:
    return dict(argument.partition("=")[::2] for argument in sys.argv if argument.startswith("--"))


def _build(flags: dict[str, str], number: int) -> None:
    label = flags["--//:local_label"]
    version = flags["--//:version"] + (f"+{label}" if label else "")
    abi = flags["--//:python_abi"]
    root = Path(flags["--output_base"], "execroot/_main")
    folder = ["bazel-out", "k8-opt", "bin"]
    name = f"llama_cpp_python-{version}-{abi.rstrip('t')}-{abi}-linux_x86_64.whl"
    wheel = root.joinpath(*folder, name)
    wheel.parent.mkdir(parents=True, exist_ok=True)
    facts = {"ACCELERATOR": flags.get("--config", "cpu"), "BUILD": number, "VERSION": version}
    _write_wheel(wheel, version, "".join(f"{key} = {value!r}\n" for key, value in facts.items()))
    files = [{"name": name, "pathPrefix": folder}]
    files += [
        {"name": f"{target.partition(':')[2]}.whl", "pathPrefix": folder}
        for target in sys.argv
        if target.startswith("//") and target != "//:wheel"
    ]
    events = [
        {"id": {"workspace": {}}, "workspaceInfo": {"localExecRoot": str(root)}},
        {"id": {"namedSet": {"id": "0"}}, "namedSetOfFiles": {"files": files}},
    ]
    Path(flags["--build_event_json_file"]).write_text("".join(json.dumps(e) + "\n" for e in events))


def _write_wheel(wheel: Path, version: str, build_info: str) -> None:
    info = f"llama_cpp_python-{version}.dist-info"
    members = {f"llama_cpp/{name}": text for name, text in _GENERATED.items()}
    members["llama_cpp/_build_info.py"] = build_info
    for name in (*_PACKAGE, "py.typed"):
        members[f"llama_cpp/{name}"] = Path("llama_cpp", name).read_text()
    members[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.4\nName: llama-cpp-python\nVersion: {version}\n"
    )
    members[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
    record = f"{info}/RECORD"
    lines = [_record_line(path, text) for path, text in members.items()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in members.items():
            archive.writestr(path, text)
        archive.writestr(record, "".join(lines) + f"{record},,\n")


def _record_line(path: str, text: str) -> str:
    data = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


if __name__ == "__main__":
    sys.exit(main())
