"""The default number of threads, from /sys and /proc trees that are made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llama_cpp._engine import threads as _threads

V1_MOUNT = "30 20 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
V2_MOUNT = "31 20 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")

    def make(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return str(tmp_path)

    return make


def siblings(*groups):
    folder = "sys/devices/system/cpu/cpu{}/topology/core_cpus_list"
    return {
        folder.format(cpu): ",".join(map(str, group)) + "\n" for group in groups for cpu in group
    }


def count(root, cpus):
    return _threads.default_threads(root, set(cpus)).count


def test_nothing_known_counts_the_cpus(tree):
    assert count(tree({}), range(6)) == 6


def test_hyper_threads_count_once(tree):
    root = tree(siblings((0, 4), (1, 5), (2, 6), (3, 7)))
    assert count(root, range(8)) == 4
    assert count(root, [0, 4]) == 1
    assert count(root, [1, 4, 5]) == 2


@pytest.mark.parametrize("listed", ["garbage", "-1", "0-99999999", "7-3", "\x00", ","])
def test_garbage_in_the_topology_is_ignored(tree, listed):
    assert count(tree({"sys/devices/system/cpu/cpu0/topology/core_cpus_list": listed}), [0, 1]) == 2


def test_performance_cores_by_the_kernels_list(tree):
    root = tree({"sys/devices/cpu_core/cpus": "0-3\n", **siblings((0, 1), (2, 3), (4,), (5,))})
    assert count(root, range(6)) == 2
    assert count(root, [4, 5]) == 2


@pytest.mark.parametrize("name", ["cpu_capacity", "cpufreq/cpuinfo_max_freq"])
def test_performance_cores_by_capacity_or_frequency(tree, name):
    speeds = [1024, 1024, 1000, 400, 400, 400]
    files = {
        f"sys/devices/system/cpu/cpu{cpu}/{name}": f"{speed}\n" for cpu, speed in enumerate(speeds)
    }
    assert count(tree(files), range(6)) == 3


def v2(path, **quotas):
    files = {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": V2_MOUNT}
    for folder, text in quotas.items():
        files[f"sys/fs/cgroup/{folder.replace('__', '/')}/cpu.max"] = text
    return files


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        (v2("/a", a="150000 100000\n"), 2),
        (v2("/a", a="100000 100000\n"), 1),
        (v2("/a", a="1000 100000\n"), 1),
        (v2("/a", a="max 100000\n"), 64),
        (v2("/a", a="garbage\n"), 64),
        (v2("/a", a="5 0\n"), 64),
        (v2("/a", a=""), 64),
        # The smallest on the path, wherever it is.
        (v2("/a/b/c", a="300000 100000", a__b="max 100000", a__b__c="800000 100000"), 3),
        (v2("/a/b", a="800000 100000", a__b="200000 100000"), 2),
        (v2("/a", b="100000 100000"), 64),
    ],
)
def test_quota_of_version_2(tree, files, threads):
    assert count(tree(files), range(64)) == threads


@pytest.mark.parametrize(
    ("quota", "period", "threads"),
    [("150000", "100000", 2), ("-1", "100000", 64), ("50000", "50000", 1), ("x", "y", 64)],
)
def test_quota_of_version_1(tree, quota, period, threads):
    files = {
        "proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/docker/x\n0::/\n",
        "proc/self/mountinfo": V1_MOUNT,
        "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": quota,
        "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": period,
    }
    assert count(tree(files), range(64)) == threads


def test_quota_in_a_container_that_sees_its_own_cgroup_at_the_mount_point(tree):
    files = {
        "proc/self/cgroup": "3:cpu:/docker/x\n",
        "proc/self/mountinfo": V1_MOUNT.replace(" / /sys", " /docker/x /sys"),
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
    }
    assert count(tree(files), range(64)) == 2


@pytest.mark.parametrize("text", ["", "garbage", "0::", ":::", "0::/../..\n", "\x00\xff"])
def test_garbage_in_proc_is_ignored(tree, text):
    root = tree({"proc/self/cgroup": text, "proc/self/mountinfo": text})
    assert count(root, range(3)) == 3


def test_a_directory_in_place_of_a_file_is_ignored(tree):
    assert count(tree({"proc/self/cgroup/x": "", "proc/self/mountinfo/x": ""}), range(3)) == 3


def test_no_more_than_ggml_takes(tree):
    assert count(tree({}), range(1000)) == 512


def test_a_real_quota(tmp_path):
    """A child in a cgroup of one CPU; needs root and a CPU controller."""
    folder = Path("/sys/fs/cgroup/cpu") / f"llama-threads-{os.getpid()}"
    limits = {"cpu.cfs_quota_us": "100000"}
    if not folder.parent.is_dir():
        folder = Path("/sys/fs/cgroup") / folder.name
        limits = {"cpu.max": "100000 100000"}
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        try:
            for name, text in limits.items():
                (folder / name).write_text(text)
        except OSError as error:
            pytest.skip(f"the CPU controller can't be used here: {error}")
        code = (
            "import os, sys; open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()));"
            "from llama_cpp._engine.threads import cpu_quota, default_threads;"
            "print(cpu_quota(), default_threads().count)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            capture_output=True,
            check=True,
            cwd=tmp_path,
            text=True,
        )
        assert done.stdout.split() == ["1.0", "1"]
    finally:
        folder.rmdir()
