"""The choice of the CPU variant: a broken variant is noticed, and never kills the process.

The tests copy the installed package, so that its libraries can be broken, and load it in
processes of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from package_copy import USE, Copy

import llama_cpp
from llama_cpp._backends import memory, probe
from llama_cpp._backends.libraries import cpu_variants
from llama_cpp._backends.timing import costs, fastest_first

linux_x86 = pytest.mark.skipif(
    not (sys.platform == "linux" and os.uname().machine == "x86_64"), reason="makes x86-64 code"
)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


@pytest.fixture(scope="session")
def usable() -> list[str]:
    """Returns this machine's usable variants, best first, by the installed package's own probe."""
    known = memory.no_facts()
    probe.score(cpu_variants(), known)
    scores = known["scores"]
    return sorted((name for name in scores if scores[name] > 0), key=lambda name: -scores[name])


needs_two = pytest.mark.usefixtures("two_variants")


@pytest.fixture
def two_variants(usable):
    if len(usable) < 2:
        pytest.skip("this build or machine has only one CPU variant")


ILLEGAL = b"\x0f\x0b"  # ud2
RETURN_0 = b"\x31\xc0\xc3"  # xor eax, eax; ret


def patch(library: Path, function: str, code: bytes = ILLEGAL) -> None:
    """Overwrites the beginning of a function; the library stays a loadable ggml backend."""
    data = bytearray(library.read_bytes())
    offset = function_offset(data, function)
    data[offset : offset + len(code)] = code
    library.write_bytes(data)


def function_offset(data: bytes, symbol: str) -> int:
    """Returns the place of a dynamic symbol's code in a 64-bit little-endian ELF file."""
    u64 = lambda at: int.from_bytes(data[at : at + 8], "little")  # noqa: E731
    u32 = lambda at: int.from_bytes(data[at : at + 4], "little")  # noqa: E731
    u16 = lambda at: int.from_bytes(data[at : at + 2], "little")  # noqa: E731
    sections = [u64(0x28) + index * u16(0x3A) for index in range(u16(0x3C))]
    dynsym = next(at for at in sections if u32(at + 4) == 11)
    strings = u64(sections[u32(dynsym + 0x28)] + 0x18)
    for at in range(u64(dynsym + 0x18), u64(dynsym + 0x18) + u64(dynsym + 0x20), 24):
        name = strings + u32(at)
        if data[name : data.index(b"\0", name)].decode() == symbol:
            address = u64(at + 8)
            break
    else:
        raise AssertionError(f"no symbol {symbol}")
    for index in range(u16(0x38)):  # program headers: from address to file offset
        at = u64(0x20) + index * u16(0x36)
        start = u64(at + 0x10)
        if u32(at) == 1 and start <= address < start + u64(at + 0x20):
            return address - start + u64(at + 8)
    raise AssertionError(f"{symbol} is in no segment")


# ---- the normal way


def test_fastest_variant_is_checked_and_loaded(copy, usable):
    report = copy.report()
    assert len(usable) == 1 or set(report["times"]) == set(usable[: probe.MOST_TIMED])
    best = fastest_first(usable, report["times"])[0]
    assert report["variant"] == best
    assert report["reason"] in ("checked", "only one", "built in")
    assert report["library"] == str(copy.library(best))
    assert report["checks"][best].startswith("ok")
    assert report["warnings"] == [] and report["errors"] == []


@needs_two
def test_products_of_prompts_and_of_single_tokens_are_timed(copy, usable):
    for row in copy.report()["times"].values():
        for kind in ("f16", "q8_0", "q4_0", "q4_K", "q6_K"):
            assert 0 < row[f"{kind} 1"] < row[f"{kind} 64"]


def test_the_score_decides_between_variants_that_take_as_long():
    times = {"new": {"p": 10.3, "q": 20.0}, "old": {"p": 10.0, "q": 20.0}}
    assert fastest_first(["new", "old"], times) == ["new", "old"]
    times["new"]["p"] = 12.0
    assert fastest_first(["new", "old"], times) == ["old", "new"]


def test_variants_without_times_come_last():
    times = {"b": {"a": 12.0}, "c": {"a": 10.0}}
    assert fastest_first(["a", "b", "c"], times) == ["c", "b", "a"]
    assert fastest_first(["a", "b", "c"], {}) == ["a", "b", "c"]


