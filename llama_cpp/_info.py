"""Describes this installation and the machine that it runs on: ``python -m llama_cpp info``."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any, Dict, List, Optional

from . import __version__, _build_info, _core
from ._backends.cpu import FORCE_VARIABLE
from ._backends.devices import Device, devices
from ._backends.problems import problem_of
from ._backends.report import report
from ._backends.required import require_ready
from ._backends.timing import costs
from ._engine.threads import default_threads
from ._errors import BackendError

_REASONS = {
    "forced": f"forced by {FORCE_VARIABLE}",
    "remembered": "remembered from an earlier check on this machine",
    "checked": "the fastest one whose check passed",
    "only one": "the only one of this build",
    "built in": "built into the library",
    "baseline": "the weakest one, because no check could be run",
}


def collect(rpc_servers: Optional[str] = None) -> Dict[str, Any]:
    """Returns everything as plain data that JSON can hold.

    Args:
        rpc_servers: addresses of RPC servers whose devices are listed, too.

    Raises:
        ValueError: an address is none.
        RemoteServerError: a server cannot be reached.
    """
    found = devices(rpc_servers)
    return {
        "version": __version__,
        "package": os.path.dirname(os.path.abspath(__file__)),
        "native_files": _core.native_files(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "build": {
            "accelerator": _build_info.ACCELERATOR,
            "llama_cpp": _build_info.LLAMA_CPP_VERSION,
            "ggml": _build_info.GGML_VERSION,
            "commit": _build_info.LLAMA_CPP_COMMIT,
            "compiler": _build_info.COMPILER,
            "platform": _build_info.PLATFORM,
            "python_abi": _build_info.PYTHON_ABI,
            "cpu_variants": list(_build_info.CPU_VARIANTS),
        },
        "cpu": {
            "variant": report.variant,
            "reason": _REASONS.get(report.reason, report.reason),
            "library": report.library,
            "forced": os.environ.get(FORCE_VARIABLE, ""),
            "scores": report.scores,
            "times": report.times,
            "costs": costs(report.times),
            "checks": report.checks,
            "rejected": report.rejected,
            "features": _core.cpu_features() if report.variant else {},
            "cache_file": report.cache_file,
        },
        "threads": default_threads()._asdict(),
        "backends": [_backend(entry, found) for entry in report.backends],
        "devices": [device._asdict() for device in found],
        "errors": _errors(),
    }


def _backend(entry: Dict[str, str], devices: List[Device]) -> Dict[str, Any]:
    """Returns the report's entry of a library, with its devices, and the remedy if it has none."""
    names = [device.name for device in devices if device.backend == entry["backend"]]
    loaded = entry["state"] == "loaded"
    stays_without = entry["state"] != "unused" and not names
    return {
        **entry,
        "devices": names if loaded else [],
        "problem": problem_of(entry["backend"]).message if stays_without else "",
    }


def _errors() -> List[str]:
    """Returns why nothing can be run."""
    try:
        require_ready()
    except BackendError as error:
        return report.errors or [str(error)]
    return []


def render(info: Dict[str, Any]) -> str:
    """Returns the data of :func:`collect` as text for people."""
    build, cpu = info["build"], info["cpu"]
    lines = [
        f"llama-cpp-python {info['version']} ({build['platform']}, {build['python_abi']})",
        f"  package    {info['package']}",
        f"  python     {info['python']} ({sys.executable})",
        *(f"  loaded     {file}" for file in info["native_files"].values()),
        f"  llama.cpp  {build['llama_cpp']} (ggml {build['ggml']}, commit {build['commit'][:12]})",
        f"  built for  {build['accelerator']}, with {build['compiler']}",
        "",
        *_cpu_lines(cpu),
        "",
        f"Threads: {info['threads']['count']} ({info['threads']['reason']})",
        "",
        *_device_lines(info["devices"]),
    ]
    for backend in info["backends"]:
        lines += _backend_lines(backend)
    if info["errors"]:
        lines += ["", "Nothing can be run:", *(f"  {error}" for error in info["errors"])]
    return "\n".join(lines)


def _cpu_lines(cpu: Dict[str, Any]) -> List[str]:
    lines = [f"CPU variant: {cpu['variant'] or 'none'}"]
    if cpu["variant"]:
        lines[0] += f" ({cpu['reason']})"
        lines.append(f"  loaded     {cpu['library']}")
        used = ", ".join(name for name, value in cpu["features"].items() if value)
        lines.append(f"  uses       {used or 'no instruction set extensions'}")
    for name, score in sorted(cpu["scores"].items(), key=lambda item: -item[1]):
        note = cpu["rejected"].get(name) or cpu["checks"].get(name, "")
        mark = "*" if name == cpu["variant"] else " "
        cost = f"time {cpu['costs'][name]:<5.2f}" if name in cpu["costs"] else " " * 10
        lines.append(f"  {mark} {name:<16} score {score:<5} {cost} {note}".rstrip())
    for name, why in cpu["rejected"].items():
        if name not in cpu["scores"]:
            lines.append(f"    {name:<16} {why}")
    if cpu["cache_file"]:
        lines.append(f"  remembered in {cpu['cache_file']}")
    return lines


def _backend_lines(backend: Dict[str, Any]) -> List[str]:
    lines = [f"Backend {backend['backend']} of {backend['origin']}: {backend['state']}"]
    if backend["state"] == "unused":
        lines[0] += f", because {backend['reason']}"
    lines.append(f"  library    {backend['library'] or 'unknown'}")
    if backend["devices"]:
        lines.append(f"  devices    {', '.join(backend['devices'])}")
    if backend["problem"]:
        lines.append(f"  problem    {backend['problem']}")
    return lines


def _device_lines(devices: List[Dict[str, Any]]) -> List[str]:
    lines = ["Devices:"]
    for device in devices:
        memory = f"{device['memory_free'] / 2**30:.1f} of {device['memory_total'] / 2**30:.1f} GiB"
        lines.append(
            f"  {device['name']:<10} {device['type']:<5} {device['description']}, {memory} free"
        )
    return lines if devices else ["Devices: none"]
