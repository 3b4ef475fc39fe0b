"""Architectures to compile for, in the notation of rules_cuda's `archs` flag.

A specification is `[VIRTUAL:]CODE[,CODE...]`, several are separated by `;`. CODE is `sm_90`
(machine code) or `compute_90` (PTX, which the driver compiles). Without VIRTUAL, the lowest of the
codes is the virtual architecture. Source: nvcc's manual, `--generate-code`.
"""

CudaArchsInfo = provider(
    doc = "Architectures to compile for.",
    fields = {
        "arch_specs": "List of ArchSpecInfo.",
    },
)

ArchSpecInfo = provider(
    doc = "A virtual architecture, and the code generated from it.",
    fields = {
        "stage1_arch": "The virtual architecture's number, such as `90a`.",
        "stage2_archs": "List of Stage2ArchInfo.",
    },
)

Stage2ArchInfo = provider(
    doc = "Code for one architecture: either machine code or PTX.",
    fields = {
        "arch": "The architecture's number.",
        "gpu": "Whether it is machine code.",
        "virtual": "Whether it is PTX.",
    },
)

_PREFIXES = ("compute_", "sm_")

def _number(code):
    """Returns the architecture without its kind: `90a` of `sm_90a`."""
    for prefix in _PREFIXES:
        number = code.removeprefix(prefix)
        if number != code and number and number.rstrip("af").isdigit():
            return number
    fail("{} is no CUDA architecture; write sm_90 for machine code, compute_90 for PTX".format(
        repr(code),
    ))

def _order(number):
    return (int(number.rstrip("af")), number)

def _arch_spec(text):
    virtual, colon, codes = text.rpartition(":")
    codes = [code.strip() for code in codes.split(",")]
    numbers = [_number(code) for code in codes]
    if colon and not virtual.strip().startswith("compute_"):
        fail("{}: a virtual architecture such as compute_80 belongs before the colon".format(
            repr(text),
        ))
    stage1 = _number(virtual.strip()) if colon else min(numbers, key = _order)
    return ArchSpecInfo(
        stage1_arch = stage1,
        stage2_archs = [
            Stage2ArchInfo(
                arch = _number(code),
                gpu = code.startswith("sm_"),
                virtual = code.startswith("compute_"),
            )
            for code in codes
        ],
    )

def parse_archs(text):
    """Parses the value of the flag.

    Args:
      text: such as `compute_80:sm_80,sm_86;compute_90`; empty for nvcc's default.

    Returns:
      CudaArchsInfo
    """
    return CudaArchsInfo(
        arch_specs = [_arch_spec(spec.strip()) for spec in text.split(";") if spec.strip()],
    )
