"""Prints, as one JSON object, the facts about the running interpreter that extensions and wheels are named by.

Run by the repository rule `local_python` (local_python.bzl) with the interpreter in question. The names are
those of the `sysconfig` module; tags are spelled as PEP 425 does.
"""

import json
import os
import platform
import sys
import sysconfig


def _header_folder():
    """Folder of C headers, or an empty string where the interpreter has none."""
    folder = sysconfig.get_path("include")
    return folder if os.path.isfile(os.path.join(folder, "Python.h")) else ""


def _platform_header_folder(include):
    """Debian's pyconfig.h includes one of these, by its path below the folder that holds all headers."""
    root, name = os.path.split(include)
    folder = os.path.join(root, sysconfig.get_config_var("MULTIARCH") or "", name)
    return (
        folder if folder != include and os.path.isfile(os.path.join(folder, "pyconfig.h")) else ""
    )


def main():
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    version = "%d%d" % sys.version_info[:2]
    include = _header_folder()
    print(
        json.dumps(
            {
                "abi_tag": "cp%s%s" % (version, "t" if free_threaded else ""),
                "cpu": platform.machine(),
                "executable": os.path.realpath(sys.executable),
                "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
                "free_threaded": free_threaded,
                "implementation": sys.implementation.name,
                "include": include,
                "platform_include": _platform_header_folder(include),
                "python_tag": "cp%s" % version,
                "version": "%d.%d.%d" % sys.version_info[:3],
            },
            sort_keys=True,
        )
    )


if __name__ == "__main__":
    main()
