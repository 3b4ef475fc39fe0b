"""Row 1: a chat template, whoever wrote it, ends in text or in ChatTemplateError.

Never in a signal, never after 10 s, never with all memory taken. Every template is rendered in a
child process (template_child.py).
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from template_child import TemplateChild

import llama_cpp
from llama_cpp import _core

_SECONDS = 10
_MEBIBYTES = 1024

_MANY = 20_000


def _nest(opening: str, inner: str, closing: str, count: int = _MANY) -> str:
    return opening * count + inner + closing * count


def _grow(start: str, step: str, end: str, count: int = 90_000) -> str:
    """Returns a template that replaces ns.x by `step` `count` times."""
    return (
        f"{{% set ns = namespace(x={start}) %}}{{% for i in range({count}) %}}"
        f"{{% set ns.x = {step} %}}{{% endfor %}}{{{{ {end} }}}}"
    )


_CYCLE = "{% set x = [] %}{% set _ = x.append(x) %}"

TOO_DEEP = {
    "macro": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "macro, exponential": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "macros, mutual": "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}"
    "{{ g() }}",
    "call block": "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
    "parentheses": "{{ " + _nest("(", "1", ")") + " }}",
    "lists": "{{ " + _nest("[", "", "]") + " }}",
    "dicts": "{{ " + _nest("{1:", "1", "}") + " }}",
    "not": "{{ " + "not " * _MANY + "1 }}",
    "minus": "{{ " + "- " * _MANY + "1 }}",
    "members": "{{ a" + ".b" * _MANY + " }}",
    "indexes": "{{ a" + "[0]" * _MANY + " }}",
    "index in index": "{{ " + _nest("a[", "0", "]") + " }}",
    "calls": "{{ a" + "()" * _MANY + " }}",
    "arguments": "{{ " + _nest("a(", "", ")") + " }}",
    "filters": "{{ 'a'" + "|upper" * _MANY + " }}",
    "filter arguments": "{{ " + _nest("a|default(", "", ")") + " }}",
    "ternaries": "{{ " + "1 if 1 else " * _MANY + "1 }}",
    "selects": "{{ " + _nest("1 if (", "1", ")") + " }}",
    "if": _nest("{% if 1 %}", "", "{% endif %}"),
    "if, never closed": "{% if 1 %}" * _MANY,
    "elif": "{% if 0 %}" + "{% elif 0 %}" * _MANY + "{% endif %}",
    "for": _nest("{% for x in [1] %}", "", "{% endfor %}"),
    "set block": _nest("{% set x %}", "", "{% endset %}"),
    "filter block": _nest("{% filter upper %}", "", "{% endfilter %}"),
    "macro in macro": _nest("{% macro a() %}", "", "{% endmacro %}"),
    "cycle, JSON": _CYCLE + "{{ x|tojson }}",
    "cycle, output": _CYCLE + "{{ x }}",
    "cycle, text": _CYCLE + "{{ x|string }}",
    "cycle, namespace": "{% set x = namespace() %}{% set x.x = x %}{{ x|tojson }}",
    "deep list, JSON": _grow("[]", "[ns.x]", "ns.x|tojson"),
    "deep list, text": _grow("[]", "[ns.x]", "ns.x|string"),
    "deep dict, JSON": _grow("{}", "{'a': ns.x}", "ns.x|tojson"),
    "deep tuple, key": _grow("(1, 2)", "(ns.x, 1)", "{ns.x: 1}"),
    "deep tuple, equality": _grow("(1, 2)", "(ns.x, 1)", "ns.x == ns.x"),
    "deep function": _grow("[]", "[ns.x.append]", "ns.x|string"),
}
for _operator in ("~", "+", "*", " and ", " or ", " < ", " in ", " == "):
    TOO_DEEP[f"chain of {_operator.strip()}"] = "{{ 1" + f"{_operator}1" * _MANY + " }}"

_BIG = "{% set x = 'a' * 50000000 %}{% for i in range(90000) %}"

TOO_MUCH = {
    "loops": "{% for i in range(90000) %}" * 4 + "x" + "{% endfor %}" * 4,
    "loops without output": "{% for i in range(90000) %}" * 4 + "{% endfor %}" * 4,
    "loop over what it appends": "{% set x = [1] %}{% for i in range(90000) %}{% for j in x %}"
    "{% set _ = x.append(1) %}{% endfor %}{% endfor %}",
    "many variables": "".join(f"{{% set a{i}=1 %}}" for i in range(20000))
    + "{% for i in range(90000) if i %}{% endfor %}",
    "many variables, macro": "".join(f"{{% set a{i}=1 %}}" for i in range(20000))
    + "{% macro f() %}{% endmacro %}{% for i in range(90000) %}{{ f() }}{% endfor %}",
    "range": "{{ range(1000000000000)|length }}",
    "range, many items": "{{ range(0, 9223372036854775807, 2)|length }}",
    "repeat": "{{ 'a' * 1000000000 }}",
    "repeat, huge": "{{ 9223372036854775807 * ('ab' * 1000) }}",
    "doubling text": _grow("'abc'", "ns.x ~ ns.x", "ns.x", 100),
    "doubling with set": "{% set x = 'ab' %}" + "{% set x = x ~ x %}" * 100 + "{{ x }}",
    "doubling list": _grow("[1]", "ns.x + ns.x", "ns.x|length", 100),
    "doubling nested, JSON": _grow("[1]", "[ns.x, ns.x]", "ns.x|tojson", 60),
    "doubling nested, text": _grow("[1]", "[ns.x, ns.x]", "ns.x|string", 60),
    "doubling nested, output": _grow("[1]", "[ns.x, ns.x]", "ns.x", 60),
    "doubling nested, equality": _grow("(1, 2)", "(ns.x, ns.x)", "ns.x == ns.x", 60),
    "doubling nested, key": _grow("(1, 2)", "(ns.x, ns.x)", "{ns.x: 1}", 60),
    "doubling replace": _grow("'a'", "ns.x.replace('a', 'aa')", "ns.x|length", 1000),
    "replace": "{{ ('a' * 1000000)|replace('a', 'b' * 1000000) }}",
    "replace nothing": "{{ ('a' * 1000000)|replace('', 'b' * 1000000) }}",
    "join": "{{ range(90000)|join('a' * 100000) }}",
    "indent": "{{ ('a\n' * 100000)|indent(100000) }}",
    "indent, huge": "{{ 'a\nb'|indent(1000000000) }}",
    "center": "{{ 'a'|center(9223372036854775807) }}",
    "format": "{{ ('{}' * 100).format(" + ", ".join(["'a' * 9000000"] * 50) + ") }}",
    "split": "{{ (' ' * 10000000).split(' ')|length }}",
    "characters": "{{ ('a' * 10000000)|list|length }}",
    "loop over characters": "{% for c in 'a' * 10000000 %}{% endfor %}",
    "membership": "{% set x = range(90000) %}{% for i in x %}{{ (0-1) in x }}{% endfor %}",
    "select": "{% set x = range(90000) %}{{ x|select('in', x)|list|length }}",
    "sorting": "{% for i in range(9000) %}{% set x = range(90000)|sort %}{% endfor %}",
    "slices": "{% set x = range(90000) %}{% for i in x %}{% set y = x[::-1] %}{% endfor %}",
    "long text, length": _BIG + "{{ x|length }}{% endfor %}",
    "long text, equality": _BIG + "{{ x == x }}{% endfor %}",
    "long text, case": _BIG + "{{ x|upper|length }}{% endfor %}",
    "long text, output": _BIG + "{{ x }}{% endfor %}",
    "long text, search": _BIG + "{{ ('a' * 400000 ~ 'b') in x }}{% endfor %}",
    "long source": "a" * 3_000_000,
    "digits": "{{ " + "9" * 100 + " }}",
    "division": "{{ 5 is divisibleby(0) }}",
    "remainder": "{{ 5 % 0 }}",
    "sum of more than 64 bits": "{{ 9223372036854775807 + 1 }}",
    "product of more than 64 bits": "{{ 4294967296 * 4294967296 }}",
    "negative of the least number": "{{ -(0-9223372036854775807-1) }}",
    "float of more than 64 bits": "{{ (10000000000.0 * 10000000000.0)|int }}",
    "unpacking what shrinks": "{% set xs = [[1, 2], [3, 4]] %}{% for a, b in xs %}"
    "{% set _ = xs[1].pop() %}{% endfor %}",
}

# Hostile, but within the bounds.
FINE = {
    "deep list, unused": (_grow("[]", "[ns.x]", "1"), "1"),
    "cycle, unused": (_CYCLE + "{{ x|length }}", "1"),
    "order that contradicts itself": ("{{ ([10, '5', 9, '70'] + [8, '6', 7])|sort|length }}", "7"),
    "search": ("{{ ('a' * 4000 ~ 'b') in ('a' * 500000) }}", "False"),
    "carriage returns": ("\r\n" * 400_000 + "x", "\n" * 400_000 + "x"),
    "smallest number": ("{{ (0-9223372036854775807-1) is divisibleby(0-1) }}", "True"),
    # As in Python, and as Jinja2's filter `int` has it for what is no number.
    "more digits than a double has": ("{{ 9007199254740993 + 1 }}", "9007199254740994"),
    "no number": ("{{ 'nan'|float|int }}", "0"),
    "greatest index": ("{{ 'abc'[9223372036854775807] }}", ""),
    "least count": ("{{ 'a b'.split(' ', 0-9223372036854775807-1)|length }}", "2"),
    "huge step": ("{{ 'abc'[::9223372036854775807] }}{{ 'abc'[::-9223372036854775807] }}", "ac"),
    "huge indentation": ("{{ []|tojson(indent=9223372036854775807) }}", "[]"),
}


@pytest.fixture(scope="module")
def child():
    child = TemplateChild()
    yield child
    child.close()


def check(answer):
    """Fails if a template crashed, raised something else, took too long or too much memory."""
    assert "crash" not in answer and "unexpected" not in answer, answer
    assert answer["seconds"] < _SECONDS
    assert answer.get("mebibytes", 0) < _MEBIBYTES
    assert ("text" in answer) != ("error" in answer)


@pytest.mark.parametrize("name", TOO_DEEP)
def test_too_deep(child, name):
    answer = child.ask(template=TOO_DEEP[name])
    check(answer)
    # a chain of comparisons may be wrong before it is deep
    assert "nest" in answer["error"]


@pytest.mark.parametrize("stack", [64 * 1024, 128 * 1024, 512 * 1024])
@pytest.mark.parametrize("name", TOO_DEEP)
def test_too_deep_on_a_small_stack(child, name, stack):
    answer = child.ask(template=TOO_DEEP[name], stack=stack)
    if "no thread" in answer:
        pytest.skip("a sanitizer's thread storage leaves no room on such a stack")
    check(answer)
    assert "nest" in answer["error"]


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much(child, name):
    answer = child.ask(template=TOO_MUCH[name])
    check(answer)
    assert "error" in answer, answer["text"][:100]


@pytest.mark.parametrize("name", FINE)
def test_within_the_bounds(child, name):
    template, expected = FINE[name]
    answer = child.ask(template=template)
    check(answer)
    assert answer["length"] == len(expected)
    assert answer["text"] == (expected if len(expected) < 10000 else expected[:100])


# A chat template is probed before it is used, with all kinds of messages.
@pytest.mark.parametrize("name", [*TOO_DEEP, *TOO_MUCH])
def test_chat_template(child, name):
    answer = child.ask(chat=True, template={**TOO_DEEP, **TOO_MUCH}[name])
    check(answer)
    assert "error" in answer


def test_tools_with_a_template_that_calls_itself(child):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    answer = child.ask(
        chat=True,
        template="{% if tools %}" + TOO_DEEP["macro"] + "{% endif %}",
        tools=json.dumps([tool]),
    )
    check(answer)
    assert "nest" in answer["error"]


def test_deep_messages():
    with pytest.raises(ValueError, match="nests deeper"):
        _core.render_template("{{ m|tojson }}", '{"m": ' + "[" * 5000 + "]" * 5000 + "}", "", "")


def test_large_input_is_no_hostility(child):
    messages = [{"role": "user", "content": "word " * 300_000} for _ in range(40)]
    template = (
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content|trim }}{% endif %}"
        "{% endfor %}"
    )
    answer = child.ask(template=template, values={"messages": messages})
    assert answer.get("length") == 40 * (5 * 300_000 - 1), answer
    many = [{"role": "user", "content": "word"}] * 20_000
    answer = child.ask(chat=True, template=template, values={"messages": many})
    assert answer.get("length") == 4 * 20_000, answer


_ATOMS = (
    *("x", "ns.x", "1", "''", "'é' * 100000", "[1, 2]", "{'a': 1}", "range(9999)", "messages"),
    *("f()", "none", "true", "9223372036854775807", "loop", "undefined_name", "1.5", "[x] * 3"),
)
_FILTERS = (
    *("upper", "length", "tojson", "list", "sort", "join('ab')", "replace('a', 'bb' * 999)"),
    *("indent(9999)", "string", "reverse", "first", "trim", "default(x)", "map(attribute='a')"),
    *("selectattr('a')", "select('in', x)", "dictsort", "items", "unique", "title", "int", "abs"),
    *("center(99999)", "truncate(9)", "tojson(indent=999999)", "wordcount", "format(x, x)"),
)
_OPERATORS = ("+", "~", "*", "-", "/", "%", "==", "<", "in", "and", "or", "is", "if", "not in")


_BROKEN = ("{% if x %}", "{% endfor %}", "{{", "{% set %}", "{#", "{% for %}")


class _Generator:
    """Makes hostile templates out of a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def expression(self, depth: int) -> str:
        choose = self._random.choice
        kind = self._random.randrange(9) if depth else 0
        if kind == 0:
            return choose(_ATOMS)
        inner = self.expression(depth - 1)
        other = self.expression(depth - 1)
        repeat = choose([*[1] * 12, 3, 600])
        return {
            1: f"{'(' * repeat}{inner}{')' * repeat}",
            2: f"{inner}{('|' + choose(_FILTERS)) * choose([*[1] * 12, 2, 600])}",
            3: f"({inner} {choose(_OPERATORS)} {other})",
            4: f"[{inner}, {other}]",
            5: f"({inner})[{other}:{inner}:{choose(['', '-1', '0'])}]",
            6: f"{'not ' * repeat}{inner}",
            7: f"({inner}){'[0]' * repeat}",
            8: f"({inner} if {other} else {inner})",
        }[kind]

    def statement(self, depth: int) -> str:
        choose = self._random.choice
        expression = self.expression(self._random.choice([0, 0, 1, 2, 3]))
        if depth == 0:
            return "{{ " + expression + " }}"
        body = "".join(self.statement(depth - 1) for _ in range(choose([1, 2])))
        target = choose(["x", "ns.x", "ns.y", "x, y"])
        return choose(
            [
                "{% for x in " + expression + " %}" + body + "{% endfor %}",
                "{% for i in range("
                + choose(["9", "999", "99999"])
                + ") %}"
                + body
                + "{% endfor %}",
                "{% if " + expression + " %}" + body + "{% else %}" + body + "{% endif %}",
                "{% set " + target + " = " + expression + " %}" + body,
                "{% set _ = x.append(" + choose(["x", "ns", expression]) + ") %}" + body,
                "{% macro f(x=1) %}" + body + "{{ f(" + expression + ") }}{% endmacro %}{{ f() }}",
                "{% set x %}" + body + "{% endset %}" + body,
                "{% filter "
                + choose(["upper", "indent", "trim"])
                + " %}"
                + body
                + "{% endfilter %}",
                "{% call f() %}" + body + "{% endcall %}",
                choose(["'", "[", "ns.x ~ ", "-"]) + body,
                choose(_BROKEN) + body if self._random.random() < 0.2 else body,
            ]
        )

    def template(self) -> str:
        start = "{% set ns = namespace(x=[], y='a') %}{% set x = [] %}"
        return start + "".join(self.statement(self._random.randrange(4)) for _ in range(2))


