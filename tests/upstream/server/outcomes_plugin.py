"""A plug-in of pytest (`-p outcomes_plugin`) for upstream's server tests, which stay as they are.

It writes test -> outcome and the reason to the file OUTCOMES, and makes up for the network: the
models are in their places already, so `ServerPreset.load_all` has nothing to do, and the two
pictures that tests ask of Hugging Face are made here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Optional

import media_files
import pytest
import requests

# Upstream's own limit for a server's start is 60.
_SECONDS = 100

_SEEDS = {"11_truck.png": 1, "91_cat.png": 2}  # of the pictures, by the ends of their addresses

_found: dict[str, dict[str, str]] = {}


def _no_download(*arguments: Any, **options: Any) -> Any:
    raise OSError(f"no download in this test: {arguments}")


# The package wget has no wheel, and utils.download_file() finds its files in their places.
_wget = ModuleType("wget")
_wget.download = _no_download  # type: ignore[attr-defined]
sys.modules["wget"] = _wget

_get = requests.get


def _get_picture(url: str, *arguments: Any, **options: Any) -> requests.Response:
    """Takes the place of requests.get()."""
    name = url.rpartition("/")[2]
    if name not in _SEEDS:
        return _get(url, *arguments, **options)
    response = requests.Response()
    response.status_code = 200
    response._content = media_files.png(media_files.image(_SEEDS[name]))
    return response


requests.get = _get_picture  # type: ignore[assignment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import utils  # upstream's, which its conftest has imported

    utils.ServerPreset.load_all = staticmethod(lambda: None)
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow"))


def _too_long(number: int, frame: Optional[FrameType]) -> None:
    raise TimeoutError(f"the test takes more than {_SECONDS} seconds")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        _found[report.nodeid] = {"outcome": report.outcome, "reason": _reason(report)}


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


def pytest_sessionfinish() -> None:
    text = json.dumps(_found, indent=1, sort_keys=True)
    Path(os.environ["OUTCOMES"]).write_text(text, encoding="utf-8")
