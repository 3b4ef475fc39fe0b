"""Search for an ABI's headers for another machine, whose interpreter can't be asked."""

load("//bazel/availability:defs.bzl", "sentence_as_name")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "PYTHON_MACHINES")
load(":find.bzl", "find_python", "python_sources", "python_title", "version_suffix")
load(":standalone.bzl", "download_standalone")

_MISSING = (
    "no C headers of {title} for {machine} found ({reason}), name an installation with " +
    "--repo_env={variable}=/path/to/it"
)

# Headers of the installation that the search reads.
_HEADERS = ["Python.h", "patchlevel.h", "pyconfig.h"]

# A macro of pyconfig.h that is defined on one system and on no other -> the system.
_SYSTEMS = {
    "HAVE_EPOLL": "linux",
    "MS_WINDOWS": "windows",
}

def find_foreign_headers(rctx, abi, machine):
    """Searches the user's installation, else an archive of python-build-standalone.

    For Windows those of this machine will do, with a pyconfig.h of ours.

    Args:
      rctx: the repository context.
      abi: a key of PYTHON_ABIS.
      machine: the key of PYTHON_MACHINES.

    Returns:
      (facts, reason): the argument of copy_headers(), or None and a sentence with the reason.
    """
    variable = "PYTHON_{}_{}".format(abi, machine).upper()
    named = rctx.getenv(variable)
    folder, reason = rctx.path(named) if named else None, "no archive was looked for"
    if not named and "standalone" in python_sources(rctx):
        folder, reason = download_standalone(rctx, abi, machine)
    if not folder and PYTHON_MACHINES[machine].os == "windows":
        return _with_our_config(find_python(rctx, abi, "headers"))
    if not folder:
        return None, sentence_as_name(_MISSING.format(
            machine = machine,
            reason = reason,
            title = python_title(abi),
            variable = variable,
        ))
    facts = _look(folder, abi, machine)
    if facts:
        wrong = _problem(rctx, facts, abi, machine)
    else:
        wrong = "it has no {} with {}".format(
            _include_directory(abi, machine),
            ", ".join(_HEADERS),
        )
    if wrong:
        fail("{}={}: {}; name another installation, or unset {}".format(
            variable,
            folder,
            wrong,
            variable,
        ))
    if named:
        rctx.watch_tree(facts["include"])
    return facts, ""

def _with_our_config(answer):
    """Returns the answer of find_python() with headers that copy_headers() makes fit Windows."""
    facts, missing = answer
    if not facts:
        return None, missing
    return facts | {"platform_include": "", "pyconfig": "windows"}, ""

def _include_directory(abi, machine):
    """Returns the directory of Python.h below an installation."""
    if PYTHON_MACHINES[machine].os == "windows":
        return "include"
    return "include/python" + version_suffix(abi)

def _look(folder, abi, machine):
    include = folder.get_child(*_include_directory(abi, machine).split("/"))
    if not all([include.get_child(header).exists for header in _HEADERS]):
        return None

    # Debian's pyconfig.h includes the machine's from a directory of its own.
    platform_include = folder.get_child(
        "include",
        PYTHON_MACHINES[machine].soabi,
        "python" + version_suffix(abi),
    )
    return {
        "include": str(include),
        "platform_include": str(platform_include) if platform_include.exists else "",
    }

def _problem(rctx, facts, abi, machine):
    """Returns the defect of the headers, or an empty string."""
    versions = _macros(rctx, facts["include"] + "/patchlevel.h")
    version = "{}.{}".format(versions.get("PY_MAJOR_VERSION"), versions.get("PY_MINOR_VERSION"))
    if version != PYTHON_ABIS[abi].python_version:
        return "its headers are of Python {}, not {}".format(
            version,
            PYTHON_ABIS[abi].python_version,
        )
    config = _macros(rctx, (facts["platform_include"] or facts["include"]) + "/pyconfig.h")
    system = ([system for macro, system in _SYSTEMS.items() if macro in config] + ["macos"])[0]
    if system != PYTHON_MACHINES[machine].os:
        return "its pyconfig.h is for {}, not {}".format(system, PYTHON_MACHINES[machine].os)

    # Windows has one file for both kinds of build.
    if system != "windows" and ("Py_GIL_DISABLED" in config) != PYTHON_ABIS[abi].free_threaded:
        return "its pyconfig.h is not that of " + python_title(abi)
    return ""

def _macros(rctx, file):
    """Returns name -> value of the macros that a header defines."""
    macros = {}
    for line in rctx.read(file).splitlines():
        words = line.replace("\t", " ").split(" ")
        if words[0] == "#define" and len(words) > 1:
            macros[words[1]] = " ".join(words[2:]).strip()
    return macros
