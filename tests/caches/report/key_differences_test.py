"""The report on two made-up builds that differ in one thing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import key_differences
import made_up
import wording
from actions import Shared, read
from key_differences import Cause
from made_up import compile_action, files, link_action

_INPUTS = {"x.c": "x", "a.h": "1", "cc.sh": "cc"}


def _causes(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[Cause]:
    """Takes both builds through their logs."""
    with tempfile.TemporaryDirectory() as folder:
        shared = Shared()
        builds = [
            list(read(made_up.write_log(Path(folder, "log"), build), shared, inputs=True))
            for build in (first, second)
        ]
    return key_differences.causes(*builds, shared)


def _sentences(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[str]:
    return list(map(wording.sentence, _causes(first, second)))


def _assert_one(sentence: str, **changed: Any) -> None:
    """Asserts the report on one action that changed in one way."""
    found = _sentences([compile_action("x")], [compile_action("x", **changed)])
    assert found == [sentence]


def _with_inputs(contents: dict[str, str]) -> dict[str, Any]:
    return {"inputs": files(contents, tools=("cc.sh",))}


def test_an_argument_changed():
    arguments = ["./cc.sh", "-O3", *compile_action("x")["commandArgs"][2:]]
    _assert_one("argument: -O2 -> -O3", commandArgs=arguments)


def test_an_argument_is_new_or_gone():
    arguments = compile_action("x")["commandArgs"]
    _assert_one("argument: -DNEW (new)", commandArgs=[*arguments, "-DNEW"])
    _assert_one("argument: -O2 (gone)", commandArgs=arguments[:1] + arguments[2:])


def test_long_arguments_are_shown_where_they_differ():
    one, two = (f"{'a' * 200}{middle}{'b' * 200}" for middle in ("1", "2"))
    found = _sentences(
        [compile_action("x", commandArgs=["sh", "-c", one])],
        [compile_action("x", commandArgs=["sh", "-c", two])],
    )
    a, b = "a" * 12, "b" * 12
    assert found == [f"argument: ...{a}1{b}... -> ...{a}2{b}..."]


def test_variables():
    _assert_one(
        "environment: LANG: C -> de", environmentVariables=[{"name": "LANG", "value": "de"}]
    )
    _assert_one("environment: LANG: C (gone)", environmentVariables=[])


def test_a_platform_property():
    _assert_one(
        "platform: Pool: large (new)",
        platform={"properties": [{"name": "Pool", "value": "large"}]},
    )


def test_a_header_changed():
    old, new = (made_up.digest(content)["hash"][:12] for content in ("1", "2"))
    _assert_one(f"input: a.h ({old} -> {new})", **_with_inputs(_INPUTS | {"a.h": "2"}))


def test_inputs_come_and_go():
    _assert_one("input: b.h (new)", **_with_inputs(_INPUTS | {"b.h": "2"}))
    left = {path: content for path, content in _INPUTS.items() if path != "a.h"}
    _assert_one("input: a.h (gone)", **_with_inputs(left))


def test_a_tool_is_named_once():
    builds = []
    for content in ("old", "new"):
        inputs = {
            **_INPUTS,
            "cc.sh": content,
            "bazel-out/h/bin/t.runfiles/_main/cc.sh": content,
        }
        tools = tuple(path for path in inputs if path.endswith("cc.sh"))
        builds.append([compile_action("x", inputs=files(inputs, tools))])
    old, new = (made_up.digest(content)["hash"][:12] for content in ("old", "new"))
    assert _sentences(*builds) == [f"tool: cc.sh ({old} -> {new})"]


def test_a_symlink_points_elsewhere():
    links = [[{"path": "link", "isTool": False, "symlinkTargetPath": target}] for target in "ab"]
    found = _sentences(*([compile_action("x", inputs=link)] for link in links))
    assert found == ["input: link (a -> b)"]


def test_400_actions_with_one_cause_are_one_line():
    builds = [
        [
            compile_action(f"x{number}", inputs=files({f"x{number}.c": "", "a.h": content}))
            for number in range(400)
        ]
        for content in "12"
    ]
    (cause,) = _causes(*builds)
    assert len(cause.actions) == 400
    assert wording.counts(cause.actions) == "CppCompile 400"
    assert wording.sentence(cause).startswith("input: a.h (")


def test_many_files_of_the_same_actions_are_one_line():
    builds = [
        [
            compile_action(name, inputs=files({f"{i:02}.h": content for i in range(50)}))
            for name in ("x", "y")
        ]
        for content in "12"
    ]
    (cause,) = _causes(*builds)
    assert (len(cause.actions), len(cause.changes)) == (2, 50)
    assert wording.sentence(cause).endswith("and 47 more")


def test_what_follows_is_told_from_what_began_it():
    builds = []
    for option in ("-O2", "-O3"):
        objects = [
            compile_action(
                name,
                commandArgs=[option],
                actualOutputs=files({f"bazel-out/k8-opt/bin/{name}.o": option}),
            )
            for name in ("x", "y")
        ]
        builds.append([*objects, link_action({"x": option, "y": option})])
    assert _sentences(*builds) == [
        "argument: -O2 -> -O3",
        "outputs of other actions that changed: CppCompile",
    ]


def test_a_parameter_file_holds_arguments():
    path = link_action({})["commandArgs"][1][1:]
    builds = [[link_action({}, inputs=files({path: content}))] for content in "12"]
    assert _sentences(*builds) == ["argument: in a parameter file, which the log does not hold"]


def test_a_renamed_configuration_is_one_cause():
    before = link_action({"x": "1"})
    after = link_action(
        {},
        commandArgs=["./ld.sh", "@bazel-out/k8-dbg/bin/all.so-2.params"],
        inputs=files({"bazel-out/k8-dbg/bin/x.o": "1"}),
        listedOutputs=["bazel-out/k8-dbg/bin/all.so"],
    )
    assert _sentences([before], [after]) == ["output folder: k8-opt -> k8-dbg"]


def test_a_target_of_two_configurations():
    def variant(folder: str, option: str) -> dict[str, Any]:
        return compile_action(
            "x", commandArgs=[option], listedOutputs=[f"bazel-out/{folder}/bin/x.o"]
        )

    first = [variant("k8-exec", "-O0"), variant("k8-opt", "-O2")]
    second = [variant("k8-dbg", "-O2"), variant("k8-exec", "-O0")]
    assert sorted(_sentences(first, second)) == [
        "output folder: k8-opt -> k8-dbg",
        "same key: no cache that was asked had the result",
    ]


def test_outputs_and_timeouts():
    outputs = compile_action("x")["listedOutputs"]
    _assert_one("output: x.d (new)", listedOutputs=[*outputs, "x.d"])
    _assert_one("timeout: 0 -> 9", timeoutMillis="9")


def test_the_same_key():
    _assert_one("same key: no cache that was asked had the result")
    _assert_one("may not be cached (a tag, or --nocache_test_results)", cacheable=False)
    found = _sentences(
        [compile_action("x", digest={"hash": "1"})], [compile_action("x", digest={"hash": "2"})]
    )
    assert found == ["key differs by something that the log does not hold"]


def test_a_new_action():
    found = _sentences([compile_action("x")], [compile_action("y")])
    assert found == ["not in the first log: new, or it was up to date there"]


def test_a_version_in_the_name_of_an_output():
    builds = [
        [
            link_action(
                {},
                listedOutputs=[f"w-{version}.whl"],
                actualOutputs=files({f"w-{version}.whl": version}),
            ),
            compile_action("check", inputs=files({f"w-{version}.whl": version})),
        ]
        for version in "12"
    ]
    assert _sentences(*builds) == [
        "outputs of other actions that changed: CppLink",
        "output: w-1.whl -> w-2.whl",
    ]


def test_hits_are_counted_apart():
    hit = {"cacheHit": True, "runner": "disk cache hit"}
    first = [compile_action(name) for name in ("x", "y", "z")]
    second = [
        compile_action("x", timeoutMillis="9"),
        compile_action("y", timeoutMillis="9", **hit),
        # Nothing changed, nothing ran: not worth a word.
        compile_action("z", **hit),
    ]
    (cause,) = _causes(first, second)
    assert (len(cause.actions), len(cause.hits)) == (1, 1)
