"""The native objects in several threads: each call works as if alone, or says that it cannot."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from native_calls import (
    PROMPTS,
    expected_texts,
    generate,
    greedy_sampler,
    new_context,
    prompt_tokens,
)
from together import each, then_set, together, until

from llama_cpp._errors import (
    AbortedError,
    BusyError,
    ClosedError,
    ContextError,
    GrammarError,
)

N_THREADS = 6
ROUNDS = 40

GRAMMARS = {
    "yes": 'root ::= "yes"',
    "digits": "root ::= digit+\ndigit ::= [0-9]",
    "list": 'root ::= item+\nitem ::= "- " [^\\r\\n]+ "\\n"',
}


@pytest.fixture(scope="module")
def expected(core, model):
    return expected_texts(core, model)


@pytest.fixture(scope="module")
def slow(core, random_models):
    """Returns a model that computes long enough for other threads to come in between."""
    return core.Model(str(random_models / "llama-f32.gguf"), core.ModelParams())


class Tally:
    """Counts calls that worked and calls that were refused because the object was in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.worked = 0
        self.refused = 0

    def call(self, function):
        """Returns the result of `function`, or None when it raises BusyError."""
        try:
            result = function()
        except BusyError:
            with self._lock:
                self.refused += 1
            return None
        with self._lock:
            self.worked += 1
        return result


# ---- one model for all


def test_a_context_per_thread(core, model, expected):
    def run(prompt):
        context = new_context(core, model)
        return [generate(core, model, context, prompt) for _ in range(3)]

    prompts = PROMPTS * 2
    assert each(prompts, run) == [[expected[prompt]] * 3 for prompt in prompts]


def test_tokenizers_are_shared(model):
    texts = [f"{prompt} {i} unto the people" for i, prompt in enumerate(PROMPTS * 2)]
    alone = [model.tokenize(text.encode(), True, True) for text in texts]

    def run(text):
        for _ in range(ROUNDS):
            tokens = model.tokenize(text.encode(), True, True)
            assert model.detokenize(tokens, True, False).decode().strip() == text
            pieces = b"".join(model.token_to_piece(token) for token in tokens)
            assert pieces.decode().strip() == text
        return tokens

    assert each(texts, run) == alone


def test_loading_and_freeing_while_others_generate(core, model, model_path, expected):
    done = threading.Event()

    def come_and_go():
        own = core.Model(model_path, core.ModelParams())
        context = new_context(core, own)
        assert generate(core, own, context, PROMPTS[0]) == expected[PROMPTS[0]]

    def work():
        context = new_context(core, model)
        return [generate(core, model, context, PROMPTS[1]) for _ in range(10)]

    *_, first, second = together(
        until(done, come_and_go), until(done, come_and_go), then_set(done, work), work
    )
    assert first + second == [expected[PROMPTS[1]]] * 20


def test_loads_report_progress_to_their_own_thread(core, model_path):
    def load(_):
        seen = []
        own = threading.get_ident()
        core.Model(
            model_path, core.ModelParams(), lambda part: seen.append((threading.get_ident(), part))
        )
        assert {thread for thread, _ in seen} == {own}
        return [part for _, part in seen]

    for parts in each(range(4), load):
        assert parts == sorted(parts) and parts[-1] == 1.0


def test_a_cancelled_load_leaves_the_others_alone(core, model, model_path):
    def load(cancel):
        progress = (lambda part: part < 0.5) if cancel else None
        try:
            return core.Model(model_path, core.ModelParams(), progress).n_vocab
        except ValueError as error:
            assert "progress callback returned False" in str(error)
            return None

    assert each([True, False] * 3, load) == [None, model.n_vocab] * 3


