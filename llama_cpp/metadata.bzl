"""What METADATA of every wheel says. Literals only: tools/pep517 reads this file as data, without Bazel."""

# Accelerator -> plug-in, as in the distribution `llama-cpp-backend-<plug-in>` and in the extra of that name. Like a local
# version label it names the ABI of the accelerator's libraries.
PLUGINS = {
    "cuda": "cuda13",
    "metal": "metal",
    "rocm": "rocm6",
    "vulkan": "vulkan",
}

# Attributes of `py_abi_wheel`.
METADATA = {
    # Every wheel of a version says the same, whichever ABI it is for: indexes and resolvers read one wheel's only.
    "classifiers": [
        "Intended Audience :: Developers",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C++",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Programming Language :: Python :: 3.15",
        # The module needs no GIL on any ABI (py::mod_gil_not_used).
        "Programming Language :: Python :: Free Threading :: 2 - Beta",
        "Programming Language :: Python :: Implementation :: CPython",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    "distribution": "llama-cpp-python",
    # In requirements `{version}` is the public version.
    "extra_requires": {
        "cuda13": ["llama-cpp-backend-cuda13=={version}"],
        "disk-cache": ["diskcache>=5.6.1"],
        "hub": ["huggingface-hub>=0.23"],
        "metal": ["llama-cpp-backend-metal=={version}"],
        "rocm6": ["llama-cpp-backend-rocm6=={version}"],
        "vulkan": ["llama-cpp-backend-vulkan=={version}"],
    },
    "license_expression": "MIT AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause",
    "project_urls": {"llama.cpp": "https://github.com/ggml-org/llama.cpp"},
    "python_requires": ">=3.9",
    "requires": [
        "numpy>=1.20.0",
        # TypedDict of `typing` is not enough for pydantic before 3.12.
        "typing-extensions>=4.5; python_version < '3.12'",
    ],
    "summary": "Python bindings for llama.cpp, with every CPU variant in one wheel",
}