@pytest.mark.parametrize("seed", range(0, 240, 10))
def test_generated_templates(child, seed):
    for number in range(seed, seed + 10):
        template = _Generator(number).template()
        answer = child.ask(chat=number % 2 == 0, template=template)
        try:
            check(answer)
        except AssertionError as error:
            raise AssertionError(f"seed {number}: {template!r}: {answer}") from error


def test_generated_templates_are_varied(child):
    """Some of them render, and the errors are of many kinds: else the generator is no test."""
    outcomes = [child.ask(template=_Generator(seed).template()) for seed in range(60)]
    assert sum("text" in answer for answer in outcomes) >= 3
    errors = {answer["error"].splitlines()[-1] for answer in outcomes if "error" in answer}
    assert len(errors) >= 10


def _with_template(model_path: str, target: Path, template: str) -> None:
    """Copies a model with another chat template of the same length."""
    own = (
        llama_cpp.Llama(model_path, vocab_only=True, verbose=False)
        .metadata["tokenizer.chat_template"]
        .encode()
    )
    content = Path(model_path).read_bytes()
    assert content.count(own) == 1 and len(template) <= len(own) - 4
    padding = "{#" + " " * (len(own) - len(template) - 4) + "#}"
    target.write_bytes(content.replace(own, (template + padding).encode()))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (TOO_DEEP["macro"], "nest deeper"),
        ("{% for i in range(9000) %}" * 3 + "{% endfor %}" * 3, "computes for too long"),
        (TOO_MUCH["doubling text"], "too much memory"),
    ],
    ids=["deep", "long", "large"],
)
def test_model_file_with_a_hostile_template(model_path, tmp_path, run_python, template, reason):
    _with_template(model_path, tmp_path / "model.gguf", template)
    done = run_python(
        "import llama_cpp, sys\n"
        "llm = llama_cpp.Llama('model.gguf', n_ctx=64, n_threads=1, verbose=False)\n"
        "print(llm.create_completion('In the', max_tokens=1)['choices'][0]['finish_reason'])\n"
        "try:\n"
        "    llm.create_chat_completion([{'role': 'user', 'content': 'Hi'}], max_tokens=1)\n"
        "except llama_cpp._errors.ChatTemplateError as error:\n"
        "    print(' '.join(str(error).splitlines()))\n"
    )
    assert done.returncode == 0, done.stderr
    completed, error = done.stdout.splitlines()
    assert completed == "length"
    assert reason in error


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to send")
def test_ctrl_c_ends_a_template(run_python):
    """Large input allows many steps, so that the template would compute for many seconds."""
    done = run_python(
        "import json, signal, time\n"
        "from llama_cpp import _core\n"
        "values = json.dumps({'x': 'word ' * 20_000_000})\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "signal.setitimer(signal.ITIMER_REAL, 1.5)\n"
        "begin = time.monotonic()\n"
        "try:\n"
        f"    _core.render_template({TOO_MUCH['loops without output']!r}, values, '', '')\n"
        "except KeyboardInterrupt:\n"
        "    print(time.monotonic() - begin)\n"
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5 + 2


def test_a_process_that_renders_cycles_does_not_grow(run_python):
    """Lists that contain themselves are freed when the rendering has ended."""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    done = run_python(
        "import os\n"
        "from llama_cpp import _core\n"
        "def used():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')\n"
        f"template = {_CYCLE!r} + '{{% set _ = x.append(range(9999)) %}}'\n"
        "for i in range(10):\n"
        "    _core.render_template(template, '{}', '', '')\n"
        "before = used()\n"
        "for i in range(60):\n"
        "    _core.render_template(template, '{}', '', '')\n"
        "print(used() - before)\n"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 30 << 20
