"""`local_python`: the machine's Python interpreter, its C headers, and the facts of its ABI.

Unlike the repositories of PYTHON_ABIS it must be there: it runs the tools of the build.
"""

load(":copy_headers.bzl", "copy_headers")
load(":find.bzl", "default_python", "host_machine")
load(":launcher.bzl", "write_bare_environment", "write_launcher")

_BUILD = """\
load(
    "@llama_cpp_python//bazel/toolchains/python/private:targets.bzl",
    "python_headers",
    "python_interpreter",
)

python_headers(
    name = "headers",
    abi_tag = "{abi_tag}",
    ext_suffix = "{ext_suffix}",
    machine = "{machine}",
    python_version = "{version}",
)

python_interpreter(
    name = "python",
    machine = "{machine}",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtimes",
    toolchain_type = "@rules_python//python:toolchain_type",
)
"""

# rules_python 1.x and later ask for a toolchain of build tools too, and would download an
# interpreter for it. They use it to compile .py files ahead of time, which nothing here wants:
# `none` turns that off.
_EXEC_TOOLS = """
load("@rules_python//python:py_exec_tools_toolchain.bzl", "py_exec_tools_toolchain")

py_exec_tools_toolchain(
    name = "exec_tools",
    exec_interpreter = "@rules_python//python:none",
    visibility = ["//visibility:public"],
)

toolchain(
    name = "exec_tools_toolchain",
    toolchain = ":exec_tools",
    toolchain_type = "@rules_python//python:exec_tools_toolchain_type",
)
"""

_ABI = """\
\"\"\"Facts of this machine's interpreter, for names that are needed while BUILD files load.\"\"\"

EXT_SUFFIX = "{ext_suffix}"
ABI_TAG = "{abi_tag}"
"""

_NO_HEADERS = (
    "{executable} (Python {version}) has no C headers (no Python.h where its sysconfig says). " +
    "Install them (Debian: `apt install libpython3-dev`), or name another interpreter: " +
    "`--repo_env=PYTHON=/path/to/python3`."
)

def _describe(rctx, python):
    result = rctx.execute([python, "-I", "-B", rctx.path(rctx.attr._describe)])
    if result.return_code:
        fail("local_python: {} did not describe itself: {}".format(python, result.stderr.strip()))
    facts = json.decode(result.stdout)
    if facts["implementation"] != "cpython":
        fail("local_python: {} is {}, not CPython".format(python, facts["implementation"]))
    if not facts["has_headers"]:
        fail("local_python: " + _NO_HEADERS.format(**facts))
    return facts

def _has_exec_tools(rctx):
    rules_python = rctx.path(rctx.attr._rules_python).dirname
    return rules_python.get_child("py_exec_tools_toolchain.bzl").exists

def _local_python_impl(rctx):
    python, reason = default_python(rctx)
    if not python:
        fail("local_python: {}. Install Python 3.9 or newer with its headers.".format(reason))
    facts = _describe(rctx, python)
    copy_headers(rctx, facts)
    write_launcher(rctx, facts)
    write_bare_environment(rctx, facts)
    rctx.file("BUILD.bazel", _BUILD.format(
        machine = host_machine(rctx),
        **facts
    ) + (_EXEC_TOOLS if _has_exec_tools(rctx) else ""))
    rctx.file("abi.bzl", _ABI.format(**facts))

local_python = repository_rule(
    implementation = _local_python_impl,
    attrs = {
        "_describe": attr.label(
            default = Label("//bazel/toolchains/python/finder:describe_python.py"),
        ),
        "_rules_python": attr.label(
            default = Label("@rules_python//python:defs.bzl"),
        ),
    },
    configure = True,
    doc = "The interpreter that `PYTHON` names (`--repo_env=PYTHON=...`), else the first python3 " +
          "on PATH.",
    environ = ["PATH", "PYTHON"],
    local = True,
)
