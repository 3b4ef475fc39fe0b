"""`llama_cpp_wheel`: everything that the wheels of llama-cpp-python share, whatever their Python ABI."""

load("//bazel/wheel:defs.bzl", "py_abi_wheel")
load("//platforms:accelerators.bzl", "ACCELERATORS")
load("//third_party/llama.cpp:components.bzl", "LLAMA_CPP_COMPONENTS")
load("//third_party/llama.cpp:cpu_variants.bzl", "cpu_variants_constant")
load("//third_party/llama.cpp:version.bzl", "GGML_VERSION", "LLAMA_COMMIT", "LLAMA_VERSION")
load("//third_party/zig:pin.bzl", "LLVM_VERSION", "ZIG_VERSION")

_ACCELERATOR = {Label("//platforms:" + name): name for name in ACCELERATORS}

# Every wheel of a version says the same, whichever ABI it is for: indexes and resolvers read one wheel's METADATA only.
_PYTHON_VERSIONS = ["3.{}".format(minor) for minor in range(9, 16)]

_CLASSIFIERS = [
    "Intended Audience :: Developers",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: C++",
    "Programming Language :: Python :: 3",
] + [
    "Programming Language :: Python :: " + version
    for version in _PYTHON_VERSIONS
] + [
    # The module needs no GIL on any ABI (py::mod_gil_not_used).
    "Programming Language :: Python :: Free Threading :: 2 - Beta",
    "Programming Language :: Python :: Implementation :: CPython",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Typing :: Typed",
]

def llama_cpp_wheel(name, abi, extension, **kwargs):
    """Declares the wheel of one Python ABI.

    Args:
      name: name of the target.
      abi: target with PythonAbiInfo.
      extension: the module llama_cpp._core for that ABI.
      **kwargs: common attributes, passed on to py_abi_wheel.
    """
    py_abi_wheel(
        name = name,
        srcs = [Label("//llama_cpp:sources")],
        abi = abi,
        accelerator_label = select({
            constraint: ACCELERATORS[accelerator]
            for constraint, accelerator in _ACCELERATOR.items()
        }),
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
        classifiers = _CLASSIFIERS,
        components = LLAMA_CPP_COMPONENTS + [
            Label("//third_party/pybind11:component"),
            Label("//third_party/zig:compiler_rt_component"),
            Label("//third_party/zig:libcxx_component"),
        ],
        description_file = Label("//:README.md"),
        distribution = "llama-cpp-python",
        entry_points = {"console_scripts": ["llama-cpp = llama_cpp.__main__:main"]},
        extension = extension,
        extra_requires = {
            "disk-cache": ["diskcache>=5.6.1"],
            "hub": ["huggingface-hub>=0.23"],
        },
        import_name = "llama_cpp",
        license_expression = "MIT AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause",
        license_files = {Label("//:LICENSE"): "LICENSE"},
        local_label = Label("//:local_label"),
        native = [Label("//llama_cpp:native")],
        project_urls = {"llama.cpp": "https://github.com/ggml-org/llama.cpp"},
        python_requires = ">=" + _PYTHON_VERSIONS[0],
        requires = [
            "numpy>=1.20.0",
            # TypedDict of `typing` is not enough for pydantic before 3.12.
            "typing-extensions>=4.5; python_version < '3.12'",
        ],
        summary = "Python bindings for llama.cpp, with every CPU variant in one wheel",
        version = Label("//:version"),
        **kwargs
    )
