"""Runs pytest in a child process: ``run_pytest.py SITE FILE...`` (runfiles paths).

The child sees the installed wheels of SITE and the FILEs as modules through PYTHONPATH, and
nothing of Bazel's own import machinery, so a test imports a package exactly as a user would. Writes
JUnit XML where Bazel asks for it, with every test case in it.
"""

import os
import shutil
import subprocess
import sys
import tempfile


def _absolute_values(environment):
    """Makes values that name a runfile absolute, because tests change directory."""
    return {
        name: os.path.abspath(value)
        if value and os.path.exists(value) and not name.startswith("_")
        else value
        for name, value in environment.items()
    }


def main():
    site, *files = map(os.path.abspath, sys.argv[1:])
    environment = _absolute_values(os.environ)
    for name in ("PYTHONHOME", "PYTHONSAFEPATH", "PYTHONNOUSERSITE"):
        environment.pop(name, None)
    folders = sorted({os.path.dirname(file) for file in files})
    environment["PYTHONPATH"] = os.pathsep.join([site, *folders])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    # A test that inherits the user's home uses the user's caches too.
    if "HOME" not in environment:
        environment["HOME"] = environment["TEST_TMPDIR"]
        environment["XDG_CACHE_HOME"] = os.path.join(environment["TEST_TMPDIR"], "cache")
    tests = [file for file in files if file.endswith("_test.py")]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "-rs",
    ]
    xml = environment.get("XML_OUTPUT_FILE")
    if xml:
        command.append("--junitxml=" + xml)
    only = environment.get("TESTBRIDGE_TEST_ONLY")
    if only:
        command += ["-k", only]
    # Not left to Bazel, whose server ends at a file name that its locale cannot encode.
    scratch = tempfile.mkdtemp(prefix="pytest-")
    command += ["--basetemp", os.path.join(scratch, "tests")]
    try:
        return subprocess.call([*command, *tests], env=environment)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
