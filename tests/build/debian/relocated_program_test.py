"""A program of Debian that was relocated for actions names no place of this machine. (That it runs,
glslc_features_test shows.)"""

import os
from pathlib import Path


def test_it_names_no_absolute_path_of_its_own() -> None:
    program = Path(os.environ["PROGRAM"]).resolve()
    contents = program.read_bytes()
    repository = program.parents[2]
    assert f"external/{repository.name}/usr/lib".encode() in contents
    assert str(repository).encode() not in contents
    assert b"$ORIGIN/../lib/" in contents
