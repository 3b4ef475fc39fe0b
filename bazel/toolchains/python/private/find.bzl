"""Search for an ABI's headers or interpreter; shared by the repository rules of this directory."""

load("//bazel/availability:defs.bzl", "sentence_as_name")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "ext_suffix")
load("//third_party/zig:pin.bzl", "ZIG_ARCHIVES")
load(":standalone.bzl", "download_standalone")

# Settings that decide where is looked; a change looks again.
FINDER_ENVIRONMENT = [
    "HOME",
    "PATH",
    "PYENV_ROOT",
    "PYTHON",
    "PYTHON_SOURCES",
    "UV_PYTHON_INSTALL_DIR",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
]

# To be added to the attributes of a rule that calls `find_python`.
FINDER_ATTRS = {
    "_finder": attr.label(
        default = Label("//bazel/toolchains/python/finder:find_python.py"),
    ),
    "_finder_modules": attr.label_list(
        default = [
            Label("//bazel/toolchains/python/finder:" + name)
            for name in [
                "answer.py",
                "cache.py",
                "debian.lock.json",
                "debian_packages.py",
                "debian_source.py",
                "describe_python.py",
                "find_python.py",
                "machine.py",
                "_offline.py",
            ]
        ],
    ),
}

# Places to search if the user names none, in this order; ../extensions.bzl describes them.
_SOURCES = ["standalone", "machine", "debian"]

# Building a free-threaded interpreter takes 4 minutes of CPU, which a busy machine stretches.
_TIMEOUT_SECONDS = 3600

_MISSING = (
    "no {what} of {title} found ({reasons}), install one or name it with " +
    "--repo_env={variable}=/path/to/python{suffix}"
)

def host_machine(rctx):
    """Returns the machine that runs the build.

    Args:
      rctx: the repository context.

    Returns:
      A key of PYTHON_MACHINES.
    """
    cpu = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    machine = ("macos_" if rctx.os.name.startswith("mac") else "linux_") + cpu
    if "zig_" + machine not in ZIG_ARCHIVES:
        fail("{} on {} runs no builds of this project; take a machine that is one of {}".format(
            rctx.os.name,
            rctx.os.arch,
            ", ".join([name.removeprefix("zig_") for name in ZIG_ARCHIVES]),
        ))
    return machine

def default_python(rctx):
    """Returns the interpreter that `PYTHON` names, else the first python3 on PATH.

    Args:
      rctx: the repository context.

    Returns:
      (path, reason): the path is None if there is none.
    """
    named = rctx.getenv("PYTHON")
    python = rctx.path(named) if named else rctx.which("python3")
    if python and python.exists:
        return python, ""
    return None, ("PYTHON={} does not exist".format(named) if named else "no python3 on PATH")

def find_python(rctx, abi, need):
    """Looks for an ABI in every place, in order.

    Args:
      rctx: the repository context.
      abi: a key of PYTHON_ABIS.
      need: `headers` or `interpreter`.

    Returns:
      (facts, reason): the `Python` of ../finder/answer.py, or None and a sentence with the reason.
    """
    for module in rctx.attr._finder_modules:
        # Bazel watches only the program that is run, not its imports.
        rctx.watch(module)
    default, reason = default_python(rctx)
    if not default:
        # It also runs the program that looks.
        return None, _missing(abi, need, [reason])
    variable = "PYTHON_" + abi.upper()
    named = rctx.getenv(variable)
    if named:
        facts, reason = _ask(rctx, abi, need, "path", named)
        if not facts:
            fail("{}: {}; correct or unset {}".format(variable, reason, variable))
        return facts, ""
    facts, _ = _ask(rctx, abi, need, "path", default)
    if facts:
        return facts, ""
    reasons = []
    for source in python_sources(rctx):
        facts, reason = _look(rctx, abi, need, source)
        if facts:
            return facts, ""
        reasons.append(reason)
    return None, _missing(abi, need, reasons)

def python_sources(rctx):
    """Returns the places to search if the user names none.

    Args:
      rctx: the repository context.

    Returns:
      Names of _SOURCES, in order.
    """
    named = rctx.getenv("PYTHON_SOURCES")
    sources = named.split(",") if named else _SOURCES
    for source in sources:
        if source not in _SOURCES:
            fail("PYTHON_SOURCES={}: no source is called {}; valid ones are {}".format(
                named,
                repr(source),
                ", ".join(_SOURCES),
            ))
    return sources

def _look(rctx, abi, need, source):
    rctx.report_progress("looking for {} of {}: {}".format(need, abi, source))
    if source != "standalone":
        return _ask(rctx, abi, need, source)
    folder, reason = download_standalone(rctx, abi, host_machine(rctx))
    if not folder:
        return None, reason
    python = folder.get_child("bin", "python" + PYTHON_ABIS[abi].python_version)
    return _ask(rctx, abi, need, "path", python, watch = False)

def _ask(rctx, abi, need, source, path = "", watch = True):
    """Asks the finder; returns (facts, reason). Watches its inputs outside of the repository."""
    request = json.encode({
        "abi": abi,
        "ext_suffix": ext_suffix(abi, host_machine(rctx)),
        "need": need,
        "path": str(path),
        "source": source,
    })
    result = rctx.execute(
        [default_python(rctx)[0], "-E", "-s", "-B", rctx.path(rctx.attr._finder), request],
        timeout = _TIMEOUT_SECONDS,
    )
    if result.return_code:
        fail("finding the {} of {} failed: {}".format(need, abi, result.stderr.strip()))
    answer = json.decode(result.stdout)
    found = "reason" not in answer
    for looked_at in [answer["executable"]] if found else answer["looked_at"]:
        if looked_at and watch:
            _watch(rctx, rctx.path(looked_at))
    return (answer, "") if found else (None, answer["reason"])

def _watch(rctx, path):
    """Looks again when a file appears or changes, or when something appears in a directory."""
    if path.is_dir:
        path.readdir(watch = "yes")
    else:
        rctx.watch(path)

def python_title(abi):
    """Returns the usual name of an ABI's Python.

    Args:
      abi: a key of PYTHON_ABIS.

    Returns:
      Such as `free-threaded Python 3.14`.
    """
    facts = PYTHON_ABIS[abi]
    return ("free-threaded " if facts.free_threaded else "") + "Python " + facts.python_version

def version_suffix(abi):
    """Returns the suffix of an ABI's program and header directory after `python`.

    Args:
      abi: a key of PYTHON_ABIS.

    Returns:
      Such as `3.14t`.
    """
    facts = PYTHON_ABIS[abi]
    return facts.python_version + ("t" if facts.free_threaded else "")

def _missing(abi, need, reasons):
    return sentence_as_name(_MISSING.format(
        reasons = "; ".join(reasons),
        suffix = version_suffix(abi),
        title = python_title(abi),
        variable = "PYTHON_" + abi.upper(),
        what = {"headers": "C headers", "interpreter": "interpreter"}[need],
    ))
