"""`llama_cpp_wheel`: the wheel of llama-cpp-python for a Python ABI."""

load("//bazel/wheel:defs.bzl", "py_abi_wheel")
load("//platforms:accelerators.bzl", "ACCELERATORS", "select_accelerator")
load("//third_party/llama.cpp:components.bzl", "LLAMA_CPP_COMPONENTS")
load("//third_party/llama.cpp:cpu_variants.bzl", "cpu_variants_constant")
load("//third_party/llama.cpp:version.bzl", "GGML_VERSION", "LLAMA_COMMIT", "LLAMA_VERSION")
load("//third_party/zig:pin.bzl", "LLVM_VERSION", "ZIG_VERSION")
load(":backends.bzl", "PLUGIN_EXTRAS", "RUN_TIME_FACTS", "backend", "run_time_name")
load(":metadata.bzl", "GENERATOR", "METADATA")

# Keys of METADATA to which the accelerators' table adds.
_BY_ACCELERATOR = ["extra_requires", "license_expression", "requires"]

def llama_cpp_wheel(name, abi, accelerator = None, **kwargs):
    """Declares the wheel of one Python ABI.

    Args:
      name: name of the target.
      abi: a key of PYTHON_ABIS.
      accelerator: one of ACCELERATORS; None for that of the target platform.
      **kwargs: common attributes, passed on to py_abi_wheel.
    """

    def by_accelerator(value):
        """Returns `value(accelerator)` for the accelerator of the wheel."""
        if accelerator:
            return value(accelerator)
        return select_accelerator({name: value(name) for name in ACCELERATORS})

    py_abi_wheel(
        name = name,
        srcs = [Label("//llama_cpp:sources")],
        abi = Label("@python_{}//:abi".format(abi)),
        accelerator_label = by_accelerator(_label),
        build_info = by_accelerator(_build_info),
        build_info_json = {name: json.encode(facts) for name, facts in RUN_TIME_FACTS.items()},
        build_info_lists = cpu_variants_constant(),
        components = LLAMA_CPP_COMPONENTS + [
            Label("//third_party/pybind11:component"),
            Label("//third_party/zig:compiler_rt_component"),
            Label("//third_party/zig:libcxx_component"),
        ] + by_accelerator(_components),
        description_file = Label("//:README.md"),
        entry_points = {
            "console_scripts": ["llama-cpp = llama_cpp.__main__:main"],
            # PyInstaller finds the package's hook by it.
            "pyinstaller40": ["hook-dirs = llama_cpp._pyinstaller:get_hook_dirs"],
        },
        extension = Label("//native/binding:module_" + abi),
        extra_requires = METADATA["extra_requires"] | PLUGIN_EXTRAS,
        generator = GENERATOR,
        import_name = "llama_cpp",
        license_expression = by_accelerator(_license_expression),
        license_files = {Label("//:LICENSE"): "LICENSE"},
        local_label = Label("//:local_label"),
        native = [Label("//llama_cpp:native")] + by_accelerator(_libraries),
        policy = Label("//packaging:policy"),
        requires = METADATA["requires"] + by_accelerator(_requires),
        version = Label("//:version"),
        **({key: value for key, value in METADATA.items() if key not in _BY_ACCELERATOR} | kwargs)
    )

def _build_info(accelerator):
    """Returns constants of `_build_info.py`."""
    return {
        "ACCELERATOR": run_time_name(accelerator),
        "COMPILER": "zig {} (clang {})".format(ZIG_VERSION, LLVM_VERSION),
        "GGML_VERSION": GGML_VERSION,
        "LLAMA_CPP_COMMIT": LLAMA_COMMIT,
        "LLAMA_CPP_VERSION": LLAMA_VERSION,
    }

def _license_expression(accelerator):
    return " AND ".join([METADATA["license_expression"]] + backend(accelerator).licenses)

def _label(accelerator):
    return ACCELERATORS[accelerator]["label"]

def _components(accelerator):
    return backend(accelerator).components

def _libraries(accelerator):
    return backend(accelerator).libraries

def _requires(accelerator):
    return backend(accelerator).requires
