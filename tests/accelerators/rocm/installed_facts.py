"""Facts about the installed ROCm wheel."""

from accelerator_table import row
from installed import Installed

# hipBLAS needs rocBLAS, the backend does not. The wheel has nothing of a ROCm.
FACTS = Installed(
    "rocm",
    missing=[name for name in row("rocm")["needed_libraries"] if "rocblas" not in name],
)
