"""Hostile grammars and schemas, made up from a seed: an error or an answer, soon and cheaply."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="Windows has no limits and signals of POSIX")

WORKER = Path(__file__).with_name("hostile_worker.py")
N_CASES = 240
MOST_SECONDS = 10  # of CPU time, for a case as a whole
MOST_MEBIBYTES = 2048
PATIENCE = 120  # seconds on the clock, after which a case counts as a hang

# ---- grammars


def nested_repetitions(rng):
    text = '"a"'
    for _ in range(rng.randint(1, 6)):
        least = rng.choice([0, 1, 2, 10, 2000, 100_000])
        bounds = rng.choice([f"{least}", f"{least},", f"{least},{rng.choice([1, 50, 100_000])}"])
        text = f"({text} {rng.choice(['', '| ' + chr(34) * 2])}){{{bounds}}}"
    return f"root ::= {text}"


def doubling_rules(rng):
    depth = rng.choice([5, 20, 60, 900, 3000])
    empty = rng.choice(["", '| ""', "| r-end"])
    lines = [f"r{i} ::= r{i + 1} r{i + 1} {empty}" for i in range(depth)]
    end = rng.choice(['"x"', '"x" | ""', "[a-z]*"])
    return "\n".join(["root ::= r0", *lines, f"r{depth} ::= {end}", 'r-end ::= "y"?'])


def left_recursion(rng):
    n = rng.choice([1, 2, 5, 500, 20_000])
    hidden = rng.choice(["", "e ", "e e "])
    lines = [f'r{i} ::= {hidden}r{(i + 1) % n} "x" | "y"' for i in range(n)]
    return "\n".join(["root ::= r0", *lines, "e ::= f", rng.choice(['f ::= ""', 'f ::= " "*'])])


def empty_loops(rng):
    text = rng.choice(['""', '"a"', "[]", '("" | "a")', "[a-b]?"])
    for _ in range(rng.randint(1, 40)):
        text = (
            f"({text}{rng.choice('*+?')} {rng.choice(['', text[:40] if text.isalpha() else ''])})"
        )
    return f"root ::= {text}* {text}*"


def deep_groups(rng):
    depth = rng.choice([10, 150, 199, 201, 5000, 200_000])
    return "root ::= " + "(" * depth + '"a"' + ")" * (depth - rng.randint(0, 1))


def huge_classes(rng):
    n = rng.choice([100, 10_000, 300_000])
    chars = "".join(rng.choice("abcdefghij\\n-") for _ in range(n)).replace("\\n", "n")
    return f"root ::= [{rng.choice(['', '^'])}{chars}]{rng.choice(['', '*', '{2000}', '{0,2000}'])}"


def huge_numbers(rng):
    number = rng.choice(["9" * 5, "9" * 12, "9" * 30, "9" * 100_000])
    return rng.choice(
        [
            f'root ::= "a"{{{number}}}',
            f'root ::= "a"{{0,{number}}}',
            f'root ::= "a"{{{number},1}}',
            f"root ::= <[{number}]>",
            f"root ::= !<[{number}]>*",
            'root ::= "\\U' + number[:8].ljust(8, "F") + '"',
            'root ::= "a"{5,2}',
        ]
    )


def ambiguous_rules(rng):
    item = rng.choice(['"("', "[^a]", ".", '[( =\\-"]', '"i"'])
    shapes = [
        f"root ::= {item} root {item} | {item} | {item} root {item} root",
        f"root ::= {item} root? root? root?",
        f"root ::= a* b* a* b*\na ::= {item} | {item} a\nb ::= {item} b | {item}",
        f"root ::= ({item}+ | ({item} {item})* | root2)+\nroot2 ::= {item} root {item}?",
        f"root ::= ({item}? ){{0,{rng.choice([20, 500, 2000])}}} {item}",
    ]
    return rng.choice(shapes)


def long_texts(rng):
    n = rng.choice([1000, 100_000, 1_000_000])
    repeat = rng.choice(["", "{2000}", "{0,2000}", "*"])
    return rng.choice(
        [
            f'root ::= "{"a" * n}"{repeat}',
            f'{"n" * n} ::= "a"{repeat}\nroot ::= {"n" * n}',
            "root ::= " + " | ".join(f'"w{i}"' for i in range(n // 20)),
            "root ::= " + " ".join(["root2"] * (n // 10)) + '\nroot2 ::= "a"?',
            "root ::= a\n" + "\n".join(f'a{i} ::= "x"' for i in range(n // 20)) + '\na ::= "b"',
        ]
    )


def nullable_towers(rng):
    n = rng.choice([3, 10, 200])
    count = rng.choice([2, 30, 2000])
    lines = [f'r{i} ::= r{i + 1}{{0,{count}}} | ""' for i in range(n)]
    return "\n".join(["root ::= r0", *lines, f'r{n} ::= "x" | ""'])


def mutated(rng):
    text = 'root ::= (a "x" | [^b-c\\]]{2,3})+ # c\na ::= "\\x41" . | <[5]> root?\n'
    chars = list(text)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(chars))
        chars[at : at + rng.randint(0, 2)] = rng.choice('()[]{}"\\|*+?<>!-^,:=\n\0é\U0001f600 a9')
    return "".join(chars)


# ---- schemas


def reference_loops(rng):
    n = rng.choice([1, 2, 7])
    key = rng.choice(["$ref", "anyOf", "allOf", "items", "properties", "mixed"])
    definitions = {}
    for i in range(n):
        target = {"$ref": f"#/$defs/d{(i + 1) % n}"}
        how = rng.choice(["$ref", "anyOf", "allOf", "items"]) if key == "mixed" else key
        definitions[f"d{i}"] = {
            "$ref": target,
            "anyOf": {"anyOf": [target, target]},
            "allOf": {"allOf": [target, {"type": "object", "properties": {"a": target}}]},
            "items": {"type": "array", "items": target},
            "properties": {"type": "object", "properties": {"p": target}},
        }[how]
    root = {"$ref": "#/$defs/d0"}
    return {"$defs": definitions, **rng.choice([root, {"allOf": [root]}, {"oneOf": [root, root]}])}


def deep_schemas(rng):
    depth = rng.choice([20, 80, 120, 300, 10_000])
    head, tail = rng.choice(
        [
            ('{"items":', "}"),
            ('{"type":"object","properties":{"p":', "}}"),
            ('{"anyOf":[', "]}"),
            ('{"allOf":[', "]}"),
            ('{"not":', "}"),
            ('{"type":["array","array"],"items":', "}"),
            ('{"type":["object","null"],"additionalProperties":', "}"),
            ('{"const":[', "]}"),
        ]
    )
    return head * depth + '{"type":"null"}' + tail * depth


def reference_chains(rng):
    n = rng.choice([50, 190, 1000, 20_000])
    shape = rng.choice(["$ref", "anyOf", "items"])
    definitions = {}
    for i in range(n):
        target = {"$ref": f"#/$defs/d{i + 1}"}
        definitions[f"d{i}"] = {
            "$ref": target,
            "anyOf": {"anyOf": [target, target]},
            "items": {"type": "array", "items": target},
        }[shape]
    definitions[f"d{n}"] = {"type": "null"}
    order = range(n, -1, -1) if rng.random() < 0.5 else range(n)
    several = {"anyOf": [{"$ref": f"#/$defs/d{i}"} for i in order]}
    return {"$defs": definitions, **rng.choice([{"$ref": "#/$defs/d0"}, several])}


def large_enums(rng):
    n = rng.choice([1000, 20_000, 100_000])
    value = rng.choice([str, lambda i: "x" * 50 + str(i), lambda i: [i, {"a": i}], lambda i: i])
    return {"enum": [value(i) for i in range(n)]}


def patterns(rng):
    piece = rng.choice(
        ["(a*)*", "(a|a)*", "(a+)+b", "a{1000}", "(a{2000}){2000}", "[a-z]{0,99999}"]
    )
    pattern = rng.choice(
        [
            f"^{piece * rng.choice([1, 50, 5000])}$",
            "^" + "(" * rng.choice([50, 99, 101, 50_000]) + "a",
            "^" + "(" * 90 + "a" + ")*" * 90 + "$",
            "^(?=a)b(?!c)\\d\\p{L}$",
            "^" + "a" * 500_000 + "$",
            "^[" + "z" * 100_000 + "]{3,}$",
            "^a{99999999999999999999}$",
            "^" + "".join(rng.choice("ab()[]{}*+?|\\^$.-,0") for _ in range(30)) + "$",
            "^" + "|" * 20_000 + "$",
            "^" + "a*" * 5000 + "$",
        ]
    )
    return {"type": "string", "pattern": pattern}


def counts(rng):
    numbers = [0, 1, 5, 1999, 2000, 2001, 10**5, 10**9, 2**31, 2**32 + 1, 2**63, 10**30, -1, 1.5]
    what = rng.choice(["Length", "Items"])
    schema = {"type": "string"} if what == "Length" else {"type": "array", "items": {}}
    if rng.random() < 0.7:
        schema["min" + what] = rng.choice(numbers)
    schema["max" + what] = rng.choice(numbers)
    if rng.random() < 0.3:
        schema = {"type": "array", "items": schema, "minItems": rng.choice([0, 100, 2000])}
    return schema


def integer_bounds(rng):
    numbers = [0, 1, -1, 9, 10**15, 10**17, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 10**40]
    numbers += [-number for number in numbers] + [1e300, -1e300, 0.5, "x", None, True]
    keys = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
    chosen = {key: rng.choice(numbers) for key in rng.sample(keys, rng.randint(1, 4))}
    return {"type": rng.choice(["integer", ["integer", "null"], "number"]), **chosen}


def many_properties(rng):
    n = rng.choice([10, 300, 900, 5000])
    length = rng.choice([5, 150, 190, 900, 100_000])
    names = ["p" * length * (i == 0) + f"q{i}" for i in range(n)]
    schema = {"type": "object", "properties": {name: {"type": "null"} for name in names}}
    if rng.random() < 0.5:
        schema["additionalProperties"] = rng.choice([True, {"type": "string"}, {"$ref": "#/x"}])
    if rng.random() < 0.3:
        schema["required"] = names
    return schema


def junk(rng, depth=0):
    keys = """type properties required items prefixItems anyOf oneOf allOf enum const pattern format
    minLength maxLength minItems maxItems minimum maximum exclusiveMinimum additionalProperties not
    $ref $defs if then uniqueItems contains patternProperties unevaluatedProperties title""".split()

    def value():
        simple = [None, True, False, 0, -3, 7, 1.5, "", "object", "string", "#/$defs/a", "^a$", []]
        simple += [["string", "null"], ["a", 1, None], {}, [{}], "array", ["object", "array"], [[]]]
        if depth < 4 and rng.random() < 0.5:
            sub = junk(rng, depth + 1)
            return rng.choice([sub, [sub, sub], {"a": sub}, [sub, 3]])
        return rng.choice(simple)

    made = {key: value() for key in rng.sample(keys, rng.randint(1, 6))}
    if rng.random() < 0.4:
        made["type"] = rng.choice([[], [[]], ["array"], "array", "object", "string", "integer"])
    return made


GRAMMARS = (
    *(nested_repetitions, doubling_rules, left_recursion, empty_loops, deep_groups, huge_classes),
    *(huge_numbers, ambiguous_rules, long_texts, nullable_towers, mutated),
)
SCHEMAS = (
    *(reference_loops, deep_schemas, reference_chains, large_enums, patterns, counts),
    *(integer_bounds, many_properties, junk, junk, junk, junk),
)


def cases(kind: str, makers) -> list[dict]:
    rng = random.Random(kind)
    made = []
    for index in range(N_CASES):
        maker = makers[index % len(makers)]
        found = maker(rng)
        text = found if isinstance(found, str) else json.dumps(found)
        made.append({"kind": kind, "maker": maker.__name__, "text": text})
    return made


# ---- trying them


class Worker:
    """A child process that tries cases, and is replaced when one of them ends it."""

    def __init__(self, model_path: str) -> None:
        self._model_path = model_path
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), self._model_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fault(self, case: dict) -> str:
        """Tries a case; returns the fault, "" if there is none."""
        assert self._process.stdin is not None and self._process.stdout is not None
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            status = self._process.wait()
            self._start()
            return f"the process ended with {status}"
        report = json.loads(line)
        if report["mebibytes"] > MOST_MEBIBYTES:
            self.close()
            self._start()
        if report["result"].startswith("WRONG"):
            return report["result"]
        if report["seconds"] > MOST_SECONDS:
            return f"{report['seconds']:.1f} s: {report['result']}"
        return f"{report['mebibytes']} MiB" if report["mebibytes"] > MOST_MEBIBYTES else ""

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@pytest.mark.parametrize(
    ("kind", "makers"), [("grammar", GRAMMARS), ("schema", SCHEMAS)], ids=["grammars", "schemas"]
)
def test_hostile_input_is_survived(model_path, kind, makers):
    worker = Worker(model_path)
    faults = []
    for index, case in enumerate(cases(kind, makers)):
        fault = worker.fault(case)
        if fault:
            text = case["text"]
            faults.append(
                f"{index} {case['maker']}: {fault}: {text[:150]} ({len(text)} characters)"
            )
    worker.close()
    assert not faults, "\n".join(faults)