def test_the_cost_is_the_geometric_mean():
    times = {"a": {"p": 2.0, "q": 8.0}, "b": {"p": 1.0, "q": 1.0}}
    assert costs(times) == {"a": pytest.approx(4.0), "b": pytest.approx(1.0)}


# For `time` it says that the library in the environment is ten times as fast as the others.
STOPWATCH = """#!/bin/sh
[ "$1" = time ] || exec "$0.real" "$@"
shift 2
for library; do
    [ "$library" = "$FAST" ] && time=10 || time=100
    echo "$library q8_0 1 $time"
done
exit $STATUS
"""


def use_stopwatch(copy: Copy) -> None:
    probe = copy.lib / "ggml-cpu-probe"
    probe.rename(copy.lib / "ggml-cpu-probe.real")
    probe.write_text(STOPWATCH)
    probe.chmod(0o700)


@needs_two
def test_a_faster_variant_of_lower_score_is_chosen_and_remembered(copy, usable):
    use_stopwatch(copy)
    last = usable[: probe.MOST_TIMED][-1]
    fast = str(copy.library(last))
    report = copy.report(FAST=fast, STATUS="0")
    assert (report["variant"], report["reason"]) == (last, "checked")
    assert report["times"][last] == {"q8_0 1": 10.0}
    again = copy.report()
    assert (again["variant"], again["reason"]) == (last, "remembered")
    assert again["times"] == report["times"]
    shown = copy.run("from llama_cpp._info import *; print(render(collect()))").stdout
    assert f"  * {last:<16} score" in shown and "time 1.00  ok" in shown and "time 10.00" in shown
    forced = copy.report(LLAMA_CPP_CPU_VARIANT=usable[0])
    assert (forced["variant"], forced["reason"]) == (usable[0], "forced")


@needs_two
def test_the_score_decides_if_timing_fails(copy, usable):
    use_stopwatch(copy)
    report = copy.report(FAST=str(copy.library(usable[-1])), STATUS="1")
    assert (report["variant"], report["times"]) == (usable[0], {})
    assert report["warnings"] == []


def test_choice_is_remembered(copy):
    first = copy.report()
    assert Path(first["cache_file"]).exists()
    second = copy.report()
    assert second["reason"] == "remembered"
    assert second["variant"] == first["variant"] and second["scores"] == first["scores"]


def test_remembering_starts_no_process(copy):
    copy.report()
    done = copy.run("import sys, llama_cpp; print('subprocess' in sys.modules)")
    assert done.stdout == "False\n"


def test_another_library_is_checked_again(copy):
    """One of the same size, whose date is all that tells."""
    first = copy.report()
    library = Path(first["library"])
    data = bytearray(library.read_bytes())
    data[-1] ^= 1  # of the section headers, which nothing reads at run time
    library.write_bytes(data)
    os.utime(library, ns=(1, 1))
    assert copy.report()["reason"] != "remembered"
    assert copy.report()["reason"] == "remembered"


def test_the_same_files_with_other_dates_are_remembered(copy):
    """A one-file program unpacks its files at every start."""
    first = copy.report()
    for day in range(1, 4):
        for file in copy.lib.iterdir():
            os.utime(file, ns=(day, day))
        again = copy.report()
        assert (again["reason"], again["cache_file"]) == ("remembered", first["cache_file"])
    assert len(list(Path(first["cache_file"]).parent.iterdir())) == 1


@needs_two
def test_a_repaired_library_is_tried_again(copy, usable):
    """A reinstallation of the same build, after a choice that a damaged file was behind."""
    best = copy.library(usable[0])
    good = best.read_bytes()
    best.write_bytes(b"\0" * len(good))
    damaged = copy.report()
    assert damaged["variant"] == fastest_first(usable[1:], damaged["times"])[0]
    best.write_bytes(good)
    os.utime(best, ns=(1, 1))
    repaired = copy.report()
    assert repaired["variant"] == fastest_first(usable, repaired["times"])[0]
    assert repaired["reason"] == "checked" and usable[0] in repaired["times"]


