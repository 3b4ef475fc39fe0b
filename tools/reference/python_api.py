"""The public modules and names of the package, read from its sources by griffe."""

from __future__ import annotations

import ast
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

import griffe

# In the package's __init__.py: its public submodules, and those whose names are the package's too.
_SUBMODULES = "_SUBMODULES"
_PUBLIC = "_PUBLIC"
# The package hands out every name of this module that ends like this.
_ERRORS, _ERROR = "_errors", "Error"


class PublicModule(NamedTuple):
    """A module that users import from.

    Attributes:
        path: Such as `llama_cpp.llama_cache`.
        docstring: Its docstring.
        objects: Public name -> object; names of other packages are left out.
    """

    path: str
    docstring: str
    objects: dict[str, Any]


class _ComputedAll(griffe.Extension):
    """Evaluates `__all__` before wildcard imports are expanded, which take its names."""

    def on_module_members(self, *, mod: griffe.Module, **_: Any) -> None:
        """Handles one module."""
        _evaluate_all(mod)


def docstring(target: griffe.Object) -> str:
    """Returns the docstring; empty if there is none."""
    return target.docstring.value if target.docstring else ""


def public_modules(directory: Path, generated: Sequence[Path] = ()) -> list[PublicModule]:
    """Returns the package itself and its public submodules, by name.

    Args:
        directory: the package.
        generated: modules that belong to it and are elsewhere, in a directory of the package's
            name. Their own names are left out: another page describes them.
    """
    if not generated:
        return _read(directory, [])
    with tempfile.TemporaryDirectory() as scratch:
        merged = Path(scratch, directory.name)
        shutil.copytree(directory, merged, symlinks=False)
        modules = [_below(file, directory.name) for file in generated]
        for file, module in zip(generated, modules):
            shutil.copyfile(file, merged / module)
        return _read(merged, [module for module in modules if module.suffix == ".py"])


def _below(file: Path, name: str) -> Path:
    """Returns a file's path below the directory of this name."""
    return Path(*file.parts[len(file.parts) - file.parts[::-1].index(name) :])


def _read(directory: Path, left_out: list[Path]) -> list[PublicModule]:
    loader = griffe.GriffeLoader(
        extensions=griffe.load_extensions(_ComputedAll),
        search_paths=[str(directory.parent)],
        allow_inspection=False,
    )
    package = loader.load(directory.name)
    assert isinstance(package, griffe.Module)
    for module in _walk(package):
        # Wildcard imports have brought more names by now.
        _evaluate_all(module)
    for module in _walk(package):
        loader.expand_exports(module)
    loader.resolve_aliases(external=False)
    exported = [package[path] for path in _literal(package, _PUBLIC)]
    objects = {name: target for module in exported for name, target in _objects(module).items()}
    errors = package[_ERRORS].classes.items()
    objects |= {name: target for name, target in errors if name.endswith(_ERROR)}
    submodules = [name for name in _literal(package, _SUBMODULES) if not name.startswith("_")]
    modules = [
        PublicModule(package.path, docstring(package), dict(sorted(objects.items()))),
        *(_public(package[name]) for name in sorted(submodules)),
    ]
    prefixes = tuple(
        ".".join([package.path, *module.with_suffix("").parts, ""]) for module in left_out
    )
    return [_without(module, prefixes) for module in modules]


def _without(module: PublicModule, prefixes: tuple[str, ...]) -> PublicModule:
    """Returns a module without the objects whose paths begin so."""
    kept = {
        name: target
        for name, target in module.objects.items()
        if not (prefixes and target.path.startswith(prefixes))
    }
    return module._replace(objects=kept)


def homes(modules: list[PublicModule]) -> dict[str, PublicModule]:
    """Returns path of an object -> the module that documents it: the most special one."""
    package, *others = modules
    by_size = [package, *sorted(others, key=lambda module: len(module.objects), reverse=True)]
    return {target.path: module for module in by_size for target in module.objects.values()}


def _resolve(member: Any) -> Optional[griffe.Object]:
    try:
        return member.final_target if member and member.is_alias else member
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None


def _walk(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for child in module.modules.values():
        if not child.is_alias:
            yield from _walk(child)


def _public(module: griffe.Module) -> PublicModule:
    return PublicModule(module.path, docstring(module), _objects(module))


def _objects(module: griffe.Module) -> dict[str, Any]:
    found = {name: _resolve(module.members.get(str(name))) for name in module.exports or ()}
    return {
        str(name): target
        for name, target in sorted(found.items())
        if target and target.path.startswith(module.package.path + ".")
    }


def _literal(module: griffe.Module, name: str) -> tuple[str, ...]:
    """Returns the strings of a constant such as ("a", "b") or frozenset(("a", "b"))."""
    value = module[name].value
    return ast.literal_eval(str(value.arguments[0] if hasattr(value, "arguments") else value))


def _evaluate_all(module: griffe.Module) -> None:
    """Sets the exports of a module whose __all__ is computed from its own names."""
    value = module.members["__all__"].value if "__all__" in module.members else None
    if isinstance(value, griffe.ExprListComp):
        names = [name for name in module.members if name != "__all__"]
        constants = {
            name: ast.literal_eval(str(member.value))
            for name, member in module.attributes.items()
            if not member.is_alias and isinstance(member.value, griffe.ExprTuple)
        }
        module.exports = eval(str(value), {**constants, "globals": lambda: names})
