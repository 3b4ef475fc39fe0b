"""The interpreter of the Python toolchain, for actions that start it themselves."""

PYTHON_TOOLCHAIN = "@rules_python//python:toolchain_type"

def toolchain_python(ctx):
    """Returns the interpreter of the Python toolchain.

    Args:
      ctx: the context of a rule that has PYTHON_TOOLCHAIN among its toolchains.

    Returns:
      A struct with `path`, which starts the interpreter in an action, and `files`, a depset of the
      inputs for that.
    """
    runtime = ctx.toolchains[PYTHON_TOOLCHAIN].py3_runtime
    if not runtime.interpreter:
        return struct(files = depset(), path = runtime.interpreter_path)
    return struct(
        files = depset([runtime.interpreter], transitive = [runtime.files]),
        path = runtime.interpreter.path,
    )
