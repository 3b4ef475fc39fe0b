"""A headless Chromium, driven through its DevTools protocol over a pipe (--remote-debugging-pipe):
no driver is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    # As root Chromium has no sandbox, and Bazel's does not let it make one; it only opens pages of
    # this test.
    "--no-sandbox",
)

# Becomes Chromium, with the two pipes as the file descriptors 3 and 4 that the protocol asks for.
_START = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
for number, pipe in zip((3, 4), pipes):
    os.dup2(pipe, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """Returns $CHROMIUM, else the one on PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One tab."""

    def __init__(self, program: str, folder: Path) -> None:
        to_browser, self._write = os.pipe()
        read, from_browser = os.pipe()
        pipes = [str(to_browser), str(from_browser)]
        command = [program, *_OPTIONS, f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, *pipes, *command],
            env={**os.environ, "HOME": str(folder)},
            pass_fds=(to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._read = os.fdopen(read, "rb")
        self._session: str | None = None
        self._last = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def _receive(self) -> dict[str, Any]:
        message = bytearray()
        while not message.endswith(b"\0"):
            byte = self._read.read(1)
            if not byte:
                raise EOFError("Chromium ended; start it yourself to see why")
            message += byte
        return json.loads(message[:-1])

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Calls a method of the DevTools protocol."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _navigate(self, url: str) -> None:
        document = self.call("Page.navigate", url=url)["loaderId"]
        while not any(
            event["method"] == "Page.lifecycleEvent"
            and event["params"]["loaderId"] == document
            and event["params"]["name"] == "load"
            for event in self.events
        ):
            self.events.append(self._receive())

    def open(self, url: str) -> None:
        """Opens an address and waits until it is loaded; `events` are those since then."""
        # A change of the fragment alone would not load the page again.
        self._navigate("about:blank")
        self.events.clear()
        self._navigate(url)

    def evaluate(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression, awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def click(self, element: str) -> None:
        """Clicks with a real mouse event on the element that a JavaScript expression gives."""
        self.evaluate(f"{element}.scrollIntoView({{block: 'center', inline: 'center'}})")
        box = self.evaluate(f"{element}.getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a real key."""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    def close(self) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=30)
        os.close(self._write)
        self._read.close()
