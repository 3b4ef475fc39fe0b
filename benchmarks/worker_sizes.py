"""How many tokens are timed, the same for every peer."""

from __future__ import annotations

PROMPT_TOKENS = 512
DECODED_TOKENS = 64
# Tokens that are evaluated at once: between one sequence that decodes and a whole prompt.
BATCHES = (2, 8, 32, 128)
# Far from the special tokens, and the same ids on all sides.
FIRST_TOKEN = 300


def prompt_tokens(count: int = PROMPT_TOKENS) -> list[int]:
    """Returns the prompt."""
    return [FIRST_TOKEN + i % 200 for i in range(count)]


def resident_memory() -> dict[str, float]:
    """Returns this process's resident megabytes: of its own, and pages of files (Linux)."""
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    kilobytes = {name: int(lines[name].split()[0]) for name in ("RssAnon", "RssFile")}
    return {"anonymous": kilobytes["RssAnon"] / 1000, "files": kilobytes["RssFile"] / 1000}
