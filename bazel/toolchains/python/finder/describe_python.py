"""Prints the running interpreter's facts for the names of extensions and wheels, as JSON object.

Run by answer.py and by the repository rule `local_python` with the interpreter in question. The
names are those of the `sysconfig` module; tags are spelled as PEP 425 does.
"""

import json
import os
import platform
import sys
import sysconfig


def _platform_header_folder(include):
    """Returns the directory of the pyconfig.h that Debian's own includes, or an empty string."""
    root, name = os.path.split(include)
    folder = os.path.join(root, sysconfig.get_config_var("MULTIARCH") or "", name)
    return (
        folder if folder != include and os.path.isfile(os.path.join(folder, "pyconfig.h")) else ""
    )


def main():
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    version = "%d%d" % sys.version_info[:2]
    include = sysconfig.get_path("include")
    print(
        json.dumps(
            {
                "abi_tag": "cp%s%s" % (version, "t" if free_threaded else ""),
                "cpu": platform.machine(),
                "executable": os.path.realpath(sys.executable),
                "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
                "free_threaded": free_threaded,
                "has_headers": os.path.isfile(os.path.join(include, "Python.h")),
                "implementation": sys.implementation.name,
                "include": include,
                "platform_include": _platform_header_folder(include),
                "python_tag": "cp%s" % version,
                "version": "%d.%d" % sys.version_info[:2],
            },
            sort_keys=True,
        )
    )


if __name__ == "__main__":
    main()
