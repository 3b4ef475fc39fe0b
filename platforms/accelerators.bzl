"""The accelerator axis: one constraint setting, whose default is plain CPU.

The CUDA, ROCm, Metal and Vulkan backends add their value here when they are built.
"""

# Value -> local version label of a wheel built for it.
ACCELERATORS = {
    "cpu": "cpu",
}

DEFAULT_ACCELERATOR = "cpu"

def accelerator_label():
    """Local version label of the accelerator that the target platform has, as a select()."""
    return select({
        Label("//platforms:" + accelerator): label
        for accelerator, label in ACCELERATORS.items()
    })

def accelerator_constraints(name):
    """Declares the constraint setting and its values.

    Args:
      name: name of the constraint_setting.
    """
    native.constraint_setting(
        name = name,
        default_constraint_value = ":" + DEFAULT_ACCELERATOR,
    )
    for accelerator in ACCELERATORS:
        native.constraint_value(
            name = accelerator,
            constraint_setting = ":" + name,
        )
