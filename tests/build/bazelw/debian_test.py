"""Debian's Bazel is downloaded, relocated, and found again."""

from __future__ import annotations

import json
import re
import shutil
import urllib.parse
import zipfile
from pathlib import Path

from machine import Machine, assert_ran


def test_from_nothing(machine: Machine) -> None:
    result = machine.bazelw("build", "//:wheel")
    assert_ran(result, "debian")
    passed = [line for line in result.stdout.splitlines() if line.startswith("argument=")]
    bazelrc = passed[1].removeprefix("argument=--bazelrc=")
    expected = ["--nosystem_rc", f"--bazelrc={bazelrc}", "build", "//:wheel"]
    assert passed == [f"argument={argument}" for argument in expected]
    _check_bazelrc(Path(bazelrc))
    _check_prefix(machine)


def _check_bazelrc(bazelrc: Path) -> None:
    settings = re.findall(r'^\w+ "?--(\w+)=([^"\n]*)', bazelrc.read_text(), re.MULTILINE)
    options = {name: value for name, value in settings if name != "override_module"}
    registry = Path(urllib.parse.unquote(urllib.parse.urlsplit(options["registry"]).path))
    assert json.loads((registry / "bazel_registry.json").read_text()) == {}
    stub = registry / "modules/protobuf/21.7"
    assert 'version = "21.7"' in (stub / "MODULE.bazel").read_text()
    assert json.loads((stub / "source.json").read_text())["type"] == "local_path"
    assert Path(options["install_base"], "A-server.jar").exists()
    assert Path(options["server_javabase"], "lib").exists()
    assert options["repo_env"] == "PYTHON_SOURCES=machine,debian"
    assert ("override_module", f"rules_cc={options['install_base']}/rules/cc") in settings


def _check_prefix(machine: Machine) -> None:
    (prefix,) = machine.cache.glob("bazel-*")
    share = prefix / "usr/share/bazel"
    with zipfile.ZipFile(share / "A-server.jar") as jar:
        assert jar.read("build-data.properties") == b"build.label=7.7.1\n"
    jars = (share / "bazel_classpath_debian_depends.txt").read_text().split("\n")
    names = [Path(jar).name for jar in jars if jar]
    assert names == ["there.jar", "perfmark-api.jar"]
    assert all(jar.startswith(str(prefix)) for jar in jars if jar), jars
    assert (share / "libzstd-jni.so").is_symlink()


def test_the_user_s_archive_is_used(machine: Machine) -> None:
    machine.tool("apt-get", 'cat "${APT_CONFIG%/*}"/sources/*; exit 100')
    result = machine.bazelw()
    assert "forky at http://archive.invalid/debian" in result.stderr
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in result.stderr


def test_only_what_bazel_needs_is_downloaded(machine: Machine) -> None:
    machine.bazelw()
    (download,) = [call for call in machine.calls("apt-get") if " download " in call]
    assert "bazel-bootstrap=7.7.1+ds-8 zlib1g=1:1.3" in download
    assert "gcc" not in download


def test_other_versions_than_the_pinned_are_announced(machine: Machine) -> None:
    result = machine.bazelw()
    assert "not the pinned ones (bazel-bootstrap, zlib1g)" in result.stderr


def test_the_second_run_is_silent_and_starts_no_python(machine: Machine) -> None:
    machine.bazelw("build")
    machine.log.unlink()
    result = machine.bazelw("build")
    assert_ran(result, "debian")
    assert result.stderr == ""
    assert not machine.log.exists(), "a tool was called on the second run"


def test_downloads_and_temporary_files_are_removed(machine: Machine) -> None:
    machine.bazelw()
    names = sorted(path.name.split("-")[0] for path in machine.cache.iterdir())
    assert names == ["bazel", "decisions", "lock", "modules"]


def test_a_changed_stub_table_does_not_download_again(machine: Machine) -> None:
    machine.bazelw()
    machine.log.unlink()
    table = machine.project / "bazel/offline/modules.py"
    table.write_text(table.read_text() + "\n# changed\n")
    machine.make_newer(table)
    assert_ran(machine.bazelw(), "debian")
    assert machine.calls("apt-get") == []


def test_a_removed_bazel_is_provisioned_again(machine: Machine) -> None:
    machine.bazelw()
    shutil.rmtree(next(machine.cache.glob("bazel-*")))
    assert_ran(machine.bazelw(), "debian")


def test_two_projects_share_one_bazel(machine: Machine) -> None:
    machine.bazelw()
    second = machine.folder / "second"
    shutil.copytree(machine.project, second)
    assert_ran(machine.bazelw(program=second / "bazelw", cwd=second), "debian")
    assert sum(" download " in call for call in machine.calls("apt-get")) == 1


def test_cache_folder_of_the_user(machine: Machine) -> None:
    cache = machine.folder / "my cache"
    assert_ran(machine.bazelw(XDG_CACHE_HOME=str(cache)), "debian")
    assert list(cache.glob("llama-cpp-bazel/bazel-*"))
    assert list(machine.home.iterdir()) == []


def test_a_cache_folder_of_another_user_is_passed_over(machine: Machine) -> None:
    # Below a file, so that root can't make it either.
    (machine.folder / "file").touch()
    result = machine.bazelw(XDG_CACHE_HOME=str(machine.folder / "file/cache"))
    assert_ran(result, "debian")
    assert "can't be written; using" in result.stderr
    assert list(machine.cache.glob("bazel-*"))


def test_modules_of_another_user_are_not_imported(machine: Machine) -> None:
    (machine.folder / "hashlib.py").write_text("raise SystemExit('another module')\n")
    assert_ran(machine.bazelw(PYTHONPATH=str(machine.folder)), "debian")


def test_the_second_waits_for_the_first(machine: Machine) -> None:
    pair = [machine.start("build", FAKE_DOWNLOAD_SECONDS="1") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in pair]
    for process, (out, err) in zip(pair, outputs):
        assert process.returncode == 0, err
        assert "name=debian\n" in out
    assert sum(" download " in call for call in machine.calls("apt-get")) == 1
    waited = [err for _, err in outputs if "waiting for another bazelw" in err]
    assert len(waited) == 1, outputs
