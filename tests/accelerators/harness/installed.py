"""Facts about an accelerator's wheel, installed on a machine without the accelerator."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from accelerator_table import row

BASE = "libllama_cpp_python-ggml-base.so"


@dataclass(frozen=True)
class Installed:
    """The facts of one accelerator, `FACTS` of its installed_facts.py.

    Attributes:
        accelerator: Its name in the table.
        missing: Libraries of the user's driver or toolkit that the library needs, in alphabetical
            order. The dynamic loader names the first one.
    """

    accelerator: str
    missing: list[str]

    @property
    def reason(self) -> str:
        """Returns the message's words about the missing library."""
        (library, *_), facts = self.missing, row(self.accelerator)
        if library == facts.get("driver_library"):
            return f"there is no {library}, which is part of the driver"
        return f"{library} is missing"

    @property
    def remedy(self) -> str:
        """Returns the table's advice for the missing library, up to a distribution's name."""
        (library, *_), facts = self.missing, row(self.accelerator)
        if library == facts.get("driver_library"):
            return facts["driver_hint"]
        (text,) = (
            text for start, text in facts["get_library"].items() if library.startswith(start)
        )
        return text.partition("{distribution}")[0]

    def has_driver(self) -> bool:
        """Returns whether this machine has the first of the missing libraries."""
        try:
            ctypes.CDLL(self.missing[0])
        except OSError:
            return False
        return True


def site() -> Path:
    """Returns the directory that the wheels are installed into."""
    return Path(importlib.util.find_spec("llama_cpp").origin).parents[1]


def library(accelerator: str) -> Path:
    """Returns the library with the backend in the wheel of llama_cpp."""
    return site() / f"llama_cpp/lib/libggml-{row(accelerator)['ggml_name']}.so"


def resolved(library: Path) -> dict[str, str]:
    """Returns the needed libraries, and where the dynamic loader finds them."""
    listing = subprocess.run(["ldd", library], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^\s*(\S+) => (not found|\S+)", listing, flags=re.MULTILINE))
