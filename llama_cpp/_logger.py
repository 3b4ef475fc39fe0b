"""Where llama.cpp's messages go.

The native log bridge (``_core``) hands whole lines to :func:`_sink`. They go to Python's logger
``llama-cpp-python`` when the program has configured logging, else to ``sys.stderr``. No file
descriptor is ever touched, so output of other threads and libraries is unaffected.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any, Callable, Optional

from . import _core

__all__ = ["GGML_LOG_LEVEL_TO_LOGGING_LEVEL", "llama_log_callback", "logger", "set_verbose"]

logger = logging.getLogger("llama-cpp-python")

# enum ggml_log_level of ggml.h. 5 (CONT) continues the line before; _core joins those.
GGML_LOG_LEVEL_TO_LOGGING_LEVEL = {
    0: logging.CRITICAL,
    1: logging.DEBUG,
    2: logging.INFO,
    3: logging.WARNING,
    4: logging.ERROR,
    5: logging.DEBUG,
}

LogCallback = Callable[[int, bytes, Any], None]
_user_callback: Optional[LogCallback] = None
_settings_lock = threading.RLock()  # level, sink and callback are changed together


def _sink(level: int, text: str) -> None:
    if logger.hasHandlers():
        logger.log(GGML_LOG_LEVEL_TO_LOGGING_LEVEL.get(level, logging.INFO), "%s", text.rstrip())
    elif sys.stderr is not None:
        sys.stderr.write(text if text.endswith("\n") else text + "\n")


def llama_log_callback(level: int, text: bytes, user_data: Any) -> None:
    """Shows a message as this package does by itself; for llama_log_set() after another one."""
    if GGML_LOG_LEVEL_TO_LOGGING_LEVEL.get(level, logging.INFO) >= logger.level:
        _sink(level, text.decode("utf-8", "replace"))


def set_verbose(verbose: bool) -> None:
    """Shows everything llama.cpp says (True), or errors only (False)."""
    with _settings_lock:
        logger.setLevel(logging.DEBUG if verbose else logging.ERROR)
        if _user_callback is None:  # a callback of the user's sees every message, whatever is shown
            _core.set_log_level(_core.LogLevel.DEBUG if verbose else _core.LogLevel.ERROR)


def set_log_callback(callback: Optional[LogCallback], user_data: Any = None) -> None:
    """Sends native messages to ``callback(level, text, user_data)``; None restores the default.

    ``level`` is llama.cpp's (DEBUG 1, INFO 2, WARN 3, ERROR 4), ``text`` a line as UTF-8 bytes.
    """
    global _user_callback
    with _settings_lock:
        _user_callback = callback
        if callback is None:
            _core.set_log_sink(_sink)
            is_quiet = logger.level >= logging.ERROR
            _core.set_log_level(_core.LogLevel.ERROR if is_quiet else _core.LogLevel.DEBUG)
        else:
            _core.set_log_sink(
                lambda level, text: callback(int(level), text.encode("utf-8", "replace"), user_data)
            )
            _core.set_log_level(_core.LogLevel.DEBUG)


_core.set_log_sink(_sink)
