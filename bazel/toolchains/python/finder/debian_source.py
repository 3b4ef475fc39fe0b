"""A free-threaded interpreter, built from Debian's source package: Debian packages none."""

from __future__ import annotations

from answer import NotFound, Python, Request


def find(request: Request) -> Python:
    """Returns the interpreter, building it where that has not been done, or raises NotFound."""
    raise NotFound(f"Debian has no free-threaded Python {request.version}")
