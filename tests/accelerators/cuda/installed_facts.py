"""Facts about the installed CUDA wheel."""

from accelerator_table import row
from installed import Installed

# The other needed libraries are in wheels of NVIDIA, which ours requires.
FACTS = Installed("cuda", missing=[row("cuda")["driver_library"]])
