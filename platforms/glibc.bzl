"""The oldest glibc that outputs must run on; the wheel's platform tag derives from it."""

# Floors as (major, minor). 2.17 is manylinux2014 (PEP 599), 2.28 manylinux_2_28 (PEP 600).
GLIBC_FLOORS = [
    (2, 17),
    (2, 28),
]

DEFAULT_GLIBC_FLOOR = (2, 17)

def glibc_value(floor):
    """Returns the name of the constraint value for a floor such as (2, 17)."""
    return "glibc_{}_{}".format(floor[0], floor[1])

def glibc_constraints(name):
    """Declares the constraint setting and its values.

    Args:
      name: name of the constraint_setting.
    """
    native.constraint_setting(
        name = name,
        default_constraint_value = ":" + glibc_value(DEFAULT_GLIBC_FLOOR),
    )
    for floor in GLIBC_FLOORS:
        native.constraint_value(
            name = glibc_value(floor),
            constraint_setting = ":" + name,
        )
