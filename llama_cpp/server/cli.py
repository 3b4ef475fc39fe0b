"""Command-line options made of settings."""

from __future__ import annotations

import argparse
import json
from typing import Any, Dict, List, Literal, Type, TypeVar, Union

from pydantic import BaseModel
from typing_extensions import get_args, get_origin

_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no"})

M = TypeVar("M", bound=BaseModel)


def add_args_from_model(parser: argparse.ArgumentParser, model: Type[BaseModel]) -> None:
    """Adds an option for each setting, `--n_ctx` and `--n-ctx`. None has a default."""
    for name, field in model.model_fields.items():
        kinds = _kinds(field.annotation)
        text = field.description or ""
        if not field.is_required() and field.default is not None and "Default:" not in text:
            text += f" Default: {field.get_default(call_default_factory=True)}."
        options: Dict[str, Any] = {"dest": name, "help": text.replace("%", "%%")}
        if bool in kinds:
            options.update(type=_truth, nargs="?", const=True, metavar="true|false")
        elif dict in kinds:
            options.update(type=_object, metavar="JSON")
        elif list in kinds:
            options.update(nargs="*", type=str, metavar="VALUE")
        else:
            options.update(type=str, metavar=name.rpartition("_")[2].upper())
        parser.add_argument(*dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")), **options)


def parse_model_from_args(model: Type[M], args: argparse.Namespace) -> M:
    """Returns the settings that were given as options; the rest is from the environment."""
    given = {name: value for name, value in vars(args).items() if value is not None}
    return model(**{name: value for name, value in given.items() if name in model.model_fields})


def _kinds(annotation: Any) -> List[Any]:
    """Returns the types that an annotation allows, without their parameters."""
    origin = get_origin(annotation)
    if origin is Union:
        return [kind for each in get_args(annotation) for kind in _kinds(each)]
    if origin is Literal:
        return [str]
    return [origin or annotation]


def _truth(text: str) -> Any:
    """Returns True or False, or a number (of `numa`) as it is."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if word.isdigit():
        return int(word)
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _object(text: str) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("it is no JSON object")
    return value
