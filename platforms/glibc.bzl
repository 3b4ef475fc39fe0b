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
