"""Facts about the installed Vulkan wheel, or plug-in."""

from accelerator_table import row
from installed import Installed

_ROW = row("vulkan")
FACTS = Installed(
    "vulkan",
    missing=[name for name in _ROW["needed_libraries"] if name != _ROW["windows_library"]],
)
