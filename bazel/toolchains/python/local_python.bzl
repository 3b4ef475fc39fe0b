"""`local_python`: the Python interpreter found on the machine, its C headers, and the facts of its ABI.

Headers are copied into the repository, so that no absolute path reaches an action.
"""

_BUILD = """\
load("@llama_cpp_python//bazel/toolchains/python:abi.bzl", "python_abi")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_python//python:py_runtime.bzl", "py_runtime")
load("@rules_python//python:py_runtime_pair.bzl", "py_runtime_pair")

package(default_visibility = ["//visibility:public"])

# pyconfig.h and EXT_SUFFIX are those of this machine: an extension for another one needs another interpreter's.
_THIS_MACHINE = [
    "@platforms//cpu:{cpu}",
    "@platforms//os:linux",
]

# The C headers. Extensions leave Python's symbols undefined: the interpreter that imports them has them.
cc_library(
    name = "headers",
    hdrs = glob(["include/**/*.h"], allow_empty = True),
    includes = ["include"],
    target_compatible_with = _THIS_MACHINE,
)

python_abi(
    name = "abi",
    abi_tag = "{abi_tag}",
    ext_suffix = "{ext_suffix}",
    free_threaded = {free_threaded},
    python_tag = "{python_tag}",
    target_compatible_with = _THIS_MACHINE,
    version = "{version}",
)

py_runtime(
    name = "runtime",
    interpreter_path = "{executable}",
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtimes",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtimes",
    toolchain_type = "@rules_python//python:toolchain_type",
)
"""

# rules_python 1.x and later ask for a toolchain of build tools too, and would download an interpreter for it. They use
# it to compile .py files ahead of time, which nothing here wants: `none` turns that off.
_EXEC_TOOLS = """
load("@rules_python//python:py_exec_tools_toolchain.bzl", "py_exec_tools_toolchain")

py_exec_tools_toolchain(
    name = "exec_tools",
    exec_interpreter = "@rules_python//python:none",
)

toolchain(
    name = "exec_tools_toolchain",
    toolchain = ":exec_tools",
    toolchain_type = "@rules_python//python:exec_tools_toolchain_type",
)
"""

_ABI = """\
\"\"\"Facts of the interpreter found on this machine, for names that are needed while BUILD files load.\"\"\"

EXT_SUFFIX = "{ext_suffix}"
ABI_TAG = "{abi_tag}"
"""

_NO_HEADERS = (
    "{executable} (Python {version}) has no C headers (no Python.h where its sysconfig says). Install them " +
    "(Debian: `apt install libpython3-dev`), or name another interpreter: `--repo_env=PYTHON=/path/to/python3`."
)

def _find(rctx):
    named = rctx.os.environ.get("PYTHON")
    python = rctx.path(named) if named else rctx.which("python3")
    if not python or not python.exists:
        fail("local_python: {} Install Python 3.9 or newer with its headers.".format(
            "PYTHON={} does not exist.".format(named) if named else "no python3 on PATH.",
        ))
    return python

def _describe(rctx, python):
    result = rctx.execute([python, "-I", rctx.path(rctx.attr._describe)])
    if result.return_code:
        fail("local_python: {} did not describe itself: {}".format(python, result.stderr.strip()))
    facts = json.decode(result.stdout)
    if facts["implementation"] != "cpython":
        fail("local_python: {} is {}, not CPython".format(python, facts["implementation"]))
    if not facts["include"]:
        fail("local_python: " + _NO_HEADERS.format(**facts))
    return facts

def _copy_folder(rctx, source, destination):
    result = rctx.execute(["sh", "-c", "mkdir -p \"$2\" && cp -RL \"$1/.\" \"$2\"", "sh", source, destination])
    if result.return_code:
        fail("local_python: copying {} failed: {}".format(source, result.stderr.strip()))

def _copy_headers(rctx, facts):
    _copy_folder(rctx, facts["include"], "include")
    if facts["platform_include"]:
        # Where Debian's pyconfig.h looks for it: <ARCHITECTURE/python3.X/pyconfig.h>.
        architecture, name = facts["platform_include"].split("/")[-2:]
        _copy_folder(rctx, facts["platform_include"], "include/{}/{}".format(architecture, name))

def _has_exec_tools(rctx):
    rules_python = rctx.path(rctx.attr._rules_python).dirname
    return rules_python.get_child("py_exec_tools_toolchain.bzl").exists

def _local_python_impl(rctx):
    facts = _describe(rctx, _find(rctx))
    _copy_headers(rctx, facts)
    rctx.file("BUILD.bazel", _BUILD.format(**facts) + (_EXEC_TOOLS if _has_exec_tools(rctx) else ""))
    rctx.file("abi.bzl", _ABI.format(**facts))

local_python = repository_rule(
    implementation = _local_python_impl,
    attrs = {
        "_describe": attr.label(
            default = Label("//bazel/toolchains/python:describe_python.py"),
        ),
        "_rules_python": attr.label(
            default = Label("@rules_python//python:defs.bzl"),
        ),
    },
    configure = True,
    doc = "The interpreter that `PYTHON` names (`--repo_env=PYTHON=...`), else the first python3 on PATH.",
    environ = ["PATH", "PYTHON"],
    local = True,
)