def test_closing_a_model_under_its_contexts(core, model_path, expected):
    own = core.Model(model_path, core.ModelParams())
    contexts = [new_context(core, own) for _ in range(3)]
    sampler, tokens = greedy_sampler(core, own), prompt_tokens(own, PROMPTS[0])
    vocabulary = [own.token_to_piece(token) for token in range(own.n_vocab)]
    begun = threading.Barrier(len(contexts) + 1)

    def run(context):
        begun.wait()
        answer = b""
        for position in range(30):
            if position < len(tokens):
                token = tokens[position]
            else:
                token = core.sample_accept(context, own_samplers[context])
                answer += vocabulary[token]
            context.decode_one(token, position)
        return answer.decode("utf-8", "replace")

    own_samplers = {context: sampler.clone() for context in contexts}

    def close():
        begun.wait()
        own.close()
        own.close()

    *texts, _ = together(*(partial(run, context) for context in contexts), close)
    assert all(text.startswith(expected[PROMPTS[0]]) for text in texts)
    for use in (
        lambda: new_context(core, own),
        lambda: own.tokenize(b"x", True, True),
        lambda: own.token_text(1),
        lambda: greedy_sampler(core, own),
    ):
        with pytest.raises(ClosedError, match="this Model is closed"):
            use()


def test_reading_a_model_that_is_being_closed(core, model_path):
    """Whoever comes too late gets ClosedError; nobody reads freed memory."""

    def read(own):
        try:
            while True:
                assert isinstance(own.token_text(5), str)
                assert own.metadata()["general.architecture"] == "llama"
                assert own.n_vocab > 0
                own.chat_template()
        except ClosedError:
            return "closed"

    for _ in range(5):
        own = core.Model(model_path, core.ModelParams())
        results = together(partial(read, own), partial(read, own), own.close, own.close)
        assert results[:2] == ["closed", "closed"]


# ---- one context fought over


def test_a_context_serves_one_call_at_a_time(core, model):
    """No call waits, and none sees half of another one's work."""
    numpy = pytest.importorskip("numpy")
    context = new_context(core, model)
    texts = [prompt_tokens(model, prompt) for prompt in PROMPTS]
    rows = []
    for tokens in texts:
        context.decode_sequences([tokens], False)
        rows.append(context.logits())
    tally = Tally()

    def fight(tokens):
        for _ in range(ROUNDS):
            tally.call(lambda: context.decode_sequences([tokens], False))
            row = tally.call(context.logits)
            if row is not None:
                assert any(numpy.array_equal(row, known) for known in rows)
            assert tally.call(lambda: context.n_outputs) in (None, 1)

    each(texts * 2, fight)
    assert tally.worked > 0
    context.decode_sequences([texts[0]], False)
    assert numpy.array_equal(context.logits(), rows[0])


def test_every_method_of_a_fought_over_context(core, model, expected):
    context = new_context(core, model)
    tokens = prompt_tokens(model, PROMPTS[0])
    context.decode(tokens, 0)
    saved = context.state_get()
    tally = Tally()
    calls = [
        lambda: context.decode_sequences([tokens, tokens][:1], True),
        lambda: context.seq_rm(0, 3, -1),
        lambda: context.state_set(saved),
        lambda: context.state_get(),
        lambda: context.memory_clear(),
        lambda: context.set_n_threads(1, 1),
        lambda: context.set_causal_attn(True),
        lambda: context.perf(),
        lambda: context.clear_lora(),
        lambda: context.seq_pos_max(0),
    ]

    def run(call):
        for _ in range(ROUNDS):
            try:
                tally.call(call)
            except ContextError as error:  # another thread's contents do not fit
                assert "position" in str(error) or "no outputs" in str(error)
            assert context.n_ctx == 256 and context.n_threads == 1 and not context.closed

    each(calls, run)
    assert tally.worked > 0
    assert generate(core, model, context, PROMPTS[0]) == expected[PROMPTS[0]]


