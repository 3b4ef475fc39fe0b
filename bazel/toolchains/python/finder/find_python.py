"""Finds the C headers or the interpreter of one CPython ABI in one place.

Usage: find_python.py '{"abi": ..., "ext_suffix": ..., "need": ..., "source": ...}'

Called by the repository rules of ../private with the host's Python. The request's fields are those
of `Request`. Prints one JSON object: the facts of `Python`, or those of `NotFound`: the reason in
one sentence, and the paths that were examined. Only a bug makes it fail.
"""

from __future__ import annotations

import dataclasses
import json
import sys

import debian_packages
import debian_source
import machine
from answer import NotFound, Python, Request, ask


def find(request: Request) -> Python:
    """Returns the requested headers or interpreter, or raises NotFound."""
    if request.source == "path":
        return ask(request.path, request)
    if request.source == "machine":
        return machine.find(request)
    if not request.free_threaded:
        return debian_packages.find(request)
    return debian_source.find(request)


def main() -> None:
    try:
        answer = dataclasses.asdict(find(Request(**json.loads(sys.argv[1]))))
    except NotFound as error:
        answer = {"looked_at": error.looked_at, "reason": str(error)}
    print(json.dumps(answer, sort_keys=True))


if __name__ == "__main__":
    main()
