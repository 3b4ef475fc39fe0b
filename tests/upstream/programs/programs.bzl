"""`upstream_programs`: a cc_test for each run of each of upstream's tests."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")
load(
    "//third_party/llama.cpp:cpu_variants.bzl",
    "CPU_VARIANTS",
    "cpu_variant_constraints",
    "cpu_variant_names",
)
load(
    "//third_party/llama.cpp:native_library.bzl",
    "NATIVE_CXX_STANDARD",
    "NATIVE_C_STANDARD",
)

_SOURCE_ROOT = Label("@llama_cpp//:BUILD").workspace_root

# Each assert() is active: the toolchain's -c opt turns them off.
_COPTS = [
    "-UNDEBUG",
    "-w",
    "-I{}/vendor".format(_SOURCE_ROOT),
]
CXX_COPTS = _COPTS + NATIVE_CXX_STANDARD
_C_COPTS = _COPTS + NATIVE_C_STANDARD

# The variants whose slow tests `./bazelw test //...` runs; //tests:everything runs all.
_PUSHED_VARIANTS = [
    "apple_m1",
    "armv8.0_1",
    "armv8.2_2",
    "haswell",
    "x64",
    "zen4",
]

_GGML = [
    "@llama_cpp//:ggml_objects",
    "@llama_cpp//:ggml_private_headers",
]
_LOG = _GGML + [
    ":upstream_log",
    "@llama_cpp//:llama-common",
    "@llama_cpp//:llama_objects",
]
_LLAMA = _LOG + [":flush_log_at_exit"]
_MTMD = _LLAMA + ["@llama_cpp//:mtmd_objects"]
_SERVER = _MTMD + ["@llama_cpp//:server-context"]

_GGML_SO = ["@llama_cpp//:ggml_so", "@llama_cpp//:ggml-base_so"]
_LLAMA_SO = _GGML_SO + ["@llama_cpp//:llama_so"]
_MTMD_SO = _LLAMA_SO + ["@llama_cpp//:mtmd_so"]

def _links(deps, dynamic_deps):
    """Returns libraries: objects in `deps` that one of `dynamic_deps` has come from there."""
    return struct(deps = deps, dynamic_deps = dynamic_deps)

# "inside": the test calls functions that the wheel's library does not export, so it has the same
# objects as that.
LINKS = {
    "ggml": _links(_GGML, _GGML_SO),
    "ggml inside": _links(_GGML, []),
    "llama": _links(_LLAMA, _LLAMA_SO),
    # The test ends the log itself.
    "llama log": _links(_LOG, _LLAMA_SO),
    "llama inside": _links(_LLAMA, _GGML_SO),
    "mtmd": _links(_MTMD, _MTMD_SO),
    "mtmd inside": _links(_MTMD, _LLAMA_SO),
    "server": _links(_SERVER, _GGML_SO),
}

def _file(name, label):
    """Returns a need: a file, or a directory, with its name in the directory of the test."""
    return struct(data = label, name = name)

# Beside "backend": the CPU variant that is the best for this processor.
NEEDS = {
    "architectures": _file("test-llama-archs", ":test-llama-archs"),
    "models": _file("models", "@llama_cpp//:vocabularies"),
    "reference": _file("reference.so", ":reference"),
    "trained": _file("trained.gguf", "//tests/models:trained"),
    "wide vocabulary": _file("random", ":wide_vocabulary"),
}

def _variant_links(variant):
    """Returns the libraries of a test that calls the kernels of one CPU variant directly."""
    return _links(
        ["@llama_cpp//:ggml_private_headers"] + [
            "@llama_cpp//:ggml-cpu-{}_{}".format(variant, part)
            for part in ["c", "objects", "score"]
        ],
        ["@llama_cpp//:ggml-base_so"],
    )

def _objects(name, file, program):
    """Declares the compiled sources of a program."""
    deps = LINKS["ggml" if program.links == "variant" else program.links].deps
    cc_library(
        name = name + "_objects",
        testonly = True,
        srcs = ["@llama_cpp//:tests/" + source for source in [file] + program.sources] +
               program.additions,
        alwayslink = True,
        # Most compile much longer than they run.
        # test-backend-ops puts flags into enums (docs/howto/sanitizers.md).
        copts = (_C_COPTS if file.endswith(".c") else CXX_COPTS) +
                (["-O1"] if program.optimized else ["-O0"]) + ["-fno-sanitize=enum"],
        linkstatic = True,
        tags = ["manual"],
        deps = deps + ["@llama_cpp//:test_headers"],
    )

def _test(name, program, run, objects, links, backends, args, push, **kwargs):
    """Declares one run of a program.

    Args:
      name: name of the test.
      program: the program, of the table.
      run: the run, of the table.
      objects: the compiled sources.
      links: libraries.
      backends: label of CPU backends, the best of which it uses; None for none.
      args: arguments.
      push: whether `./bazelw test //...` runs it.
      **kwargs: more attributes of the test.
    """
    files = [NEEDS[need] for need in program.needs if need in NEEDS]
    env = dict(run.env)
    if files:
        env["TEST_FILES"] = " ".join([
            "{}=$(rootpath {})".format(file.name, file.data)
            for file in files
        ])
    if backends:
        env["CPU_BACKENDS"] = "$(rootpaths {})".format(backends)
    cc_test(
        name = name,
        size = run.size,
        args = ["'{}'".format(argument) for argument in args],
        data = [file.data for file in files] + ([backends] if backends else []),
        dynamic_deps = links.dynamic_deps,
        env = env,
        linkstatic = True,
        tags = [] if push else ["manual"],
        # tests/windows does there as the prologue.
        deps = [objects] + links.deps + select({
            "@platforms//os:windows": [],
            "//conditions:default": [":prologue"],
        }),
        **kwargs
    )

def _once(name, program, run, objects):
    """Declares the test of a run; returns its name, if `./bazelw test //...` leaves it out."""
    push = run.push == "all"
    _test(
        name = name,
        args = run.args,
        backends = "@llama_cpp//:ggml-cpu" if "backend" in program.needs else None,
        links = LINKS[program.links],
        objects = objects,
        program = program,
        push = push,
        run = run,
    )
    return [] if push else [name]

def _per_variant(name, program, run, objects):
    """Declares `<name>_<variant>` for each CPU variant; returns those left out as _once() does."""
    direct = program.links == "variant"
    left_out = []
    for machine, table in CPU_VARIANTS.items():
        for variant in table.variants:
            push = run.push == "all" or (run.push == "some" and variant in _PUSHED_VARIANTS)
            test = "{}_{}".format(name, variant)
            _test(
                name = test,
                args = [argument.format(variant = variant) for argument in run.args],
                backends = None if direct else "@llama_cpp//:ggml-cpu-{}_so".format(variant),
                links = _variant_links(variant) if direct else LINKS[program.links],
                objects = objects,
                program = program,
                push = push,
                run = run,
                target_compatible_with = cpu_variant_constraints(machine, variant),
            )
            if not push:
                left_out.append(test)
    return left_out

def plain_variant(name):
    """Declares an alias of the CPU variant that needs no instruction set.

    Args:
      name: name of the alias.
    """
    native.alias(
        name = name,
        actual = select({
            table.condition: "@llama_cpp//:ggml-cpu-{}_so".format(cpu_variant_names(machine)[0])
            for machine, table in CPU_VARIANTS.items()
        }),
    )

def upstream_programs(name, tests):
    """Declares the tests of the table.

    Args:
      name: name of the suite of those that `./bazelw test //...` leaves out.
      tests: UPSTREAM_TESTS.
    """
    slow = []
    for file, program in tests.items():
        if program.left_out:
            continue
        stem = file.rpartition(".")[0]
        _objects(stem, file, program)
        for run_name, run in program.runs.items():
            declare = _per_variant if program.per_variant else _once
            slow += declare(run_name, program, run, stem + "_objects")
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = slow,
    )
