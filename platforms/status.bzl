"""How far each platform is tried, and by which command: docs/reference/status.md and the README.

Literals only, as in accelerators.bzl.
"""

# State -> its meaning, from the best.
# buildifier: disable=unsorted-dict-items
STATES = {
    "run": "the suites run on such a machine",
    "run by emulation": "programs for it run on another machine: under qemu-user or Wine, by " +
                        "another loader, or on a driver that computes on the CPU",
    "built": "compiled, linked, and passed by the checker of wheels; not run",
    "analysed": "the command lines are compared with what they should be; nothing is compiled",
    "nothing": "not there yet",
}

def _try(state, command, note = ""):
    return struct(
        command = command,
        # Restricts the state; a part of a sentence.
        note = note,
        # A key of STATES.
        state = state,
    )

def _row(machine, accelerator, tested, tried = None):
    return struct(
        # A key of ACCELERATORS.
        accelerator = accelerator,
        machine = machine,
        # By our CI, on every change.
        tested = tested,
        # Manually, where that is more; else None.
        tried = tried,
    )

_LINUX_X86_64 = "Linux x86-64, glibc 2.17"
_WHOLE = "./bazelw test //... //tests:slow"

# Machines and accelerators, in the order of the pages.
STATUS = [
    _row(
        machine = _LINUX_X86_64,
        accelerator = "cpu",
        tested = _try("run", _WHOLE, "each variant that the CPU of CI supports"),
        tried = _try("run", "./bazelw test //tests:everything", "with all kernels of ggml"),
    ),
    _row(
        machine = "Linux x86-64, glibc 2.28",
        accelerator = "cpu",
        tested = _try("nothing", ""),
        tried = _try("built", "./bazelw build //:wheel --config=glibc_2_28"),
    ),
    _row(
        machine = _LINUX_X86_64,
        accelerator = "cuda",
        tested = _try("analysed", "./bazelw test //tests/accelerators/cuda/..."),
        tried = _try(
            "built",
            "./bazelw test //tests/accelerators/cuda/... --config=cuda_sm_90",
            "for one GPU; installed and refused without one",
        ),
    ),
    _row(
        machine = _LINUX_X86_64,
        accelerator = "cuda12",
        tested = _try("analysed", "./bazelw test //tests/accelerators/cuda12/..."),
    ),
    _row(
        machine = _LINUX_X86_64,
        accelerator = "rocm",
        tested = _try("analysed", "./bazelw test //tests/accelerators/rocm/..."),
        tried = _try(
            "built",
            "./bazelw test //tests/accelerators/rocm/... --config=rocm_gfx1100",
            "for one GPU; installed and refused without one",
        ),
    ),
    _row(
        machine = _LINUX_X86_64,
        accelerator = "vulkan",
        tested = _try(
            "run by emulation",
            "./bazelw test //tests/accelerators/vulkan/... //tests:slow",
            "Mesa's lavapipe",
        ),
    ),
    _row(
        machine = "Linux on 64-bit ARM, glibc 2.17",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
        tried = _try(
            "run by emulation",
            "./bazelw test //tests/foreign:arm_test --config=linux_aarch64",
            "two CPU variants; the wheel and all 8: docs/arm.md",
        ),
    ),
    _row(
        machine = "Linux x86-64, musl 1.2",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
        tried = _try(
            "run by emulation",
            "./bazelw test //tests/foreign:musl_test --config=musl_x86_64",
            "the native files, by Debian's musl; the wheel was built, no Python for musl was at " +
            "hand: docs/musl.md",
        ),
    ),
    _row(
        machine = "Linux on 64-bit ARM, musl 1.2",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
    ),
    _row(
        machine = "macOS 13 on 64-bit ARM",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
        tried = _try(
            "built",
            "./bazelw build //:wheel_cp314 --config=macos_aarch64",
            "with a Python's headers: docs/metal.md",
        ),
    ),
    _row(
        machine = "macOS 13 on 64-bit ARM",
        accelerator = "metal",
        tested = _try("analysed", "./bazelw test //tests/accelerators/metal/..."),
        tried = _try(
            "built",
            "./bazelw build //:wheel_cp314 --config=metal",
            "with an SDK and a Python's headers: docs/metal.md",
        ),
    ),
    _row(
        machine = "macOS 13 on x86-64",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
        tried = _try(
            "built",
            "./bazelw build //:wheel_cp311 --config=macos_x86_64",
            "with a Python's headers: docs/metal.md",
        ),
    ),
    _row(
        machine = "Windows 10 on x86-64",
        accelerator = "cpu",
        tested = _try("analysed", "./bazelw test //tests/build/flags/..."),
        tried = _try(
            "run by emulation",
            "./bazelw test //tests/windows/... --config=windows_x86_64",
            "the wheel in CPython for Windows, every CPU variant, llama.cpp's tests: under Wine",
        ),
    ),
    _row(
        machine = "Windows 10 on x86-64",
        accelerator = "vulkan",
        tested = _try("nothing", ""),
        tried = _try(
            "run by emulation",
            "./bazelw build //:wheel --config=windows_x86_64_vulkan",
            "the wheel, under Wine on Mesa's lavapipe: docs/windows.md",
        ),
    ),
]

def status_rows():
    """Returns `states` and `rows` of the two tables, for json.encode()."""

    # Pairs: json.encode() would sort the keys.
    return {"rows": STATUS, "states": STATES.items()}
