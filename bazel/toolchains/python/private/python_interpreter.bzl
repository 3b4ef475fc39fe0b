"""`python_interpreter_repository`: an interpreter of one ABI."""

load(":find.bzl", "FINDER_ATTRS", "FINDER_ENVIRONMENT", "find_python", "host_machine")
load(":launcher.bzl", "write_bare_environment", "write_launcher")

_BUILD = """\
load("@llama_cpp_python//bazel/toolchains/python/private:targets.bzl", "python_interpreter")

python_interpreter(
    name = "python",
    machine = {machine},
    missing = {missing},
)
"""

def _python_interpreter_repository_impl(rctx):
    facts, missing = find_python(rctx, rctx.attr.abi, "interpreter")
    if facts:
        write_launcher(rctx, facts)
        write_bare_environment(rctx, facts)
    rctx.file("BUILD.bazel", _BUILD.format(
        machine = repr(host_machine(rctx)),
        missing = repr(missing),
    ))

python_interpreter_repository = repository_rule(
    implementation = _python_interpreter_repository_impl,
    attrs = FINDER_ATTRS | {
        "abi": attr.string(doc = "A key of PYTHON_ABIS.", mandatory = True),
    },
    configure = True,
    doc = "`:python`, a file that starts the interpreter, and `:runtimes`, a py_runtime_pair.",
    environ = FINDER_ENVIRONMENT,
)
