"""`llama_cpp_wheel`: everything that the wheels of llama-cpp-python share, whatever their Python ABI."""

load("//bazel/wheel:defs.bzl", "py_abi_wheel")
load("//platforms:accelerators.bzl", "ACCELERATORS", "accelerator_label")
load("//third_party/llama.cpp:components.bzl", "LLAMA_CPP_COMPONENTS")
load("//third_party/llama.cpp:cpu_variants.bzl", "cpu_variants_constant")
load("//third_party/llama.cpp:version.bzl", "GGML_VERSION", "LLAMA_COMMIT", "LLAMA_VERSION")
load("//third_party/zig:pin.bzl", "LLVM_VERSION", "ZIG_VERSION")
load(":metadata.bzl", "METADATA")

_ACCELERATOR = {Label("//platforms:" + name): name for name in ACCELERATORS}

def llama_cpp_wheel(name, abi, **kwargs):
    """Declares the wheel of one Python ABI.

    Args:
      name: name of the target.
      abi: a key of PYTHON_ABIS.
      **kwargs: common attributes, passed on to py_abi_wheel.
    """
    py_abi_wheel(
        name = name,
        srcs = [Label("//llama_cpp:sources")],
        abi = Label("@python_{}//:abi".format(abi)),
        accelerator_label = accelerator_label(),
        build_info = select({
            constraint: {
                "ACCELERATOR": accelerator,
                "COMPILER": "zig {} (clang {})".format(ZIG_VERSION, LLVM_VERSION),
                "GGML_VERSION": GGML_VERSION,
                "LLAMA_CPP_COMMIT": LLAMA_COMMIT,
                "LLAMA_CPP_VERSION": LLAMA_VERSION,
            }
            for constraint, accelerator in _ACCELERATOR.items()
        }),
        build_info_lists = cpu_variants_constant(),
        components = LLAMA_CPP_COMPONENTS + [
            Label("//third_party/pybind11:component"),
            Label("//third_party/zig:compiler_rt_component"),
            Label("//third_party/zig:libcxx_component"),
        ],
        description_file = Label("//:README.md"),
        entry_points = {"console_scripts": ["llama-cpp = llama_cpp.__main__:main"]},
        extension = Label("//llama_cpp/_core:core_" + abi),
        import_name = "llama_cpp",
        license_files = {Label("//:LICENSE"): "LICENSE"},
        local_label = Label("//:local_label"),
        native = [Label("//llama_cpp:native")],
        version = Label("//:version"),
        **(METADATA | kwargs)
    )
