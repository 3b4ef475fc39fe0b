"""The files that publishing adds, and the files that it leaves alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import unittest
from pathlib import Path

import publish
import sites
from sites import CPU, LATER, TIME, SiteTest, files, listed, wheel_name


class PublishTest(SiteTest):
    def test_the_first_publication_is_the_index_itself(self) -> None:
        index = self.index("0.3.100+cpu")
        self.publish(index)
        self.assertEqual(files(self.target), files(index))

    def test_the_same_again_touches_nothing(self) -> None:
        index = self.index("0.3.100+cpu", "0.3.100+cu13")
        self.publish(index)
        for path in self.target.rglob("*"):
            os.utime(path, ns=(1, 1))
        out = self.publish(index)
        self.assertEqual(out, "Nothing to do: all of it is published.\n")
        self.assertEqual({path.stat().st_mtime_ns for path in self.target.rglob("*")}, {1})

    def test_a_new_version_stands_beside_the_old_one(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        self.publish(self.index("0.3.101+cpu", time=LATER))
        entries = listed(self.target / CPU)
        self.assertEqual(list(entries), [wheel_name("0.3.100+cpu"), wheel_name("0.3.101+cpu")])
        times = [entry["upload-time"] for entry in entries.values()]
        self.assertEqual(times, [TIME, LATER])
        page = json.loads((self.target / CPU / "index.v1_json").read_text(encoding="utf-8"))
        self.assertEqual(page["versions"], ["0.3.100+cpu", "0.3.101+cpu"])
        landing = (self.target / "index.html").read_text(encoding="utf-8")
        self.assertLess(
            landing.index("llama-cpp-python 0.3.101"), landing.index(" 0.3.100</caption>")
        )

    def test_pieces_give_the_bytes_of_the_whole(self) -> None:
        self.publish(self.index("0.3.101+cpu"))
        self.publish(self.index("0.3.100+cu13", "0.3.100+cpu"))
        whole = self.index("0.3.100+cpu", "0.3.101+cpu", "0.3.100+cu13")
        self.assertEqual(files(self.target), files(whole))

    def test_a_second_backend_leaves_the_pages_of_the_first(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        before = files(self.target / "whl/cpu")
        out = self.publish(self.index("0.3.100+cu13"))
        self.assertEqual(files(self.target / "whl/cpu"), before)
        self.assertNotIn("whl/cpu/", out)
        # The landing page with both, and the command that builds each.
        self.assertEqual(files(self.target), files(self.index("0.3.100+cpu", "0.3.100+cu13")))

    def test_an_upload_time_never_changes(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        self.publish(self.index("0.3.100+cpu", time=LATER))
        self.assertEqual(listed(self.target / CPU)[wheel_name("0.3.100+cpu")]["upload-time"], TIME)

    def test_other_files_of_the_host_stay(self) -> None:
        (self.target / "plugins").mkdir(parents=True)
        (self.target / "plugins/some.whl").write_bytes(b"other")
        self.publish(self.index("0.3.100+cpu"))
        self.assertEqual((self.target / "plugins/some.whl").read_bytes(), b"other")

    def test_dry_run_says_what_it_does_not_do(self) -> None:
        index = self.index("0.3.100+cpu")
        promised = self.publish(index, "--dry-run")
        self.assertFalse(self.target.exists())
        self.assertEqual(self.publish(index), promised)
        self.assertIn(f"new   {CPU / wheel_name('0.3.100+cpu')}\n", promised)

    def test_relative_paths_are_those_of_the_caller_of_bazel_run(self) -> None:
        index = self.index("0.3.100+cpu")
        os.environ["BUILD_WORKING_DIRECTORY"] = str(self.folder)
        self.addCleanup(os.environ.pop, "BUILD_WORKING_DIRECTORY")
        with contextlib.redirect_stdout(io.StringIO()):
            code = publish.main([str(index.relative_to(self.folder)), "hosted"])
        self.assertEqual(code, 0)
        self.assertEqual(files(self.target), files(index))

    def test_the_read_only_files_of_bazel_become_ordinary_ones(self) -> None:
        index = self.index("0.3.100+cpu")
        for path in filter(Path.is_file, index.rglob("*")):
            path.chmod(0o444)
        self.publish(index)
        wheel = self.target / CPU / wheel_name("0.3.100+cpu")
        self.assertTrue(wheel.stat().st_mode & 0o200)


class CommandLineTest(unittest.TestCase):
    def test_wrong_arguments(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as raised:
            sites.publish.main(["one"])
        self.assertEqual(raised.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