def test_states_saved_meanwhile_are_whole(core, model, expected):
    """States from state_get() under fire can be restored elsewhere."""
    context = new_context(core, model)
    texts = [prompt_tokens(model, prompt) for prompt in PROMPTS]
    context.decode_sequences([texts[0]], False)
    done = threading.Event()
    tally = Tally()
    saved = []

    def save():
        state = tally.call(context.state_get)
        if state is not None:
            saved.append(state)

    def evaluate():
        while len(saved) < ROUNDS:  # a loaded machine may run this thread alone for a long time
            for tokens in texts:
                tally.call(partial(context.decode_sequences, [tokens], False))

    together(until(done, save), until(done, save), then_set(done, evaluate))
    other = new_context(core, model)
    for state in saved[:: max(1, len(saved) // 20)]:
        other.state_set(state)
        assert other.seq_pos_max(0) + 1 in {len(tokens) for tokens in texts}
    assert generate(core, model, other, PROMPTS[2]) == expected[PROMPTS[2]]


def test_closing_a_context_under_a_call(core, model):
    tokens = [5] * 200

    def work(context):
        count = 0
        try:
            while True:
                context.decode_sequences([tokens], False)
                count += 1
        except ClosedError as error:
            assert "this Context is closed" in str(error)
        return count

    for _ in range(5):
        context = new_context(core, model)
        count, _, _ = together(partial(work, context), context.close, context.close)
        assert count >= 0 and context.closed


def test_a_second_call_is_refused_at_once(core, slow):
    context = new_context(core, slow)
    refused = threading.Event()

    def work():
        while not refused.is_set():
            try:
                context.decode_sequences([[300] * 250], False)
            except BusyError:  # it was asked just then
                pass

    def ask():
        with pytest.raises(BusyError, match="this Context is in use by another thread"):
            while True:
                context.n_outputs  # noqa: B018

    together(then_set(refused, ask), work)


# ---- stopping


def test_abort_stops_a_running_decode(core, slow):
    context = new_context(core, slow)
    tokens = [300] * 250
    done = threading.Event()
    stopped = []

    def work():
        while not stopped:
            try:
                context.decode_sequences([tokens], False)
            except AbortedError as error:
                assert str(error) == "decode was stopped by abort()"
                stopped.append(error)

    together(then_set(done, work), until(done, context.abort))
    context.clear_abort()
    context.decode_sequences([tokens], False)
    assert context.seq_pos_max(0) == len(tokens) - 1


def test_abort_concerns_one_context_only(core, model, slow, expected):
    victim = new_context(core, slow)
    done = threading.Event()

    def suffer():
        try:
            victim.decode_sequences([[300] * 250], False)
        except AbortedError:
            pass

    def work():
        context = new_context(core, model)
        return [generate(core, model, context, PROMPTS[3]) for _ in range(5)]

    *_, texts = together(until(done, suffer), until(done, victim.abort), then_set(done, work))
    assert texts == [expected[PROMPTS[3]]] * 5


# ---- samplers, streams, grammars, templates, parameters


def test_a_sampler_serves_one_call_at_a_time(core, model):
    sampler = greedy_sampler(core, model)
    tally = Tally()

    def run(prompt):
        context = new_context(core, model)
        context.decode(prompt_tokens(model, prompt), 0)
        best = core.sample_accept(context, greedy_sampler(core, model))
        for _ in range(ROUNDS):
            assert tally.call(lambda: core.sample_accept(context, sampler)) in (None, best)
            assert tally.call(lambda: sampler.sample(context)) in (None, best)
            tally.call(sampler.reset)
            tally.call(lambda: sampler.accept_many([5, 6, 7]))
            clone = tally.call(sampler.clone)
            if clone is not None:
                assert clone.sample(context) == best
            assert "logits" in sampler.describe()

    each(PROMPTS, run)
    assert tally.worked > 0


def test_a_grammar_sampler_is_never_half_way(core, model):
    """Threads advance one grammar: together they spell exactly a text that it admits."""
    params = core.SamplingParams()
    params.temp = 0.0
    params.grammar = 'root ::= "yes" "yes" "yes" "yes"'
    sampler = core.Sampler(model, params)
    letters = {letter: model.tokenize(letter.encode(), False, False)[-1] for letter in "yes"}
    accepted = []
    whole = "yes" * 4
    lock = threading.Lock()

    def run(letter):
        while len(accepted) < len(whole):
            with lock:  # the order of accepted tokens is known
                try:
                    sampler.accept(letters[letter])
                    accepted.append(letter)
                except GrammarError as error:
                    assert "does not fit the grammar here" in str(error)
                except BusyError:  # being copied
                    pass

    def copy():
        while len(accepted) < len(whole):
            try:
                sampler.clone()
            except BusyError:
                pass

    together(*(partial(run, letter) for letter in "yes"), copy)
    assert "".join(accepted) == whole


def test_a_text_stream_loses_nothing(core, model):
    stream = core.TextStream(model, [], False)
    token = model.tokenize(b" Lord", False, False)[-1]
    piece = model.token_to_piece(token).decode()
    tally = Tally()
    texts = each(
        range(N_THREADS),
        lambda _: "".join(tally.call(lambda: stream.push(token)) or "" for _ in range(300)),
    )
    text = "".join(texts) + stream.flush()
    assert stream.n_bytes == len(text)
    assert text == piece * tally.worked


def test_grammars_are_checked_side_by_side(core):
    schema = '{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}'
    alone = core.json_schema_to_grammar(schema)

    def run(index):
        for _ in range(ROUNDS):
            assert core.json_schema_to_grammar(schema) == alone
            core.check_grammar(alone)
            with pytest.raises(GrammarError, match="line 1"):
                core.check_grammar(f'root ::= "{index}')

    each(range(N_THREADS), run)


def test_chat_templates_are_shared(core, model):
    templates = core.ChatTemplates(model)
    messages = '[{"role": "user", "content": "%s"}]'

    def render(index):
        prompt = templates.apply(messages % f"question {index}", now=0.0)
        answer = prompt.parse(f"answer {index}")
        return prompt.prompt, answer.content

    alone = [render(index) for index in range(N_THREADS)]
    assert all(f"question {index}" in prompt for index, (prompt, _) in enumerate(alone))
    repeated = each(range(N_THREADS), lambda index: [render(index) for _ in range(ROUNDS)])
    assert repeated == [[result] * ROUNDS for result in alone]


def test_parameters_are_read_whole_while_others_write_them(core, model):
    params = core.SamplingParams()
    params.temp = 0.0
    values = [
        (
            grammar,
            [name] * (3 + 50 * index),
            {token: float(index) for token in range(1 + 40 * index)},
            ["top_k", "temperature"][: 1 + index % 2],
        )
        for index, (name, grammar) in enumerate(GRAMMARS.items())
    ]
    params.grammar, params.dry_sequence_breakers, params.logit_bias, params.samplers = values[0]
    grammars, breakers, biases, samplers = ([value[i] for value in values] for i in range(4))
    done = threading.Event()

    def write(value):
        params.grammar, params.dry_sequence_breakers, params.logit_bias, params.samplers = value

    def read():
        assert params.grammar in grammars
        assert params.dry_sequence_breakers in breakers
        assert params.logit_bias in biases
        assert params.samplers in samplers

    def use():
        for _ in range(ROUNDS):
            assert "grammar" in core.Sampler(model, params).describe()

    together(
        *(until(done, partial(write, value)) for value in values),
        until(done, read),
        then_set(done, use),
    )


def test_tokens_out_of_a_list_that_changes(model):
    """With the GIL too: an item may change the list that it is taken from."""

    class Item:
        def __index__(self):
            del tokens[1:]
            return 5

    tokens = [Item(), *range(1000)]
    assert model.detokenize(tokens) == model.token_to_piece(5)

    tokens = list(range(3, 100))
    done = threading.Event()

    def change():
        tokens.append(7)
        del tokens[50:]

    def convert():
        for _ in range(1000):
            model.detokenize(tokens)

    together(until(done, change), until(done, change), then_set(done, convert))
