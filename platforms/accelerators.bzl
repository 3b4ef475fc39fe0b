"""The accelerator axis: one constraint setting, whose default is plain CPU."""

# Value -> local version label of a wheel built for it. A label names the ABI of the accelerator's libraries: CUDA 13's
# have sonames that end in 13.
ACCELERATORS = {
    "cpu": "cpu",
    "cuda": "cu13",
    "metal": "metal",
    "rocm": "rocm6",
    "vulkan": "vulkan",
}

DEFAULT_ACCELERATOR = "cpu"

def select_accelerator(values):
    """Selects on the accelerator that the target platform has.

    Args:
      values: accelerator -> value, for all of ACCELERATORS.

    Returns:
      A select().
    """
    return select({
        Label("//platforms:" + accelerator): values[accelerator]
        for accelerator in ACCELERATORS
    })

def accelerator_label():
    """Local version label of the accelerator that the target platform has, as a select()."""
    return select_accelerator(ACCELERATORS)

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
