"""The report on two made-up builds that differ in one thing."""

from __future__ import annotations

import tempfile
import unittest
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


class KeyDifferencesTest(unittest.TestCase):
    def _assert_one(self, sentence: str, **changed: Any) -> None:
        """Asserts the report on one action that changed in one way."""
        found = _sentences([compile_action("x")], [compile_action("x", **changed)])
        self.assertEqual([sentence], found)

    def _with_inputs(self, contents: dict[str, str]) -> dict[str, Any]:
        return {"inputs": files(contents, tools=("cc.sh",))}

    def test_an_argument_changed(self) -> None:
        arguments = ["./cc.sh", "-O3", *compile_action("x")["commandArgs"][2:]]
        self._assert_one("argument: -O2 -> -O3", commandArgs=arguments)

    def test_an_argument_is_new_or_gone(self) -> None:
        arguments = compile_action("x")["commandArgs"]
        self._assert_one("argument: -DNEW (new)", commandArgs=[*arguments, "-DNEW"])
        self._assert_one("argument: -O2 (gone)", commandArgs=arguments[:1] + arguments[2:])

    def test_long_arguments_are_shown_where_they_differ(self) -> None:
        one, two = (f"{'a' * 200}{middle}{'b' * 200}" for middle in ("1", "2"))
        found = _sentences(
            [compile_action("x", commandArgs=["sh", "-c", one])],
            [compile_action("x", commandArgs=["sh", "-c", two])],
        )
        a, b = "a" * 12, "b" * 12
        self.assertEqual([f"argument: ...{a}1{b}... -> ...{a}2{b}..."], found)

    def test_variables(self) -> None:
        self._assert_one(
            "environment: LANG: C -> de", environmentVariables=[{"name": "LANG", "value": "de"}]
        )
        self._assert_one("environment: LANG: C (gone)", environmentVariables=[])

    def test_a_platform_property(self) -> None:
        self._assert_one(
            "platform: Pool: large (new)",
            platform={"properties": [{"name": "Pool", "value": "large"}]},
        )

    def test_a_header_changed(self) -> None:
        old, new = (made_up.digest(content)["hash"][:12] for content in ("1", "2"))
        self._assert_one(
            f"input: a.h ({old} -> {new})", **self._with_inputs(_INPUTS | {"a.h": "2"})
        )

    def test_inputs_come_and_go(self) -> None:
        self._assert_one("input: b.h (new)", **self._with_inputs(_INPUTS | {"b.h": "2"}))
        left = {path: content for path, content in _INPUTS.items() if path != "a.h"}
        self._assert_one("input: a.h (gone)", **self._with_inputs(left))

    def test_a_tool_is_named_once(self) -> None:
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
        self.assertEqual([f"tool: cc.sh ({old} -> {new})"], _sentences(*builds))

    def test_a_symlink_points_elsewhere(self) -> None:
        links = [
            [{"path": "link", "isTool": False, "symlinkTargetPath": target}] for target in "ab"
        ]
        found = _sentences(*([compile_action("x", inputs=link)] for link in links))
        self.assertEqual(["input: link (a -> b)"], found)

    def test_400_actions_with_one_cause_are_one_line(self) -> None:
        builds = [
            [
                compile_action(f"x{number}", inputs=files({f"x{number}.c": "", "a.h": content}))
                for number in range(400)
            ]
            for content in "12"
        ]
        (cause,) = _causes(*builds)
        self.assertEqual(400, len(cause.actions))
        self.assertEqual("CppCompile 400", wording.counts(cause.actions))
        self.assertTrue(wording.sentence(cause).startswith("input: a.h ("))

    def test_many_files_of_the_same_actions_are_one_line(self) -> None:
        builds = [
            [
                compile_action(name, inputs=files({f"{i:02}.h": content for i in range(50)}))
                for name in ("x", "y")
            ]
            for content in "12"
        ]
        (cause,) = _causes(*builds)
        self.assertEqual((2, 50), (len(cause.actions), len(cause.changes)))
        self.assertTrue(wording.sentence(cause).endswith("and 47 more"))

    def test_what_follows_is_told_from_what_began_it(self) -> None:
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
        self.assertEqual(
            ["argument: -O2 -> -O3", "outputs of other actions that changed: CppCompile"],
            _sentences(*builds),
        )

    def test_a_parameter_file_holds_arguments(self) -> None:
        path = link_action({})["commandArgs"][1][1:]
        builds = [[link_action({}, inputs=files({path: content}))] for content in "12"]
        self.assertEqual(
            ["argument: in a parameter file, which the log does not hold"], _sentences(*builds)
        )

    def test_a_renamed_configuration_is_one_cause(self) -> None:
        before = link_action({"x": "1"})
        after = link_action(
            {},
            commandArgs=["./ld.sh", "@bazel-out/k8-dbg/bin/all.so-2.params"],
            inputs=files({"bazel-out/k8-dbg/bin/x.o": "1"}),
            listedOutputs=["bazel-out/k8-dbg/bin/all.so"],
        )
        self.assertEqual(["output folder: k8-opt -> k8-dbg"], _sentences([before], [after]))

    def test_a_target_of_two_configurations(self) -> None:
        def variant(folder: str, option: str) -> dict[str, Any]:
            return compile_action(
                "x", commandArgs=[option], listedOutputs=[f"bazel-out/{folder}/bin/x.o"]
            )

        first = [variant("k8-exec", "-O0"), variant("k8-opt", "-O2")]
        second = [variant("k8-dbg", "-O2"), variant("k8-exec", "-O0")]
        self.assertEqual(
            ["output folder: k8-opt -> k8-dbg", "same key: no cache that was asked had the result"],
            sorted(_sentences(first, second)),
        )

    def test_outputs_and_timeouts(self) -> None:
        outputs = compile_action("x")["listedOutputs"]
        self._assert_one("output: x.d (new)", listedOutputs=[*outputs, "x.d"])
        self._assert_one("timeout: 0 -> 9", timeoutMillis="9")

    def test_the_same_key(self) -> None:
        self._assert_one("same key: no cache that was asked had the result")
        self._assert_one("may not be cached (a tag, or --nocache_test_results)", cacheable=False)
        found = _sentences(
            [compile_action("x", digest={"hash": "1"})], [compile_action("x", digest={"hash": "2"})]
        )
        self.assertEqual(["key differs by something that the log does not hold"], found)

    def test_a_new_action(self) -> None:
        found = _sentences([compile_action("x")], [compile_action("y")])
        self.assertEqual(["not in the first log: new, or it was up to date there"], found)

    def test_a_version_in_the_name_of_an_output(self) -> None:
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
        self.assertEqual(
            ["outputs of other actions that changed: CppLink", "output: w-1.whl -> w-2.whl"],
            _sentences(*builds),
        )

    def test_hits_are_counted_apart(self) -> None:
        hit = {"cacheHit": True, "runner": "disk cache hit"}
        first = [compile_action(name) for name in ("x", "y", "z")]
        second = [
            compile_action("x", timeoutMillis="9"),
            compile_action("y", timeoutMillis="9", **hit),
            # Nothing changed, nothing ran: not worth a word.
            compile_action("z", **hit),
        ]
        (cause,) = _causes(first, second)
        self.assertEqual((1, 1), (len(cause.actions), len(cause.hits)))


if __name__ == "__main__":
    unittest.main()
