"""The wheels' facts about llama.cpp and the works inside its sources: licences and SBOM."""

load("//bazel/wheel:defs.bzl", "wheel_component")
load(":pin.bzl", "LLAMA_CPP_ARCHIVE")
load(":version.bzl", "GGML_VERSION", "LLAMA_COMMIT", "LLAMA_VERSION")

# Only works that are compiled into the libraries. Licence files: path in the sources -> path in the
# wheel. tests/wheel compares the versions with the sources.
_COMPONENTS = {
    "cpp-httplib": struct(
        license_expression = "MIT",
        license_files = {"vendor/cpp-httplib/LICENSE": "cpp-httplib/LICENSE"},
        purl = "pkg:github/yhirose/cpp-httplib@v0.60.1",
        version = "0.60.1",
    ),
    "ggml": struct(
        license_expression = "MIT",
        license_files = {"LICENSE": "llama.cpp/LICENSE"},
        purl = "pkg:github/ggml-org/ggml@v" + GGML_VERSION,
        version = GGML_VERSION,
    ),
    "llama.cpp": struct(
        license_expression = "MIT",
        license_files = {
            "LICENSE": "llama.cpp/LICENSE",
            "vendor/hash/rotate-bits/LICENSE.md": "rotate-bits/LICENSE",
        },
        purl = "pkg:github/ggml-org/llama.cpp@" + LLAMA_COMMIT,
        version = LLAMA_VERSION,
    ),
    # Of the two licences to choose from, the one that asks for no notice; so for stb_image.
    "miniaudio": struct(
        license_expression = "Unlicense",
        license_files = {},
        purl = "pkg:github/mackron/miniaudio@0.11.25",
        version = "0.11.25",
    ),
    "nlohmann-json": struct(
        license_expression = "MIT",
        license_files = {"licenses/LICENSE-jsonhpp": "nlohmann-json/LICENSE"},
        purl = "pkg:github/nlohmann/json@v3.12.0",
        version = "3.12.0",
    ),
    "stb_image": struct(
        license_expression = "Unlicense",
        license_files = {},
        purl = "pkg:generic/stb_image@2.30",
        version = "2.30",
    ),
    "xxhash": struct(
        license_expression = "BSD-2-Clause",
        license_files = {"vendor/hash/xxhash/LICENSE": "xxhash/LICENSE"},
        purl = "pkg:github/cyan4973/xxhash@v0.8.3",
        version = "0.8.3",
    ),
}

# For exports_files in the repository of the sources.
LICENSE_FILES = sorted({file: None for spec in _COMPONENTS.values() for file in spec.license_files})

# For `components` of py_abi_wheel.
LLAMA_CPP_COMPONENTS = [
    Label("//third_party/llama.cpp:{}_component".format(name))
    for name in _COMPONENTS
]

def llama_cpp_components(name):
    """Declares a wheel_component for each of them.

    Args:
      name: suffix of the names of the components, such as `ggml_component`.
    """
    for component, spec in _COMPONENTS.items():
        wheel_component(
            name = "{}_{}".format(component, name),
            component = component,
            file = LLAMA_CPP_ARCHIVE["file"],
            license_expression = spec.license_expression,
            license_files = {
                "@llama_cpp//:" + file: path
                for file, path in spec.license_files.items()
            },
            package = LLAMA_CPP_ARCHIVE["package"],
            purl = spec.purl,
            sha256 = LLAMA_CPP_ARCHIVE["sha256"],
            version = spec.version,
        )
