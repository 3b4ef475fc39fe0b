"""A program of Debian that was relocated for actions names no place of this machine. (That it runs,
glslc_features_test shows.)"""

import os
import unittest
from pathlib import Path


class RelocatedProgramTest(unittest.TestCase):
    def test_it_names_no_absolute_path_of_its_own(self) -> None:
        program = Path(os.environ["PROGRAM"]).resolve()
        contents = program.read_bytes()
        repository = program.parents[2]
        self.assertIn(f"external/{repository.name}/usr/lib".encode(), contents)
        self.assertNotIn(str(repository).encode(), contents)
        self.assertIn(b"$ORIGIN/../lib/", contents)


if __name__ == "__main__":
    unittest.main()
