"""The targets of the repositories that hold headers or an interpreter.

The repositories' BUILD files, which are generated, only call these macros.
"""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_python//python:py_runtime.bzl", "py_runtime")
load("@rules_python//python:py_runtime_pair.bzl", "py_runtime_pair")
load("//bazel/availability:defs.bzl", "where_found")
load("//bazel/toolchains/python:abi.bzl", "python_abi")
load("//bazel/toolchains/python:machines.bzl", "PYTHON_MACHINES", "select_machine")

def _compatible_with(machine, missing):
    """Returns a machine's constraints, or unsatisfiable ones that name the reason."""
    return where_found(missing) or PYTHON_MACHINES[machine].constraints

def _declare_available(machine, missing):
    """Declares `:available` for select(), since an incompatible dependency makes dependents so."""
    native.config_setting(
        name = "available",
        constraint_values = (
            [Label("@platforms//:incompatible")] if missing else _compatible_with(machine, missing)
        ),
        visibility = ["//visibility:public"],
    )

def python_of_target(name, host):
    """Declares the target platform's `:headers`, `:abi` and `:available`.

    Args:
      name: prefix of the names of the repositories that have them.
      host: the machine that runs the build; also used for platforms outside of the table.
    """
    for target in ["headers", "abi", "available"]:
        actual = "@{}_{{}}//:{}".format(name, target)
        native.alias(
            name = target,
            actual = select_machine(
                {machine: actual.format(machine) for machine in PYTHON_MACHINES},
                default = actual.format(host),
            ),
            visibility = ["//visibility:public"],
        )

def python_headers(
        name,
        abi_tag,
        ext_suffix,
        machine,
        python_version,
        missing = "",
        of_ordinary_build = False):
    """Declares `:headers`, `:abi`, and the config_setting `:available`, true if there are any.

    pyconfig.h and EXT_SUFFIX are those of one machine: an extension for another one needs another
    interpreter's.

    Args:
      name: name of the headers' target.
      abi_tag: see PythonAbiInfo.
      ext_suffix: see PythonAbiInfo.
      machine: the key of PYTHON_MACHINES that they are for.
      python_version: see PythonAbiInfo.
      missing: message if no headers were found.
      of_ordinary_build: whether the ABI is a free-threaded one and the headers are those of the
        ordinary build, which differ by one macro.
    """
    compatible_with = _compatible_with(machine, missing)
    _declare_available(machine, missing)

    # Extensions leave Python's symbols undefined: the interpreter that imports them has them.
    cc_library(
        name = name,
        hdrs = native.glob(["include/**/*.h"], allow_empty = True),
        defines = ["Py_GIL_DISABLED=1"] if of_ordinary_build else [],
        includes = ["include"],
        target_compatible_with = compatible_with,
        visibility = ["//visibility:public"],
    )
    python_abi(
        name = "abi",
        abi_tag = abi_tag,
        ext_suffix = ext_suffix,
        free_threaded = abi_tag.endswith("t"),
        python_tag = abi_tag.removesuffix("t"),
        target_compatible_with = compatible_with,
        version = python_version,
        visibility = ["//visibility:public"],
    )

def python_interpreter(name, machine, missing = ""):
    """Declares `:python`, which starts the interpreter, and `:runtimes` for py_binary and py_test.

    Args:
      name: name of the file's target.
      machine: the key of PYTHON_MACHINES that it runs on.
      missing: message if none was found.
    """
    compatible_with = _compatible_with(machine, missing)
    native.filegroup(
        name = name,
        srcs = [] if missing else ["bin/python3"],
        target_compatible_with = compatible_with,
        visibility = ["//visibility:public"],
    )

    # By a path in the repository: an absolute one would be in the key of every action that runs
    # Python.
    py_runtime(
        name = "runtime",
        files = ["bare/pyvenv.cfg"],
        interpreter = "bare/bin/python3",
        python_version = "PY3",
        target_compatible_with = compatible_with,
        visibility = ["//visibility:public"],
    )
    py_runtime_pair(
        name = "runtimes",
        py3_runtime = ":runtime",
        target_compatible_with = compatible_with,
        visibility = ["//visibility:public"],
    )
