"""A process that renders templates, so that a crash is the failure of one template only.

As a program it reads one JSON object per line and answers with one.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from typing import Any, Dict, Optional

# Far above the bound of 10 s, for machines that do much else at the same time.
_PATIENCE_SECONDS = 240


class TemplateChild:
    """Starts the process when it is needed, and again after it has died."""

    def __init__(self) -> None:
        """Starts nothing yet."""
        self._process: Optional[subprocess.Popen] = None

    def ask(self, **case: Any) -> Dict[str, Any]:
        """Returns the answer to a case; {"crash": why} if the process died or never answered."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="ascii",
            )
        process = self._process
        lines: "queue.Queue[str]" = queue.Queue()
        reader = threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True)
        process.stdin.write(json.dumps(case) + "\n")
        process.stdin.flush()
        reader.start()
        try:
            line = lines.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            line = ""
            process.kill()
        if line:
            return json.loads(line)
        self._process = None
        return {"crash": f"the process ended with {process.wait()}"}

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(60)


def _render(core: Any, case: Dict[str, Any]) -> str:
    template, values = case["template"], case.get("values", {})
    if case.get("chat"):
        messages = values.get("messages", [{"role": "user", "content": "Hi"}])
        templates = core.ChatTemplates(None, template)
        return templates.apply(json.dumps(messages), case.get("tools", "")).prompt
    return core.render_template(template, json.dumps(values), "<s>", "</s>")


def _answer(case: Dict[str, Any]) -> Dict[str, Any]:
    import llama_cpp
    from llama_cpp import _core

    outcome: Dict[str, Any] = {}

    def work() -> None:
        try:
            text = _render(_core, case)
            outcome.update(text=text if len(text) < 10000 else text[:100], length=len(text))
        except llama_cpp._errors.ChatTemplateError as error:
            outcome.update(error=str(error))

    begin = time.process_time()
    stack = case.get("stack")
    if stack:
        threading.stack_size(stack)
        thread = threading.Thread(target=work)
        try:
            thread.start()
        except RuntimeError:
            return {"no thread": True}
        finally:
            threading.stack_size(0)
        thread.join()
    else:
        work()
    outcome["seconds"] = time.process_time() - begin
    if sys.platform == "linux":
        import resource

        outcome["mebibytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return outcome


def main() -> None:
    """Answers until the input ends."""
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line))
        except Exception as error:
            answer = {"unexpected": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
