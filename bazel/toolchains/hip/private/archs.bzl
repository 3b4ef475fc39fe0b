"""The GPU architectures that HIP sources are compiled for, as a flag."""

# Those of llama.cpp's own ROCm releases for Linux (.github/workflows/release.yml): CDNA 1 to 3, RDNA 1 to 4.
HIP_RELEASE_ARCHS = [
    "gfx908",
    "gfx90a",
    "gfx942",
    "gfx950",
    "gfx1010",
    "gfx1011",
    "gfx1012",
    "gfx1030",
    "gfx1031",
    "gfx1032",
    "gfx1033",
    "gfx1034",
    "gfx1035",
    "gfx1036",
    "gfx1100",
    "gfx1101",
    "gfx1102",
    "gfx1103",
    "gfx1150",
    "gfx1151",
    "gfx1152",
    "gfx1200",
    "gfx1201",
]

HipArchsInfo = provider(
    doc = "GPU architectures to compile for.",
    fields = {
        "archs": "List of names in LLVM's notation, such as `gfx1100` (AMDGPUUsage, `Processors`).",
    },
)

_DIGITS = "0123456789abcdef"

def _is_arch(text):
    number = text.removeprefix("gfx")
    return number != text and len(number) >= 3 and not number.strip(_DIGITS)

def _hip_archs_flag_impl(ctx):
    archs = [arch.strip() for arch in ctx.build_setting_value.split(",") if arch.strip()]
    for arch in archs:
        if not _is_arch(arch):
            fail("{} is no AMD GPU architecture; write names such as gfx1100 or gfx90a, with commas between".format(repr(arch)))
    return [HipArchsInfo(archs = archs or HIP_RELEASE_ARCHS)]

hip_archs_flag = rule(
    implementation = _hip_archs_flag_impl,
    build_setting = config.string(flag = True),
    doc = "A flag with names of architectures, with commas between; empty for those of a release.",
)
