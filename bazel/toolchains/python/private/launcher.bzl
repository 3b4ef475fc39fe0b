"""The file that starts an interpreter, for tests that have it among their data."""

# Not a link to the interpreter, which would look for its library beside the link.
_LAUNCHER = """\
#!/bin/sh
exec '{executable}' "$@"
"""

def write_launcher(rctx, facts):
    """Writes `bin/python3`.

    Args:
      rctx: the repository context.
      facts: a dict with `executable`, the absolute path of the interpreter.
    """
    rctx.file("bin/python3", _LAUNCHER.format(**facts))
