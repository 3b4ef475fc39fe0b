"""The oldest macOS that what is built must run on. The wheel's platform tag is derived from it."""

# (major, minor). llama.cpp's own releases ask for 13.3 (.github/workflows/build.yml); a wheel's tag knows whole versions only, and
# nothing in ggml needs the three.
MACOS_DEPLOYMENT_TARGET = (13, 0)

# CPUs that there are macOS platforms for; `@platforms//cpu` -> as Apple and wheel tags call it.
MACOS_CPUS = {"aarch64": "arm64"}

# Accelerators that a Mac can have.
MACOS_ACCELERATORS = ["cpu", "metal"]

def macos_platforms(name):
    """Declares one platform per CPU and accelerator, and `<name>_<cpu>_target` to select on.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in MACOS_CPUS:
        native.config_setting(
            name = "{}_{}_target".format(name, cpu),
            constraint_values = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:macos",
            ],
        )
        for accelerator in MACOS_ACCELERATORS:
            native.platform(
                name = "_".join([name, cpu] + ([] if accelerator == "cpu" else [accelerator])),
                constraint_values = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:macos",
                    ":" + accelerator,
                ],
            )
