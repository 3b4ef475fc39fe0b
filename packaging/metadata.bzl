"""METADATA of every wheel. Literals only: tools/pep517 reads this file as data, without Bazel."""

# Name of the generator in WHEEL and in the SBOM.
GENERATOR = "llama_cpp_python py_abi_wheel"

# Distribution of a plug-in; the extra that requires it has the plug-in's name.
PLUGIN_DISTRIBUTION = "llama-cpp-backend-{plugin}"

# Attributes of `py_abi_wheel`.
METADATA = {
    # Equal in every wheel of a version, whichever ABI it is for: indexes and resolvers read the
    # METADATA of one wheel only.
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
    # Beside those of the plug-ins.
    "extra_requires": {
        "disk-cache": ["diskcache>=5.6.1"],
        "hub": ["huggingface-hub>=0.23"],
        "server": [
            "fastapi>=0.110.0",
            "pydantic-settings>=2.0.1",
            "python-multipart>=0.0.13",
            "uvicorn>=0.22.0",
        ],
    },
    "license_expression": "MIT AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND " +
                          "BSD-3-Clause",
    "project_urls": {"llama.cpp": "https://github.com/ggml-org/llama.cpp"},
    "python_requires": ">=3.9",
    "requires": [
        "numpy>=1.20.0",
        # TypedDict of `typing` is not enough for pydantic before 3.12.
        "typing-extensions>=4.5; python_version < '3.12'",
    ],
    "summary": "Python bindings for llama.cpp, with every CPU variant in one wheel",
}
