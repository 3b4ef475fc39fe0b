"""A wheel's names: file name, .dist-info directory, tags of WHEEL, name and version of METADATA."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from . import systems
from .policy import Policy
from .wheel import Expected, Wheel, fields, macos_of, musl_of, platform_of, windows_of


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields names that contradict each other."""
    yield from _file_name(wheel, expected)
    yield from _metadata(wheel, expected)
    yield from _wheel_file(wheel, expected)
    yield from _label(expected)


def library_name(path: str, kind: str, name: str, policy: Policy) -> Iterator[str]:
    """Yields problems with the name by which a dynamic loader knows a library.

    Args:
        path: The library.
        kind: Kind of name: `soname`, `install name`.
        name: The name without directory; empty where the library has none.
        policy: The project's.
    """
    file = posixpath.basename(path)
    if name.startswith(policy.taken_library_prefixes):
        yield f"{path}: has the {kind} {name}, {policy.taken_library_advice}"
    # The second is of a plug-in, which is opened by its path.
    elif name not in ("", file, policy.own_library_prefix + file.removeprefix("lib")):
        yield (
            f"{path}: has the {kind} {name}, under which nothing finds a file called {file}; "
            "name it so"
        )


def _file_name(wheel: Wheel, expected: Expected) -> Iterator[str]:
    name = canonicalize_name(expected.distribution).replace("-", "_")
    file_name = f"{name}-{expected.version}-{expected.tag}.whl"
    if wheel.path.name != file_name:
        yield f"the file is called {wheel.path.name}, but the build says {file_name}; rename it"
    folder = f"{name}-{expected.version}.dist-info"
    if wheel.dist_info != folder:
        yield (
            f"{wheel.dist_info}: the folder would be {folder} by the file name; "
            "build the wheel again, never rename it"
        )
    for tag in expected.platform_tag.split("."):
        linux, macos = platform_of(tag) or musl_of(tag), macos_of(tag)
        known = (
            (linux and linux.machine in systems.MACHINES)
            or (macos and macos.machine in systems.MACOS_MACHINES)
            or windows_of(tag) in systems.WINDOWS_MACHINES
        )
        if not known:
            machines = "|".join(sorted(systems.MACHINES))
            yield (
                f"the platform tag {tag} promises nothing that can be checked; "
                f"tag it manylinux_X_Y_{machines}, musllinux_X_Y_{machines}, "
                f"macosx_X_Y_{'|'.join(sorted(systems.MACOS_MACHINES))} or "
                f"win_{'|'.join(sorted(systems.WINDOWS_MACHINES))}, or add the platform to "
                "systems.py"
            )


def _metadata(wheel: Wheel, expected: Expected) -> Iterator[str]:
    metadata = fields(wheel.text("METADATA"))
    name, version = metadata.get("Name", ""), metadata.get("Version", "")
    if canonicalize_name(name) != canonicalize_name(expected.distribution):
        yield (
            f"METADATA has the name {name!r}, the file name {expected.distribution!r}; "
            "make them one"
        )
    public, _, label = version.partition("+")
    if public != expected.version.partition("+")[0]:
        yield (
            f"METADATA has the version {version!r}, the file name {expected.version!r}; "
            "make them one"
        )
    elif label != expected.local_label:
        yield (
            f"METADATA has the local label {label!r}, the file name {expected.local_label!r}, so "
            "pip and uv would take this wheel for another accelerator's; "
            "build it again, never rename it"
        )


def _wheel_file(wheel: Wheel, expected: Expected) -> Iterator[str]:
    header = fields(wheel.text("WHEEL"))
    if header.get("Wheel-Version") != "1.0":
        yield (
            f"WHEEL has Wheel-Version {header.get('Wheel-Version')!r}; "
            "write 1.0, which every installer reads"
        )
    if header.get("Root-Is-Purelib") != "false":
        yield (
            "WHEEL does not say `Root-Is-Purelib: false`, so native files would go where pure "
            "Python belongs; write false"
        )
    parts = (part.split(".") for part in expected.tag.split("-"))
    tags = {"-".join(product) for product in itertools.product(*parts)}
    found = header.get_all("Tag", [])
    if set(found) != tags:
        yield (
            f"WHEEL has the tags {', '.join(sorted(found)) or '(none)'}, the file name "
            f"{', '.join(sorted(tags))}; build it again, never rename it"
        )


def _label(expected: Expected) -> Iterator[str]:
    """Checks that an accelerator's label names the one that the wheel was built for."""
    accelerators = expected.policy.accelerator_libraries
    if expected.accelerator not in accelerators:
        yield (
            f"the accelerator {expected.accelerator!r} has no row in `accelerator_libraries` of "
            "the policy; add the libraries that its wheels may need"
        )
        return
    label = expected.local_label.split(".")[0]
    if label in accelerators and label != expected.accelerator:
        yield (
            f"the local label is {expected.local_label!r}, but the wheel was built for "
            f"{expected.accelerator!r}; build with `--//:local_label=auto`"
        )
