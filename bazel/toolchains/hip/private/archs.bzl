"""The GPU architectures that HIP sources are compiled for, as a flag."""

load("//platforms:accelerators.bzl", "ACCELERATORS")

# A release's variant wheel asks for one of them.
HIP_RELEASE_ARCHS = ACCELERATORS["rocm"]["variant"]["amd"]["gfx_arch"]

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
            fail(("{} is no AMD GPU architecture; write names such as gfx1100 or gfx90a, with " +
                  "commas between").format(repr(arch)))
    return [HipArchsInfo(archs = archs or HIP_RELEASE_ARCHS)]

hip_archs_flag = rule(
    implementation = _hip_archs_flag_impl,
    build_setting = config.string(flag = True),
    doc = "A flag with names of architectures, with commas between; empty for those of a release.",
)
