"""The package's modules import downwards only, and never in a circle.

Every import statement counts: those inside functions, and those for type checkers alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import llama_cpp

ROOT = Path(llama_cpp.__file__).parent
# From the ground up. A name stands for a module or a package with all of its modules.
LAYERS = (
    (
        "_build_info",
        "_core",
        "_ctypes_extensions",
        "_errors",
        "_numpy",
        "_pyinstaller",
        "_utils",
        "llama_types",
    ),
    ("_backends", "_logger", "_media"),
    ("_capi",),
    ("_engine", "_pretrained"),
    ("_chat", "_serving"),
    (
        "_internals",
        "_private_members",
        "llama_cache",
        "llama_chat_format",
        "llama_cpp",
        "llama_grammar",
        "llama_speculative",
        "llama_tokenizer",
        "mtmd_cpp",
    ),
    ("llama", "server"),
    ("_console", "_rpc_server"),
    ("", "__main__", "_info"),
)

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Returns the modules by name below llama_cpp; "" is the package itself."""
    found = {}
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.suffix == ".py":
            found[".".join(parts).removesuffix(".py").removesuffix("__init__").rstrip(".")] = path
        elif path.suffix in (".so", ".pyd") and len(parts) == 1:
            found[path.name.partition(".")[0]] = path
    return found


def import_graph() -> Graph:
    known = modules()
    sources = {name: path for name, path in known.items() if path.suffix == ".py"}
    return {name: set(imports(name, path, set(known))) for name, path in sources.items()}


def imports(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """Yields the modules of the package that a module's statements import."""
    package = ["llama_cpp", *filter(None, name.split("."))]
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            targets = [(module, alias.name) for alias in node.names]
        else:
            continue
        for module, attribute in targets:
            if module == "llama_cpp" or module.startswith("llama_cpp."):
                found = module[len("llama_cpp.") :]
                inner = f"{found}.{attribute}".strip(".")
                yield inner if inner in known else found


def layer(name: str) -> int:
    for index, names in enumerate(LAYERS):
        if name in names or name.partition(".")[0] in names:
            return index
    raise AssertionError(f"{name} is in no layer: add it to LAYERS")


def circles(graph: Graph) -> list[set[str]]:
    """Returns the sets of modules that reach each other."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        pending = [start]
        while pending:
            for target in graph.get(pending.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        return seen

    reached = {name: reach(name) for name in graph}
    found = []
    for name in graph:
        circle = {other for other in reached[name] if name in reached.get(other, ())}
        if circle and circle not in found:
            found.append(circle)
    return found


def test_there_is_no_circle():
    found = circles(import_graph())
    print(f"{len(found)} circles with {sum(map(len, found))} modules")
    assert not found


def test_nothing_imports_upwards():
    graph = import_graph()
    upward = sorted(
        f"{name or 'llama_cpp'} imports {target}"
        for name, targets in graph.items()
        for target in targets
        if layer(target) > layer(name)
    )
    print(f"{len(upward)} upward imports of {sum(map(len, graph.values()))}")
    assert not upward


def test_a_circle_and_an_upward_import_are_found():
    """The checks above would notice them."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]
    known = set(modules())
    source = ROOT / "_errors.py"
    assert layer("_engine.session") > layer("_errors") and source.exists()
    assert "_core" in known and "_engine.session" in set(import_graph()["_engine.generation"])


def test_every_module_has_a_layer():
    assert all(layer(name) >= 0 for name in modules())
