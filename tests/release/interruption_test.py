"""Publishing that stops anywhere: no page lists a missing file; the same command finishes it."""

from __future__ import annotations

import os
import shutil
import unittest
from unittest import mock

from sites import CPU, SiteTest, files, listed, wheel_name


class Stopped(BaseException):
    """An exception that nothing catches, like a signal."""


class InterruptionTest(SiteTest):
    def setUp(self) -> None:
        super().setUp()
        self.publish(self.index("0.3.100+cpu"))
        self.before = self.folder / "before"
        shutil.copytree(self.target, self.before)
        self.new = self.index("0.3.101+cpu", "0.3.101+cu13")
        self.steps = len(self.publish(self.new).splitlines())
        self.after = files(self.target)

    def stop_at(self, step: int) -> None:
        """Publishes anew, to the state before, and stops instead of giving the file of this step
        its name."""
        shutil.rmtree(self.target)
        shutil.copytree(self.before, self.target)
        replace, done = os.replace, iter(range(100))

        def stop(source: object, destination: object) -> None:
            if next(done) == step:
                raise Stopped
            replace(source, destination)

        with mock.patch("os.replace", stop), self.assertRaises(Stopped):
            self.run_publish(self.new)

    def test_every_step(self) -> None:
        self.assertGreater(self.steps, 8)
        for step in range(self.steps):
            with self.subTest(step=step):
                self.stop_at(step)
                self.check_consistent()
                self.assertIn(wheel_name("0.3.100+cpu"), listed(self.target / CPU))
                self.publish(self.new)
                self.assertEqual(files(self.target), self.after)

    def test_between_files_and_pages(self) -> None:
        self.stop_at(4)  # two wheels, each with its metadata
        added = files(self.target).keys() - files(self.before).keys()
        self.assertEqual(len(added), 4)
        self.assertNotIn("index.html", {os.path.basename(name) for name in added})
        self.assertEqual(list(listed(self.target / CPU)), [wheel_name("0.3.100+cpu")])

    def test_another_publication_finishes_the_pages_of_a_project_that_no_page_leads_to(
        self,
    ) -> None:
        self.stop_at(8)  # after the pages of both projects, before those of the backends
        self.assertFalse((self.target / "whl/cu13/index.html").exists())
        self.publish(self.index("0.3.100+cpu"))
        now = files(self.target)
        self.assertIn(b'href="whl/cu13/"', now.pop("index.html"))
        # But for the command that builds the wheel, which only the interrupted index knows.
        self.assertEqual(
            now, {name: self.after[name] for name in self.after if name != "index.html"}
        )

    def test_a_full_disk_is_one_sentence(self) -> None:
        index = self.index("0.3.102+cpu")
        with mock.patch("shutil.copyfile", side_effect=OSError(28, "No space left on device")):
            code, out, error = self.run_publish(index)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("No space left on device; the same command goes on where it stopped", error)
        self.check_consistent()


if __name__ == "__main__":
    unittest.main()
