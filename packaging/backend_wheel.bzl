"""`llama_cpp_backend_wheel`: the plug-in with an accelerator's backend (docs/plugins.md)."""

load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("//bazel/wheel:defs.bzl", "py_plugin_wheel")
load("//platforms:accelerators.bzl", "ACCELERATORS")
load("//third_party/llama.cpp:version.bzl", "GGML_VERSION", "LLAMA_COMMIT")
load(":backends.bzl", "backend", "run_time_name")
load(":metadata.bzl", "GENERATOR", "METADATA", "PLUGIN_DISTRIBUTION")

# Classifiers about the Python package, which a plug-in does not contain, and about systems.
_NOT_OF_PLUGINS = ("Operating System ::", "Programming Language :: Python", "Typing ::")

_CLASSIFIERS = [
    classifier
    for classifier in METADATA["classifiers"]
    if not classifier.startswith(_NOT_OF_PLUGINS)
] + ["Programming Language :: Python :: 3"]

# System, as the accelerators' table calls it -> its classifier.
_SYSTEMS = {
    "linux": "Operating System :: POSIX :: Linux",
    "macos": "Operating System :: MacOS",
    "windows": "Operating System :: Microsoft :: Windows",
}

# Components of every backend's library, beside those of its row.
_COMPONENTS = [
    Label("//third_party/llama.cpp:ggml_component"),
    Label("//third_party/zig:compiler_rt_component"),
    Label("//third_party/zig:libcxx_component"),
]

def llama_cpp_backend_wheel(name, accelerator, **kwargs):
    """Declares the plug-in of an accelerator.

    Args:
      name: name of the target.
      accelerator: one of PLUGINS of backends.bzl.
      **kwargs: common attributes, passed on to py_plugin_wheel.
    """
    row = ACCELERATORS[accelerator]
    parts = backend(accelerator)
    backend_plugin_wheel(
        name = name,
        accelerator_label = row["label"],
        backend = run_time_name(accelerator),
        components = parts.components,
        libraries = parts.libraries,
        plugin = row["plugin"],
        requires = parts.requires,
        systems = row["systems"],
        tags = ["manual"] if parts.is_slow else [],
        # Only there are the sources compiled for this major version.
        target_compatible_with = (
            [Label("//platforms:" + accelerator)] if "major_of" in row else []
        ),
        **kwargs
    )

def backend_plugin_wheel(
        name,
        backend,
        plugin,
        libraries,
        accelerator_label,
        commit = LLAMA_COMMIT,
        components = [],
        requires = [],
        systems = ["linux"],
        version = Label("//:version"),
        **kwargs):
    """Declares the plug-in wheel of any backend library.

    Args:
      name: name of the target.
      backend: the backend's name for users, such as `rocm`.
      plugin: the distribution's name after `llama-cpp-backend-`; one word.
      libraries: the library, a list of one.
      accelerator_label: as for py_plugin_wheel.
      commit: the llama.cpp that the library is built from.
      components: wheel_components in the library, beside those of every backend.
      requires: requirements (PEP 508) beside that on llama-cpp-python.
      systems: systems that the library is for: `linux`, `macos`, `windows`.
      version: flag with the public version.
      **kwargs: common attributes, passed on to py_plugin_wheel.
    """
    package = "llama_cpp_backend_" + plugin
    copy_file(
        name = name + "_init",
        src = Label("//packaging/plugin:package.py"),
        out = package + "/__init__.py",
        tags = ["manual"],
    )
    py_plugin_wheel(
        name = name,
        srcs = [":{}_init".format(name)],
        accelerator_label = accelerator_label,
        build_info = {
            "GGML_VERSION": GGML_VERSION,
            "LLAMA_CPP_COMMIT": commit,
        },
        classifiers = sorted(_CLASSIFIERS + [_SYSTEMS[system] for system in systems]),
        components = _COMPONENTS + components,
        description_file = Label("//packaging/plugin:README.md"),
        distribution = PLUGIN_DISTRIBUTION.format(plugin = plugin),
        entry_points = {"llama_cpp.backends": ["{} = {}".format(backend, package)]},
        generator = GENERATOR,
        import_name = package,
        license_files = {Label("//:LICENSE"): "LICENSE"},
        native = libraries,
        policy = Label("//packaging:policy"),
        project_urls = METADATA["project_urls"],
        python_requires = METADATA["python_requires"],
        # A backend belongs to the very ggml that opens it. Local labels match: `0.3.100+cpu` is
        # `==0.3.100`.
        requires = [METADATA["distribution"] + "=={version}"] + requires,
        summary = "The {} backend of llama.cpp, for llama-cpp-python".format(backend),
        version = version,
        **kwargs
    )
