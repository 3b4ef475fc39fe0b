"""The files that publishing adds, and the files that it leaves alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path

import publish
import pytest
from sites import CPU, LATER, TIME, Host, files, listed, wheel_name


def test_the_first_publication_is_the_index_itself(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    host.publish(index)
    assert files(host.target) == files(index)


def test_the_same_again_touches_nothing(host: Host) -> None:
    index = host.index("0.3.100+cpu", "0.3.100+cu13")
    host.publish(index)
    for path in host.target.rglob("*"):
        os.utime(path, ns=(1, 1))
    out = host.publish(index)
    assert out == "Nothing to do: all of it is published.\n"
    assert {path.stat().st_mtime_ns for path in host.target.rglob("*")} == {1}


def test_a_new_version_stands_beside_the_old_one(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    host.publish(host.index("0.3.101+cpu", time=LATER))
    entries = listed(host.target / CPU)
    assert list(entries) == [wheel_name("0.3.100+cpu"), wheel_name("0.3.101+cpu")]
    times = [entry["upload-time"] for entry in entries.values()]
    assert times == [TIME, LATER]
    page = json.loads((host.target / CPU / "index.v1_json").read_text(encoding="utf-8"))
    assert page["versions"] == ["0.3.100+cpu", "0.3.101+cpu"]
    landing = (host.target / "index.html").read_text(encoding="utf-8")
    assert landing.index("llama-cpp-python 0.3.101") < landing.index(" 0.3.100</caption>")


def test_pieces_give_the_bytes_of_the_whole(host: Host) -> None:
    host.publish(host.index("0.3.101+cpu"))
    host.publish(host.index("0.3.100+cu13", "0.3.100+cpu"))
    whole = host.index("0.3.100+cpu", "0.3.101+cpu", "0.3.100+cu13")
    assert files(host.target) == files(whole)


def test_a_second_backend_leaves_the_pages_of_the_first(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    before = files(host.target / "whl/cpu")
    out = host.publish(host.index("0.3.100+cu13"))
    assert files(host.target / "whl/cpu") == before
    assert "whl/cpu/" not in out
    # The landing page with both, and the command that builds each.
    assert files(host.target) == files(host.index("0.3.100+cpu", "0.3.100+cu13"))


def test_an_upload_time_never_changes(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    host.publish(host.index("0.3.100+cpu", time=LATER))
    assert listed(host.target / CPU)[wheel_name("0.3.100+cpu")]["upload-time"] == TIME


def test_other_files_of_the_host_stay(host: Host) -> None:
    (host.target / "plugins").mkdir(parents=True)
    (host.target / "plugins/some.whl").write_bytes(b"other")
    host.publish(host.index("0.3.100+cpu"))
    assert (host.target / "plugins/some.whl").read_bytes() == b"other"


def test_dry_run_says_what_it_does_not_do(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    promised = host.publish(index, "--dry-run")
    assert not host.target.exists()
    assert host.publish(index) == promised
    assert f"new   {CPU / wheel_name('0.3.100+cpu')}\n" in promised


def test_relative_paths_are_those_of_the_caller_of_bazel_run(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = host.index("0.3.100+cpu")
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(host.folder))
    with contextlib.redirect_stdout(io.StringIO()):
        code = publish.main([str(index.relative_to(host.folder)), "hosted"])
    assert code == 0
    assert files(host.target) == files(index)


def test_the_read_only_files_of_bazel_become_ordinary_ones(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    for path in filter(Path.is_file, index.rglob("*")):
        path.chmod(0o444)
    host.publish(index)
    wheel = host.target / CPU / wheel_name("0.3.100+cpu")
    assert wheel.stat().st_mode & 0o200


def test_wrong_arguments() -> None:
    with contextlib.redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as raised:
        publish.main(["one"])
    assert raised.value.code == 2