def test_caches_of_other_builds_do_not_pile_up(copy):
    folder = copy.cache / "llama_cpp"
    folder.mkdir(parents=True)
    for number in range(100):
        left_behind = folder / f"cpu-variant-{number:032}.json{'.123' * (number % 2)}"
        left_behind.write_text("{}")
        os.utime(left_behind, (number, number))
    (folder / "of-somebody-else.json").touch()
    path = Path(copy.report()["cache_file"])
    kept = set(folder.iterdir())
    assert path in kept and folder / "of-somebody-else.json" in kept
    assert len(kept) == memory.KEPT_FILES + 1
    assert folder / f"cpu-variant-{0:032}.json" not in kept
    assert folder / f"cpu-variant-{98:032}.json" in kept


@pytest.mark.parametrize("content", ["", "{", "[]", '{"variant": 5}', '{"variant": "nonsense"}'])
def test_damaged_cache_is_ignored(copy, content):
    first = copy.report()
    Path(first["cache_file"]).write_text(content)
    second = copy.report()
    assert second["variant"] and second["reason"] == first["reason"]
    assert copy.report()["reason"] == "remembered"


def test_the_facts_of_another_machine_are_not_believed(copy):
    """Two keys may have one checksum, and so one file."""
    first = copy.report()
    path = Path(first["cache_file"])
    stored = json.loads(path.read_text())
    stored["key"][0] += " of another machine"
    path.write_text(json.dumps(stored))
    assert copy.report()["reason"] == first["reason"] != "remembered"


def test_unwritable_cache_is_quiet(copy):
    report = copy.report(XDG_CACHE_HOME="/dev/null/nowhere")
    assert report["variant"] and report["warnings"] == []


def test_no_home_is_quiet(copy):
    report = copy.report(XDG_CACHE_HOME="", HOME="nowhere")
    assert report["variant"] and report["warnings"] == []


def test_working_directory_is_never_searched(copy):
    """A library of llama.cpp's name in the working directory is not touched."""
    trap = copy.empty / "libggml-cpu-haswell.so"
    shutil.copy(copy.library(next(iter(cpu_variants()))), trap)
    done = copy.run(
        "import llama_cpp\n"
        "llama_cpp.llama_backend_init(); llama_cpp.llama_supports_gpu_offload()\n"
        "llama_cpp.llama_supports_rpc(); llama_cpp.llama_print_system_info()\n"
        "print(any('empty/libggml' in line for line in open('/proc/self/maps')))"
    )
    assert done.stdout == "False\n", done.stderr


# ---- broken libraries


@needs_two
def test_garbage_instead_of_the_best_library(copy, usable, model_path):
    copy.library(usable[0]).write_bytes(b"this is no library" * 1000)
    report = copy.report()
    assert report["variant"] == fastest_first(usable[1:], report["times"])[0]
    (warning,) = report["warnings"]
    assert usable[0] in warning and repr(report["variant"]) in warning
    done = copy.run(USE, model_path)
    assert done.returncode == 0, done.stderr


@needs_two
@linux_x86
def test_best_library_dies_in_its_check(copy, usable, model_path):
    best = copy.library(usable[0])
    patch(best, "ggml_backend_init")
    use_stopwatch(copy)
    report = copy.report(FAST=str(best), STATUS="0")
    assert report["variant"] == usable[1]
    assert "SIGILL" in report["rejected"][usable[0]]
    (warning,) = report["warnings"]
    assert usable[0] in warning and "SIGILL" in warning and repr(usable[1]) in warning
    again = copy.report()
    assert again["reason"] == "remembered" and again["warnings"] == []
    assert "SIGILL" in again["rejected"][usable[0]]
    assert copy.run(USE, model_path).returncode == 0


@needs_two
@linux_x86
def test_a_library_dies_while_it_is_scored(copy, usable):
    patch(copy.library(usable[0]), "ggml_backend_score")
    report = copy.report()
    assert report["variant"] == fastest_first(usable[1:], report["times"])[0]
    assert "SIGILL" in report["rejected"][usable[0]]
    assert len(report["warnings"]) == 1


