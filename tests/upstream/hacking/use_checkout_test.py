"""use_checkout.sh, with a stand-in for bazelw that only tells a repository's name."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

_ROOT = Path(__file__).absolute().parents[3]
_OVERLAY = "third_party/llama.cpp"
_BAZELW = """#!/bin/sh
[ "$1 $2" = "mod dump_repo_mapping" ] || exit 1
echo '{"":"","llama_cpp":"_main~third_party~llama_cpp","llama_cpp_python":""}'
"""


class UseCheckoutTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = Path(scratch.name).resolve()
        self.project = folder / "a project"
        self.overlay = self.project / _OVERLAY
        self.overlay.mkdir(parents=True)
        for name in ("llama_cpp.BUILD", "use_checkout.sh"):
            shutil.copy(_ROOT / _OVERLAY / name, self.overlay / name)
        (self.project / "bazelw").write_text(_BAZELW)
        (self.project / "bazelw").chmod(0o755)
        self.checkout = folder / "my llama.cpp"
        for name in ("include/llama.h", "ggml/include/ggml.h", "common/common.h"):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).touch()

    def run_script(self, *arguments: Path) -> subprocess.CompletedProcess[str]:
        script = self.overlay / "use_checkout.sh"
        return subprocess.run([script, *arguments], capture_output=True, text=True)

    def assert_refused(self, words: str, *arguments: Path) -> None:
        result = self.run_script(*arguments)
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        self.assertIn(words, result.stderr)

    def test_prints_the_flag_and_links_the_overlay(self) -> None:
        expected = f"--override_repository=_main~third_party~llama_cpp={self.checkout}\n"
        for _ in range(2):
            result = self.run_script(self.checkout)
            self.assertEqual((0, expected, ""), (result.returncode, result.stdout, result.stderr))
            build = self.checkout / "BUILD.bazel"
            self.assertEqual(self.overlay / "llama_cpp.BUILD", build.resolve())
            self.assertTrue((self.checkout / "REPO.bazel").exists())

    @unittest.skipUnless(shutil.which("git"), "no git on PATH")
    def test_git_ignores_what_was_added(self) -> None:
        subprocess.run(["git", "init", "--quiet", self.checkout], check=True)
        self.run_script(self.checkout)
        self.run_script(self.checkout)
        status = ["git", "status", "--porcelain", "--untracked-files=all"]
        result = subprocess.run(status, cwd=self.checkout, capture_output=True, text=True)
        self.assertIn("include/llama.h", result.stdout)
        self.assertNotIn("bazel", result.stdout)
        exclude = (self.checkout / ".git/info/exclude").read_text().splitlines()
        self.assertEqual(1, exclude.count("/BUILD.bazel"))

    @unittest.skipUnless(shutil.which("git"), "no git on PATH")
    def test_names_the_patches_that_the_checkout_lacks(self) -> None:
        patches = self.overlay / "patches"
        patches.mkdir()
        (patches / "greeting.patch").write_text(
            "Why.\n\n--- a/include/llama.h\n+++ b/include/llama.h\n@@ -1 +1,2 @@\n one\n+two\n"
        )
        header = self.checkout / "include/llama.h"
        header.write_text("one\n")
        hint = self.run_script(self.checkout).stderr.splitlines()
        self.assertIn("lacks patches", hint[0])
        subprocess.run(hint[1], shell=True, check=True)
        self.assertEqual("one\ntwo\n", header.read_text())
        self.assertEqual("", self.run_script(self.checkout).stderr)

    @unittest.skipUnless(shutil.which("git"), "no git on PATH")
    def test_the_patches_are_unified_diffs(self) -> None:
        for patch in (_ROOT / _OVERLAY / "patches").glob("*.patch"):
            with self.subTest(patch.name):
                command = ["git", "apply", "--numstat", patch]
                result = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual("", result.stderr)

    def test_refuses_what_is_no_checkout(self) -> None:
        (self.checkout / "include/llama.h").unlink()
        self.assert_refused("it has no include/llama.h", self.checkout)
        self.assert_refused("is no folder", self.checkout / "missing")
        self.assert_refused("usage:")
        self.assertFalse((self.checkout / "BUILD.bazel").exists())

    def test_keeps_a_build_file_of_the_user(self) -> None:
        build = self.checkout / "BUILD.bazel"
        build.write_text("# mine\n")
        self.assert_refused("is a file of its own", self.checkout)
        self.assertEqual("# mine\n", build.read_text())


if __name__ == "__main__":
    unittest.main()
