"""`native_fuzz_target`: a piece of native code that takes any bytes, run over its corpus and on."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/testing:pytest_test.bzl", "pytest_test")
load(":guided_program.bzl", "guided_program")

_COPTS = ["-std=c++17"]

# Where it is built and run.
FUZZ_PLATFORM = [
    "@platforms//cpu:x86_64",
    "@platforms//os:linux",
]

def native_fuzz_target(name, data = [], env = {}, max_len = 4096, seeds = None):
    """Declares `<name>_corpus_test`, and `<name>_guided_test`, which runs a minute and is manual.

    `<name>.cpp` defines the functions of target.h. Inputs are in `corpus/<name>`; a file there
    whose name begins with `refused` must be refused, one with `accepted` must not. `<name>.dict`,
    if it is there, has words for libFuzzer. `<name>_guided` is the program that it drives.

    Args:
      name: name of the target.
      data: files that it reads.
      env: environment of the program; `$(rootpath ...)` is expanded.
      max_len: greatest size of a made-up input, in bytes.
      seeds: target of a directory of more inputs.
    """
    cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + ".cpp"],
        copts = _COPTS,
        linkstatic = True,
        target_compatible_with = FUZZ_PLATFORM,
        deps = [":target"],
    )
    cc_binary(
        name = name + "_corpus",
        testonly = True,
        srcs = ["main_corpus.cpp"],
        copts = _COPTS,
        data = data,
        env = env,
        features = ["keep_symbols"],
        target_compatible_with = FUZZ_PLATFORM,
        deps = [":{}_target".format(name)],
    )
    cc_binary(
        name = name + "_with_engine",
        testonly = True,
        srcs = ["main_guided.cpp"],
        copts = _COPTS,
        data = data,
        env = env,
        features = ["keep_symbols"],
        # Only built as `<name>_guided`, instrumented.
        tags = ["manual"],
        target_compatible_with = FUZZ_PLATFORM,
        deps = [
            ":{}_target".format(name),
            "@libfuzzer//:engine",
        ],
    )
    guided_program(
        name = name + "_guided",
        testonly = True,
        program = ":{}_with_engine".format(name),
        tags = ["manual"],
        target_compatible_with = FUZZ_PLATFORM,
    )
    corpus = native.glob(["corpus/{}/*".format(name)])
    words = native.glob(
        [name + ".dict"],
        allow_empty = True,
    )
    test_env = env | {
        "FUZZ_CORPUS": " ".join(["$(rootpath {})".format(file) for file in corpus]),
        "FUZZ_DICTIONARY": "".join(["$(rootpath {})".format(file) for file in words]),
        "FUZZ_SEEDS": "$(rootpath {})".format(seeds) if seeds else "",
    }
    test_data = data + corpus + words + ([seeds] if seeds else [])
    pytest_test(
        name = name + "_corpus_test",
        size = "medium",
        srcs = ["corpus_test.py"],
        data = test_data + [":{}_corpus".format(name)],
        env = test_env | {"FUZZ_PROGRAM": "$(rootpath :{}_corpus)".format(name)},
        site = "//tests:tools",
        target_compatible_with = FUZZ_PLATFORM,
    )
    pytest_test(
        name = name + "_guided_test",
        size = "enormous",
        srcs = ["guided_test.py"],
        data = test_data + [":{}_guided".format(name)],
        env = test_env | {
            "FUZZ_MAX_LEN": str(max_len),
            "FUZZ_PROGRAM": "$(rootpath :{}_guided)".format(name),
        },
        site = "//tests:tools",
        tags = [
            "exclusive-if-local",
            "manual",
        ],
        target_compatible_with = FUZZ_PLATFORM,
    )
