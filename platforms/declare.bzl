"""Declares constraint settings, and the platforms of systems that have no floors."""

load(":accelerators.bzl", "DEFAULT_ACCELERATOR")

def constraints(name, values, default):
    """Declares a constraint setting and its values.

    Args:
      name: name of the constraint_setting.
      values: names of the constraint values.
      default: that of a platform that names none.
    """
    native.constraint_setting(
        name = name,
        default_constraint_value = ":" + default,
    )
    for value in values:
        native.constraint_value(
            name = value,
            constraint_setting = ":" + name,
        )

def system_platform(name, cpu, accelerator):
    """Returns the name of a platform, which leaves out the default accelerator.

    Args:
      name: prefix of the platforms' names.
      cpu: a CPU of the system, as @platforms//cpu spells it.
      accelerator: one of the accelerators that the system has on the CPU.

    Returns:
      A name, to be used below //platforms.
    """
    return "_".join([name, cpu] + ([] if accelerator == DEFAULT_ACCELERATOR else [accelerator]))

def system_platforms(name, accelerators):
    """Declares one platform per CPU and accelerator, and `<name>_<cpu>_target` to select on.

    Args:
      name: prefix of the platforms' names, and the system as @platforms//os spells it.
      accelerators: CPU -> accelerators.
    """
    for cpu, of_cpu in accelerators.items():
        system = [
            "@platforms//cpu:" + cpu,
            "@platforms//os:" + name,
        ]
        native.config_setting(
            name = "{}_{}_target".format(name, cpu),
            constraint_values = system,
        )
        for accelerator in of_cpu:
            native.platform(
                name = system_platform(name, cpu, accelerator),
                constraint_values = system + [":" + accelerator],
            )
