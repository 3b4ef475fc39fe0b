"""The wheel file: RECORD, exported and needed symbols, each part once, and its size.

Much of this the checker of //bazel/wheel has refused already; here it is read a second time,
without its code.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Iterator

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

OWN = "libllama_cpp_python-"
MAX_WHEEL_BYTES = 14 * 1024 * 1024

# Outside libraries that manylinux allows (PEP 600 policy), of which we use only the C library.
C_LIBRARY = {
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
}
CXX_RUNTIME = re.compile(r"_Z\w*(St|__1|__cxx)|__cxa_|__gxx_|_Zn[wa]|_Zd[la]|_Unwind")


def elves(members: dict[str, bytes]) -> Iterator[tuple[str, ELFFile]]:
    for path, data in members.items():
        if data.startswith(b"\x7fELF"):
            yield path, ELFFile(io.BytesIO(data))


def dynamic_values(elf: ELFFile, tag: str) -> list[str]:
    section = next(s for s in elf.iter_sections() if isinstance(s, DynamicSection))
    attribute = {"DT_NEEDED": "needed", "DT_RPATH": "rpath", "DT_SONAME": "soname"}[tag]
    return [getattr(entry, attribute) for entry in section.iter_tags(tag)]


def exported(elf: ELFFile) -> list[str]:
    table = elf.get_section_by_name(".dynsym")
    assert isinstance(table, SymbolTableSection)
    return [
        symbol.name
        for symbol in table.iter_symbols()
        if symbol.name and symbol["st_shndx"] != "SHN_UNDEF"
    ]


def needed_versions(elf: ELFFile) -> set[tuple[str, str]]:
    """Pairs of library and version."""
    return {
        (need.name, version.name)
        for section in elf.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for need, versions in section.iter_versions()
        for version in versions
    }


def test_record_lists_every_file_with_its_hash(members: dict[str, bytes]) -> None:
    record_path = next(path for path in members if path.endswith(".dist-info/RECORD"))
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(members[record_path].decode()))}
    assert set(rows) == set(members)
    for path, data in members.items():
        if path == record_path:
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert rows[path] == [f"sha256={digest}", str(len(data))], path


def test_nothing_needs_a_cxx_library_or_anything_but_the_c_library(
    members: dict[str, bytes],
) -> None:
    shipped = {Path(path).name for path, _ in elves(members)}
    for path, elf in elves(members):
        assert set(dynamic_values(elf, "DT_NEEDED")) <= C_LIBRARY | shipped, path
        versions = {version for name, version in needed_versions(elf) if name in C_LIBRARY}
        assert all(version.startswith("GLIBC_2.") for version in versions), path


def test_nothing_of_the_cxx_runtime_is_exported(members: dict[str, bytes]) -> None:
    for path, elf in elves(members):
        if ".so" in path:
            leaked = [name for name in exported(elf) if CXX_RUNTIME.search(name)]
            assert not leaked, f"{path} exports {leaked[:5]}"


def test_the_extension_exports_its_init_function_only(members: dict[str, bytes]) -> None:
    extension = next(elf for path, elf in elves(members) if path.startswith("llama_cpp/_core."))
    assert exported(extension) == ["PyInit__core"]


def test_each_library_is_there_once_under_a_soname_of_our_own(members: dict[str, bytes]) -> None:
    digests: dict[str, str] = {}
    for path, elf in elves(members):
        digest = hashlib.sha256(members[path]).hexdigest()
        assert digest not in digests, f"{path} is {digests[digest]} again"
        digests[digest] = path
        for soname in dynamic_values(elf, "DT_SONAME"):
            name = Path(path).name
            # Plugins have ggml's file names, and are opened by path.
            assert soname in (name, name.replace("libggml-", f"{OWN}ggml-", 1))
            assert soname.startswith(OWN)


def test_every_library_needs_ours_in_our_version(members: dict[str, bytes]) -> None:
    for path, elf in elves(members):
        ours = {pair for pair in needed_versions(elf) if pair[0].startswith(OWN)}
        needed = [name for name in dynamic_values(elf, "DT_NEEDED") if name.startswith(OWN)]
        assert ours == {(name, "LLAMA_CPP_PYTHON_0") for name in needed}, path


def test_run_paths_stay_in_the_package(members: dict[str, bytes]) -> None:
    for path, elf in elves(members):
        expected = "$ORIGIN/lib" if path.startswith("llama_cpp/_core.") else "$ORIGIN"
        assert dynamic_values(elf, "DT_RPATH") == [expected], path
        dynamic = next(s for s in elf.iter_sections() if isinstance(s, DynamicSection))
        assert not list(dynamic.iter_tags("DT_RUNPATH")), path


def test_every_cpu_variant_is_inside(wheel: Path, members: dict[str, bytes]) -> None:
    names: dict[str, object] = {}
    exec(members["llama_cpp/_build_info.py"], names)
    variants = names["CPU_VARIANTS"]
    files = {path for path in members if re.match(r"llama_cpp/lib/libggml-cpu-.*\.so$", path)}
    assert files == {f"llama_cpp/lib/libggml-cpu-{variant}.so" for variant in variants}
    assert len(files) == (14 if "x86_64" in wheel.name else 8)


def test_the_rpc_backend_is_inside(members: dict[str, bytes]) -> None:
    libraries = {path: exported(elf) for path, elf in elves(members) if "rpc" in path}
    assert libraries == {"llama_cpp/lib/libggml-rpc.so": ["ggml_backend_init"]}


def test_no_symbolic_links_fixed_dates_and_sane_modes(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 in (0o100644, 0o100755), info.filename


def test_size(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for info in sorted(archive.infolist(), key=lambda info: -info.compress_size):
            print(f"{info.compress_size:>9} of {info.file_size:>9}  {info.filename}")
    print(f"{wheel.stat().st_size:>9} bytes in all: {wheel.name}")
    assert wheel.stat().st_size <= MAX_WHEEL_BYTES