@linux_x86
def test_everything_is_broken(copy, usable, model_path):
    for variant in cpu_variants():
        patch(copy.library(variant), "ggml_backend_init")
    report = copy.report()
    assert report["variant"] == "" and usable[0] in report["errors"][0]
    done = copy.run(USE, model_path)
    assert done.returncode == 3 and "reinstall" in done.stdout.lower()
    done = copy.run(
        "import llama_cpp\n"
        "print(llama_cpp.llama_supports_gpu_offload(), llama_cpp.llama_print_system_info())\n"
        "llama_cpp.llama_backend_init()"
    )
    assert done.stdout == "False b''\n" and "BackendError" in done.stderr


def test_no_libraries_at_all(copy, model_path):
    for variant in cpu_variants():
        copy.library(variant).unlink()
    assert copy.report()["variant"] == ""
    done = copy.run(USE, model_path)
    assert done.returncode == 3 and "pip install" in done.stdout


@needs_two
def test_without_the_probe_the_weakest_is_used(copy, model_path):
    (copy.lib / "ggml-cpu-probe").chmod(0o600)
    report = copy.report()
    weakest = next(n for n in llama_cpp._build_info.CPU_VARIANTS if n in cpu_variants())
    assert (report["variant"], report["reason"]) == (weakest, "baseline")
    assert "ggml-cpu-probe" in report["warnings"][0]
    assert copy.run(USE, model_path).returncode == 0


def test_hanging_probe(copy, usable):
    probe = copy.lib / "ggml-cpu-probe"
    probe.write_text("#!/bin/sh\nexec sleep 60\n")
    done = copy.run("import sys\nsys.argv = ['x']\n" + FAST_TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert "did not end" in done.stdout


FAST_TIMEOUT = """
import importlib.util, sys, types
import pathlib
# The timeout is a constant of the loader: read its source with a shorter one.
root = pathlib.Path(importlib.util.find_spec("llama_cpp").origin).parent
package = types.ModuleType("llama_cpp")
package.__path__ = [str(root)]
sys.modules["llama_cpp"] = package
from llama_cpp._backends import loader, probe, report
probe.PROBE_TIMEOUT_S = 0.5
loader.load()
print(report.report.message())
"""


# ---- forced variants


def test_every_usable_variant_can_be_forced(copy, usable, model_path):
    texts = {}
    for variant in usable:
        report = copy.report(LLAMA_CPP_CPU_VARIANT=variant)
        assert (report["variant"], report["reason"]) == (variant, "forced"), report
        done = copy.run(USE, model_path, LLAMA_CPP_CPU_VARIANT=variant)
        assert done.returncode == 0, done.stderr
        texts[variant] = done.stdout
    print(texts)


def test_unknown_forced_variant(copy, model_path):
    report = copy.report(LLAMA_CPP_CPU_VARIANT="pentium")
    assert report["variant"] == "" and report["warnings"] == []
    done = copy.run(USE, model_path, LLAMA_CPP_CPU_VARIANT="pentium")
    assert done.returncode == 3
    assert "LLAMA_CPP_CPU_VARIANT=pentium" in done.stdout
    assert all(variant in done.stdout for variant in cpu_variants())


@needs_two
@linux_x86
def test_forced_variant_that_this_cpu_lacks(copy, usable, model_path):
    patch(copy.library(usable[0]), "ggml_backend_score", RETURN_0)
    report = copy.report()
    assert report["variant"] == fastest_first(usable[1:], report["times"])[0]
    for _ in range(2):  # found out, then remembered
        done = copy.run(USE, model_path, LLAMA_CPP_CPU_VARIANT=usable[0])
        assert done.returncode == 3
        assert f"LLAMA_CPP_CPU_VARIANT={usable[0]} cannot run" in done.stdout
        assert "lacks instructions" in done.stdout


@linux_x86
def test_forced_variant_that_crashes(copy, usable, model_path):
    patch(copy.library(usable[0]), "ggml_backend_init")
    for _ in range(2):  # found out, then remembered
        done = copy.run(USE, model_path, LLAMA_CPP_CPU_VARIANT=usable[0])
        assert done.returncode == 3 and "SIGILL" in done.stdout


# ---- accelerators


def test_broken_accelerator_leaves_the_cpu(copy, model_path):
    (copy.lib / "libggml-cuda.so").write_bytes(b"no library")
    report = copy.report()
    assert report["variant"]
    (warning,) = report["warnings"]
    assert "cuda" in warning and "CPU" in warning and "pip install" in warning
    assert copy.run(USE, model_path).returncode == 0
