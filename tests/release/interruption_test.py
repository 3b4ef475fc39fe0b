"""Publishing that stops anywhere: no page lists a missing file; the same command finishes it."""

from __future__ import annotations

import os
import shutil

import pytest
from sites import CPU, Host, files, listed, wheel_name


class Stopped(BaseException):
    """An exception that nothing catches, like a signal."""


class Interruption:
    """A publication that stops.

    Attributes:
        host: Where it publishes.
        before: The host's files before it, a copy.
        new: The index that it publishes.
        steps: How many files it gives their names.
        after: The host's files after it, had it not stopped.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        host.publish(host.index("0.3.100+cpu"))
        self.before = host.folder / "before"
        shutil.copytree(host.target, self.before)
        self.new = host.index("0.3.101+cpu", "0.3.101+cu13")
        self.steps = len(host.publish(self.new).splitlines())
        self.after = files(host.target)

    def stop_at(self, step: int) -> None:
        """Publishes anew, to the state before, and stops instead of giving the file of this step
        its name."""
        shutil.rmtree(self.host.target)
        shutil.copytree(self.before, self.host.target)
        replace, done = os.replace, iter(range(100))

        def stop(source: object, destination: object) -> None:
            if next(done) == step:
                raise Stopped
            replace(source, destination)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(os, "replace", stop)
            self.host.run_publish(self.new)


@pytest.fixture
def stopped(host: Host) -> Interruption:
    return Interruption(host)


def test_every_step(stopped: Interruption) -> None:
    assert stopped.steps > 8
    for step in range(stopped.steps):
        print(f"step {step}")
        stopped.stop_at(step)
        stopped.host.check_consistent()
        assert wheel_name("0.3.100+cpu") in listed(stopped.host.target / CPU)
        stopped.host.publish(stopped.new)
        assert files(stopped.host.target) == stopped.after


def test_between_files_and_pages(stopped: Interruption) -> None:
    stopped.stop_at(4)  # two wheels, each with its metadata
    added = files(stopped.host.target).keys() - files(stopped.before).keys()
    assert len(added) == 4
    assert "index.html" not in {os.path.basename(name) for name in added}
    assert list(listed(stopped.host.target / CPU)) == [wheel_name("0.3.100+cpu")]


def test_another_publication_finishes_the_pages_of_a_project_that_no_page_leads_to(
    stopped: Interruption,
) -> None:
    stopped.stop_at(8)  # after the pages of both projects, before those of the backends
    assert not (stopped.host.target / "whl/cu13/index.html").exists()
    stopped.host.publish(stopped.host.index("0.3.100+cpu"))
    now = files(stopped.host.target)
    assert b'href="whl/cu13/"' in now.pop("index.html")
    # But for the command that builds the wheel, which only the interrupted index knows.
    assert now == {name: stopped.after[name] for name in stopped.after if name != "index.html"}


def test_a_full_disk_is_one_sentence(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def copyfile(*_: object) -> None:
        raise OSError(28, "No space left on device")

    host.publish(host.index("0.3.100+cpu"))
    index = host.index("0.3.102+cpu")
    monkeypatch.setattr(shutil, "copyfile", copyfile)
    code, out, error = host.run_publish(index)
    assert (code, out) == (1, "")
    assert "No space left on device; the same command goes on where it stopped" in error
    host.check_consistent()
