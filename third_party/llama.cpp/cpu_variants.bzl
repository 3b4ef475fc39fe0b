"""The CPU variants of ggml: which instruction sets each one is compiled for.

The loader picks one at run time by the score that each variant's `ggml_backend_score` computes from
the same features. Source: llama.cpp, ggml/src/CMakeLists.txt (`GGML_CPU_ALL_VARIANTS`) and
ggml/src/ggml-cpu/CMakeLists.txt.
"""

load("//bazel/toolchains/zig:sanitizers.bzl", "SANITIZERS", "select_sanitizer")

# x86: feature -> compiler flags. The define that scores a feature is `GGML_<FEATURE>`.
_X86_FLAGS = {
    "AMX_INT8": ["-mamx-int8"],
    "AMX_TILE": ["-mamx-tile"],
    "AVX": ["-mavx"],
    "AVX2": ["-mavx2"],
    "AVX512": ["-mavx512f", "-mavx512cd", "-mavx512vl", "-mavx512dq", "-mavx512bw"],
    "AVX512_BF16": ["-mavx512bf16"],
    "AVX512_VBMI": ["-mavx512vbmi"],
    "AVX512_VNNI": ["-mavx512vnni"],
    "AVX_VNNI": ["-mavxvnni"],
    "BMI2": ["-mbmi2"],
    "F16C": ["-mf16c"],
    "FMA": ["-mfma"],
    "SSE42": ["-msse4.2"],
}

_HASWELL = ["SSE42", "F16C", "FMA", "BMI2", "AVX", "AVX2"]
_SKYLAKEX = _HASWELL + ["AVX512"]
_ZEN4 = _SKYLAKEX + ["AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"]

_X86_VARIANTS = {
    "alderlake": _HASWELL + ["AVX_VNNI"],
    "cannonlake": _SKYLAKEX + ["AVX512_VBMI"],
    "cascadelake": _SKYLAKEX + ["AVX512_VNNI"],
    "cooperlake": _SKYLAKEX + ["AVX512_VNNI", "AVX512_BF16"],
    "haswell": _HASWELL,
    "icelake": _SKYLAKEX + ["AVX512_VBMI", "AVX512_VNNI"],
    "ivybridge": ["SSE42", "F16C", "AVX"],
    "piledriver": ["SSE42", "F16C", "FMA", "AVX"],
    "sandybridge": ["SSE42", "AVX"],
    "sapphirerapids": _ZEN4 + ["AMX_TILE", "AMX_INT8"],
    "skylakex": _SKYLAKEX,
    "sse42": ["SSE42"],
    "x64": [],
    "zen4": _ZEN4,
}

# ARM: feature -> extension of `-march=`. The define that scores a feature is `GGML_USE_<FEATURE>`.
_ARM_EXTENSIONS = {
    "DOTPROD": "dotprod",
    "FP16_VECTOR_ARITHMETIC": "fp16",
    "MATMUL_INT8": "i8mm",
    "SME": "sme",
    "SVE": "sve",
    "SVE2": "sve2",
}

_ARMV8_2_3 = ["DOTPROD", "FP16_VECTOR_ARITHMETIC", "SVE"]
_ARMV8_6_1 = _ARMV8_2_3 + ["MATMUL_INT8"]

_ARM_VARIANTS = {
    "armv8.0_1": ("armv8-a", []),
    "armv8.2_1": ("armv8.2-a", ["DOTPROD"]),
    "armv8.2_2": ("armv8.2-a", ["DOTPROD", "FP16_VECTOR_ARITHMETIC"]),
    "armv8.2_3": ("armv8.2-a", _ARMV8_2_3),
    "armv8.6_1": ("armv8.6-a", _ARMV8_6_1),
    "armv8.6_2": ("armv8.6-a", _ARMV8_6_1 + ["SVE2"]),
    "armv9.2_1": ("armv9.2-a", _ARMV8_6_1 + ["SME"]),
    "armv9.2_2": ("armv9.2-a", _ARMV8_6_1 + ["SVE2", "SME"]),
}

# Of Macs. The M4's SME comes without SVE, which ggml's flags would imply.
_APPLE_VARIANTS = {
    "apple_m1": ("armv8.2-a", ["DOTPROD"], []),
    "apple_m2_m3": ("armv8.6-a", ["DOTPROD", "MATMUL_INT8"], []),
    "apple_m4": ("armv9.2-a", ["DOTPROD", "MATMUL_INT8", "SME"], ["nosve"]),
}

