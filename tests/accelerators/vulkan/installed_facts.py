"""Facts about the installed Vulkan wheel, or plug-in."""

from accelerator_table import row
from installed import Installed

FACTS = Installed("vulkan", missing=row("vulkan")["needed_libraries"])
