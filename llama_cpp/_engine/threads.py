"""The default number of threads: the cores that this process may use."""

from __future__ import annotations

import math
import os
import sys
from typing import Callable, Iterator, List, NamedTuple, Optional, Set, Tuple


class Choice(NamedTuple):
    """A number of threads, and the sentence that explains it."""

    count: int
    reason: str


_MOST = 512  # GGML_MAX_N_THREADS


def default_threads(root: str = "/", cpus: Optional[Set[int]] = None) -> Choice:
    """Returns the default of n_threads and n_threads_batch, and why; at most ggml's limit."""
    choice = _choose(root, cpus)
    return choice if choice.count <= _MOST else Choice(_MOST, "the most that ggml takes")


def _choose(root: str, cpus: Optional[Set[int]]) -> Choice:
    """Returns the number of cores that this process may use; never raises.

    `root` is where /proc and /sys are looked for, `cpus` the CPUs that the scheduler allows.
    """
    if sys.platform == "darwin" and root == "/":
        return _macos_choice()
    if cpus is None:
        cpus = _affinity()
    if not cpus:
        return Choice(os.cpu_count() or 1, "all CPUs of the machine")
    fast = _performance_cpus(root, cpus)
    cores = _physical_cores(root, fast)
    choice = Choice(cores, _core_reason(cpus, fast, cores))
    quota = cpu_quota(root)
    if quota is not None and math.ceil(quota) < choice.count:
        return Choice(max(math.ceil(quota), 1), f"the CPU quota of the cgroup is {quota:g}")
    return choice


def _affinity() -> Set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set()


def _core_reason(cpus: Set[int], fast: Set[int], cores: int) -> str:
    kind = "physical" if fast == cpus else "performance"
    return f"{kind} cores among the {len(cpus)} CPUs that this process may use"


# ---- Cores ---------------------------------------------------------------------------------------


def _performance_cpus(root: str, cpus: Set[int]) -> Set[int]:
    """Returns the faster CPUs of a hybrid machine, else all.

    A barrier waits for the slowest thread, so one slow core makes all others slow.
    """
    listed = _cpu_list(_read(root, "sys/devices/cpu_core/cpus"))
    if listed & cpus:
        return listed & cpus
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        values = {cpu: _number(_read(root, f"{_cpu_folder(cpu)}/{name}")) for cpu in cpus}
        if any(value is None or value <= 0 for value in values.values()):
            continue
        # Cores of one kind differ by a few percent (favoured cores), kinds by much more.
        limit = 0.75 * max(value or 0 for value in values.values())
        return {cpu for cpu, value in values.items() if (value or 0) >= limit}
    return cpus


def _physical_cores(root: str, cpus: Set[int]) -> int:
    """Returns how many cores `cpus` belong to: hyper-threads of one core count once."""
    cores = set()
    for cpu in cpus:
        siblings: Set[int] = set()
        for name in ("core_cpus_list", "thread_siblings_list"):
            siblings = siblings or _cpu_list(_read(root, f"{_cpu_folder(cpu)}/topology/{name}"))
        cores.add(min(siblings) if cpu in siblings else cpu)
    return len(cores)


def _cpu_folder(cpu: int) -> str:
    return f"sys/devices/system/cpu/cpu{cpu}"


def _cpu_list(text: str) -> Set[int]:
    """Returns the CPUs of a kernel's list such as 0-3,8; nothing if it is none."""
    cpus: Set[int] = set()
    try:
        for part in filter(None, text.split(",")):
            first, _, last = part.partition("-")
            low, high = int(first), int(last or first)
            if not 0 <= low <= high < 1 << 16:
                return set()
            cpus.update(range(low, high + 1))
    except ValueError:
        return set()
    return cpus


# ---- cgroups -------------------------------------------------------------------------------------


def cpu_quota(root: str = "/") -> Optional[float]:
    """Returns the smallest CPU quota on this process's cgroup path, in CPUs; None without one."""
    quotas: List[float] = []
    for folder, mount, read_quota in _cgroups(root):
        while True:
            quota = read_quota(root, folder)
            if quota is not None:
                quotas.append(quota)
            if folder == mount or len(folder) <= len(mount):
                break
            folder = os.path.dirname(folder)
    return min(quotas, default=None)


_ReadQuota = Callable[[str, str], Optional[float]]


def _cgroups(root: str) -> Iterator[Tuple[str, str, _ReadQuota]]:
    """Yields the folder of this process's cgroup, its mount point, and the reader of its quota."""
    mounts = list(_cgroup_mounts(root))
    for line in _read(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        version = 2 if number == "0" and not controllers else 1
        if version == 1 and "cpu" not in controllers.split(","):
            continue
        for kind, top, mount in mounts:
            if kind == version:
                yield _below(mount, top, path), mount, (_v2_quota if kind == 2 else _v1_quota)


def _cgroup_mounts(root: str) -> Iterator[Tuple[int, str, str]]:
    """Yields version, root inside the hierarchy, and mount point of each CPU hierarchy."""
    for line in _read(root, "proc/self/mountinfo").splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if not separator or len(fields) < 5 or not kind:
            continue
        if kind[0] == "cgroup2":
            yield 2, _unescape(fields[3]), _unescape(fields[4])
        elif kind[0] == "cgroup" and len(kind) > 2 and "cpu" in kind[2].split(","):
            yield 1, _unescape(fields[3]), _unescape(fields[4])


def _unescape(path: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path


def _below(mount: str, top: str, path: str) -> str:
    """Returns where `path` of a hierarchy is, of which `top` is mounted at `mount`.

    In a container the path may lie outside of the mount: the mount point is the container's own.
    """
    top = top.rstrip("/")
    if path != top and not path.startswith(top + "/") or ".." in path.split("/"):
        return mount
    return os.path.normpath(mount + "/" + path[len(top) :])


def _v2_quota(root: str, folder: str) -> Optional[float]:
    fields = _read(root, f"{folder}/cpu.max").split()
    return _quotient(fields[0], fields[1]) if len(fields) == 2 else None


def _v1_quota(root: str, folder: str) -> Optional[float]:
    quota = _read(root, f"{folder}/cpu.cfs_quota_us")
    return _quotient(quota, _read(root, f"{folder}/cpu.cfs_period_us"))


def _quotient(quota: str, period: str) -> Optional[float]:
    """Returns quota / period; None for "max", -1 and text that is no number."""
    above, below = _number(quota), _number(period)
    return above / below if above and below and above > 0 and below > 0 else None


# ---- Files ---------------------------------------------------------------------------------------


def _read(root: str, path: str) -> str:
    """Returns a small file's text without the white space around it; empty if it can't be read."""
    try:
        with open(os.path.join(root, path.lstrip("/")), encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> Optional[int]:
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 20 else None


def _macos_choice() -> Choice:
    import subprocess

    for name, reason in (
        ("hw.perflevel0.physicalcpu", "performance cores"),
        ("hw.physicalcpu", "physical cores"),
    ):
        try:
            output = subprocess.run(
                ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5
            ).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        count = _number(output.strip())
        if count and count > 0:
            return Choice(count, reason)
    return Choice(os.cpu_count() or 1, "all CPUs of the machine")