def _x86_variant(features):
    copts = []
    for feature in features:
        copts += _X86_FLAGS[feature]
    return struct(copts = copts, defines = ["GGML_" + feature for feature in features])

def _arm_variant(architecture, features, without = []):
    """Returns a variant; `without` are extensions that the architecture would imply."""
    march = "+".join([architecture] + without + [_ARM_EXTENSIONS[feature] for feature in features])
    return struct(
        copts = ["-march=" + march],
        defines = ["GGML_USE_" + feature for feature in features],
    )

# Kind of machine -> its facts (constraints, and the condition that selects it), directory of
# ggml-cpu/arch, and variants: name -> struct(copts, defines).
CPU_VARIANTS = {
    "aarch64": struct(
        condition = "@platforms//cpu:aarch64",
        constraints = ["@platforms//cpu:aarch64"],
        folder = "arm",
        variants = {name: _arm_variant(*spec) for name, spec in _ARM_VARIANTS.items()},
    ),
    "macos_aarch64": struct(
        condition = Label("//platforms:macos_aarch64_target"),
        constraints = ["@platforms//cpu:aarch64", "@platforms//os:macos"],
        folder = "arm",
        variants = {name: _arm_variant(*spec) for name, spec in _APPLE_VARIANTS.items()},
    ),
    "x86_64": struct(
        condition = "@platforms//cpu:x86_64",
        constraints = ["@platforms//cpu:x86_64"],
        folder = "x86",
        variants = {name: _x86_variant(features) for name, features in _X86_VARIANTS.items()},
    ),
}

# Of the variants for x86-64 those that a Mac can run: macOS 13 is for Kaby Lake and newer, and the
# Xeons and Ice Lakes that Apple sold; Rosetta stops at SSE 4.2 before macOS 15.
_OF_INTEL_MACS = ["cascadelake", "haswell", "icelake", "skylakex", "sse42", "x64"]

# One without vector registers and one with: a sanitizer's faults are in the C++ that all share.
_WITH_SANITIZER = ["x64", "haswell"]

# gcc 12 drops stores that ggml's AMX kernels need (the variant dies of SIGILL); later versions were
# not tried.
_NOT_WITH_GCC = ["sapphirerapids"]

def cpu_variant_names(machine, exclude = []):
    """Returns the names of a machine's variants, the least demanding first.

    Args:
      machine: key of CPU_VARIANTS.
      exclude: names to leave out.
    """
    variants = CPU_VARIANTS[machine].variants
    ordered = sorted([(len(spec.defines), name) for name, spec in variants.items()])
    return [name for _, name in ordered if name not in exclude]

def cpu_variant_constraints(machine, name):
    """Says where a target that has one variant can be built.

    Args:
      machine: key of CPU_VARIANTS.
      name: name of the variant.

    Returns:
      The value of its `target_compatible_with`.
    """
    constraints = CPU_VARIANTS[machine].constraints
    if machine != "x86_64" or name in _WITH_SANITIZER:
        return constraints
    return constraints + select_sanitizer(
        {sanitizer: ["@platforms//:incompatible"] for sanitizer in SANITIZERS},
        default = [],
    )

def select_cpu_variants(make):
    """Selects on the variants that the target's CPU and compiler have.

    Args:
      make: function from a list of variant names, the least demanding first, to a value.

    Returns:
      A select().
    """
    values = {
        table.condition: make(cpu_variant_names(machine))
        for machine, table in CPU_VARIANTS.items()
    }
    without = cpu_variant_names("x86_64", exclude = _NOT_WITH_GCC)
    values[Label("//third_party/llama.cpp:x86_64_gcc")] = make(without)
    of_macs = [name for name in cpu_variant_names("x86_64") if name in _OF_INTEL_MACS]
    values[Label("//platforms:macos_x86_64_target")] = make(of_macs)
    for sanitizer in SANITIZERS:
        setting = Label("//bazel/toolchains/zig:x86_64_with_" + sanitizer)
        values[setting] = make(_WITH_SANITIZER)
    return select(values)

def cpu_variants_constant():
    """Returns the names as a constant of the wheel's `_build_info.py`."""
    return select_cpu_variants(lambda variants: {"CPU_VARIANTS": variants})
