"""Makes the context of a loaded model, without the CPU's own layouts of weights if need be."""

from __future__ import annotations

import warnings
from typing import Tuple

from . import _core, _loader
from ._errors import WeightLayoutError
from ._paths import shown


def open_context(
    model: _core.Model, model_params: _core.ModelParams, context_params: _core.ContextParams
) -> Tuple[_core.Model, _core.Context]:
    """Returns the context and its model.

    That is another model than the given one, and the given one is closed, when its weights lie in a
    layout that the CPU variant cannot compute with. Then ``model_params.use_extra_bufts`` is False.
    """
    try:
        return model, _core.Context(model, context_params)
    except WeightLayoutError as error:
        reason = str(error).splitlines()[0]
    path, description = model.path, model.desc
    model.close()
    warnings.warn(
        f"{shown(path)} is loaded again, without repacked weights, which is slower:"
        f" {reason}. Please report it with the CPU variant, {_loader.report.variant!r}, and the"
        f" model, {description!r}",
        RuntimeWarning,
        stacklevel=3,
    )
    model_params.use_extra_bufts = False
    model = _core.Model(path, model_params)
    return model, _core.Context(model, context_params)
