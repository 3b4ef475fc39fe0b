"""Target: the wheel checker, on wheels with damaged files, entries and names.

Whatever the wheel is, the checker lists problems; each is a sentence that says how to go on.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import check_wheel
import write_wheel
from checks.policy import Policy
from choices import Choices
from damage import damaged
from draft import Draft
from tiny_elf import DT_RPATH, DT_RUNPATH, tiny_elf
from tiny_macho import tiny_macho

_POLICY = Policy(
    accelerator_libraries={"cpu": frozenset(), "gpu": frozenset({"libgpu.so.1"})},
    plugin_entry_points=("backend_init",),
    plugin_host="host",
    plugin_host_libraries=frozenset({"libhost.so"}),
    taken_library_advice="which is another's; call it toy",
    taken_library_prefixes=("libtaken",),
)
_LINUX = "manylinux_2_17_x86_64"
_MACOS = "macosx_13_0_arm64"
_PROGRAM = "toy/lib/tool"
_FOLDER = Path(tempfile.mkdtemp(prefix="wheel_checker-"))


def _native(tag: str) -> dict[str, bytes]:
    """Returns the native files of a good wheel."""
    if _MACOS in tag:
        return {
            "toy/_toy.cpython-311-darwin.so": tiny_macho(
                exported=("PyInit__toy",), needed=("/usr/lib/libSystem.B.dylib",)
            ),
            "toy/lib/libtoy.dylib": tiny_macho(
                install_name="@rpath/libtoy.dylib", exported=("toy_a",), run_paths=("@loader_path",)
            ),
        }
    module = tiny_elf(
        exported=("PyInit__toy",),
        needed=("libc.so.6", "libtoy.so"),
        run_path="$ORIGIN/lib",
        versions={"libc.so.6": ("GLIBC_2.14",)},
    )
    library = tiny_elf(exported=("toy_a", "backend_init"), soname="libtoy.so")
    program = tiny_elf(is_program=True, undefined=("toy_a",), run_path="$ORIGIN")
    if "none" in tag:
        return {"toy/lib/libtoy.so": library}
    return {
        "toy/_toy.cpython-311-x86_64-linux-gnu.so": module,
        "toy/lib/libtoy.so": library,
        _PROGRAM: program,
    }


def _good(tag: str) -> Draft:
    """Returns a wheel for a tag."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    files = {"toy/__init__.py": b"def main(): ...\n", "toy/py.typed": b"", **_native(tag)}
    sources = {path: folder / str(index) for index, path in enumerate(files)}
    for path, data in files.items():
        sources[path].write_bytes(data)
    text = folder / "text"
    text.write_text("A toy.\n")
    spec = {
        "build_info": {},
        "classifiers": ["Typing :: Typed"],
        "components": [
            {
                **{"archive": "work-1.0.tar.gz", "license_expression": "MIT", "name": "work"},
                **{"license_files": ["LICENSE"], "package": "work", "purl": "pkg:pypi/work@1.0"},
                **{"sha256": "0" * 64, "version": "1.0"},
            }
        ],
        "description": str(text),
        "distribution": "toy",
        "entry_points": {"console_scripts": ["toy = toy:main"]},
        "extras": {},
        "generator": "fuzz",
        "import_name": "toy",
        "license_expression": "MIT",
        "license_files": {"LICENSE": str(text)},
        "members": {path: str(source) for path, source in sources.items()},
        "requires": ["host=={version}"],
        "requires_python": ">=3.9",
        "summary": "A toy",
        "tag": tag,
        "urls": {},
        "version": "1.0+cpu",
    }
    wheel = folder / f"toy-1.0+cpu-{tag}.whl"
    write_wheel.write_wheel(spec, wheel)
    draft = Draft(wheel)
    if _PROGRAM in draft.files:
        draft.modes[_PROGRAM] = 0o100755
    return draft


_WHEELS = [_good(tag) for tag in (f"cp311-cp311-{_LINUX}", f"py3-none-{_LINUX}",
                                  f"cp311-cp311-{_MACOS}")]  # fmt: skip
# Files that the checker reads, in the order in which damage is most telling.
_NATIVE = tuple(tiny_elf(run_path="/a", run_path_tag=tag) for tag in (DT_RPATH, DT_RUNPATH))


def _break(draft: Draft, choices: Choices) -> None:
    """Does one thing to a wheel that its RECORD, if there is one, knows of."""
    kind = choices.below(10)
    path = choices.pick(list(draft.files))
    if kind < 5:
        draft.files[path] = damaged(draft.files[path], choices)
    elif kind == 5:
        draft.rename(path, choices.text() or "x")
    elif kind == 6:
        draft.record[path] = choices.text().split(",")
    elif kind == 7:
        draft.modes[path] = choices.below(2**16)
    elif kind == 8:
        draft.again[path] = choices.data()
    else:
        draft.add(choices.text() or "x", choices.pick(_NATIVE))


def _sbom(draft: Draft, choices: Choices) -> None:
    """Puts something else in one place of the SBOM."""
    place = draft.sbom
    for _ in range(choices.below(5)):
        values = list(place.values()) if isinstance(place, dict) else list(place)
        inner = [value for value in values if isinstance(value, (dict, list)) and value]
        if not inner:
            break
        place = choices.pick(inner)
    new = choices.pick([None, 1, "x", [], {}, [None], True, 1e400])
    place[choices.pick(list(place) if isinstance(place, dict) else range(len(place)))] = new


def one_input(data: bytes) -> None:
    """Breaks a wheel, its name or its archive, and checks it."""
    choices = Choices(data)
    draft = choices.pick(_WHEELS).copy()
    is_raw = choices.below(8) == 1
    if choices.below(8) == 1:
        draft.name = (choices.text().replace("/", "").replace("\0", "")[:80] or "x") + ".whl"
    while choices and not is_raw:
        if choices.below(4) == 0:
            _sbom(draft, choices)
        else:
            _break(draft, choices)
    try:
        wheel = draft.write(_FOLDER)
    except (ValueError, OSError):
        return  # the archive cannot have such an entry, the system no such name
    while choices:
        wheel.write_bytes(damaged(wheel.read_bytes(), choices))
    problems = check_wheel.problems(wheel, policy=_POLICY)
    wheel.unlink()
    for problem in problems:
        assert problem.strip(), problems
    if not data:
        assert not problems, problems
