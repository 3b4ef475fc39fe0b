"""Start of a repository's interpreter by its targets: a script, and a bare virtual environment."""

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

# A virtual environment without packages: programs, and the interpreters that they start as
# sys.executable, do not see the site-packages of the machine or of the user, so a requirement that
# is not declared is an ImportError everywhere.
_CONFIGURATION = """\
home = {home}
include-system-site-packages = false
"""

def write_bare_environment(rctx, facts):
    """Writes `bare/`, an environment as the venv module makes it, without packages and scripts.

    Args:
      rctx: the repository context.
      facts: a dict with `executable`, the absolute path of the interpreter.
    """
    executable = rctx.path(facts["executable"])
    rctx.file("bare/pyvenv.cfg", _CONFIGURATION.format(home = executable.dirname))
    rctx.symlink(executable, "bare/bin/python3")
