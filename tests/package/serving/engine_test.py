"""Requests of all kinds, one by one and together, to an end and not."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
import weakref

import pytest

from llama_cpp import (
    ClosedError,
    ContextOverflowError,
    Engine,
    GrammarError,
    Llama,
    LlamaError,
    ModelLoadError,
    RequestError,
)

PROMPT = "And the LORD said unto Moses,"
TOO_LONG = {"type": "array", "minItems": 10**9}
GREEDY = {"temperature": 0, "max_tokens": 16, "cache_prompt": False}


def text(answer: dict) -> str:
    return answer["choices"][0]["text"]


def streamed(chunks) -> str:
    return "".join(chunk["choices"][0]["text"] for chunk in chunks if chunk["choices"])


def test_text_is_that_of_llama(engine, model_path) -> None:
    llm = Llama(model_path, n_ctx=256, verbose=False, flash_attn=None)
    expected = llm.create_completion(PROMPT, max_tokens=16, temperature=0)
    answer = engine.complete(PROMPT, **GREEDY)
    assert text(answer) == expected["choices"][0]["text"]
    assert expected["usage"].items() <= answer["usage"].items()
    llm.close()


def test_streams_have_the_same_text(engine) -> None:
    assert streamed(engine.complete(PROMPT, stream=True, **GREEDY)) == text(
        engine.complete(PROMPT, **GREEDY)
    )


def test_a_stream_of_an_answer_without_pieces_is_the_answer(engine) -> None:
    async def streamed_async() -> list[dict]:
        return [answer async for answer in engine.tokenize(PROMPT, stream=True)]

    expected = [engine.tokenize(PROMPT)]
    assert list(engine.tokenize(PROMPT, stream=True)) == expected
    assert asyncio.run(streamed_async()) == expected


def test_chats(engine) -> None:
    messages = [{"role": "user", "content": "Who went up?"}]
    answer = engine.chat(messages, temperature=0, max_tokens=8)
    assert answer["object"] == "chat.completion"
    chunks = list(engine.chat(messages, temperature=0, max_tokens=8, stream=True))
    said = "".join(
        chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]
    )
    assert said == answer["choices"][0]["message"]["content"]
    schema = {"type": "json_schema", "json_schema": {"schema": {"enum": ["Rome", "Oslo"]}}}
    answer = engine.chat(messages, response_format=schema, max_tokens=16)
    assert answer["choices"][0]["message"]["content"] in ('"Rome"', '"Oslo"')


def test_in_a_coroutine_it_is_awaited(engine) -> None:
    expected = text(engine.complete(PROMPT, **GREEDY))

    async def ask() -> tuple[list[str], str]:
        answers = await asyncio.gather(*(engine.complete(PROMPT, **GREEDY) for _ in range(8)))
        chunks = [c async for c in engine.complete(PROMPT, stream=True, **GREEDY)]
        return [text(answer) for answer in answers], streamed(chunks)

    found, stream = asyncio.run(ask())
    assert found == [expected] * 8 and stream == expected


def test_64_requests_at_once_are_answered_as_one_after_another(model_path) -> None:
    prompts = [f"{PROMPT} and {word}" for word in "a b c d e f g h".split()] * 8
    with Engine(model_path, n_parallel=8, n_ctx=128, n_threads=2, kv_unified=False) as engine:
        expected = {prompt: text(engine.complete(prompt, **GREEDY)) for prompt in set(prompts)}
        found: dict[int, str] = {}

        def work(index: int) -> None:
            found[index] = text(engine.complete(prompts[index], **GREEDY))

        threads = [threading.Thread(target=work, args=(index,)) for index in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {index: expected[prompt] for index, prompt in enumerate(prompts)}


def test_batches_keep_the_order(engine) -> None:
    chats = [[{"role": "user", "content": f"Say {n}"}] for n in range(9)]
    request = {"temperature": 0, "max_tokens": 4}
    found = engine.batch([{"messages": chat, **request} for chat in chats], progress=True)
    alone = [engine.chat(chat, **request) for chat in chats]
    assert [f["choices"][0]["message"] for f in found] == [
        a["choices"][0]["message"] for a in alone
    ]


def test_tokens_and_templates(engine, model_path) -> None:
    llm = Llama(model_path, n_ctx=64, verbose=False)
    tokens = engine.tokenize(PROMPT, add_special=True)["tokens"]
    assert tokens == llm.tokenize(PROMPT.encode())
    assert engine.detokenize(tokens[1:])["content"].strip() == PROMPT
    assert "Hello" in engine.apply_template([{"role": "user", "content": "Hello"}])["prompt"]
    llm.close()


def test_embeddings_and_ranks(random_models) -> None:
    (model,) = random_models.glob("embedding-f16.gguf")
    texts = ["the sea", "a hill"]
    llm = Llama(str(model), embedding=True, verbose=False)
    expected = llm.embed(texts, normalize=True)
    llm.close()
    with Engine(str(model), n_ctx=64, embedding=True) as engine:
        found = [each["embedding"] for each in engine.embed(texts)["data"]]
    assert found == [pytest.approx(vector, abs=1e-3) for vector in expected]


# ---- ends


def busy(engine: Engine) -> int:
    return sum(slot["is_processing"] for slot in engine.slots())


def wait_until_idle(engine: Engine) -> None:
    for _ in range(200):
        if not busy(engine):
            return
        time.sleep(0.05)
    raise AssertionError(engine.slots())


def test_a_closed_stream_frees_its_slot(engine) -> None:
    streams = [
        engine.complete(PROMPT, stream=True, max_tokens=200, ignore_eos=True) for _ in range(4)
    ]
    for stream in streams:
        next(stream)
    assert busy(engine) == 4
    for stream in streams:
        stream.close()
    wait_until_idle(engine)


def test_a_cancelled_task_frees_its_slot(engine) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(engine.complete(PROMPT, max_tokens=240, ignore_eos=True))
        while not await asyncio.to_thread(busy, engine):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    before = engine.metrics()["tokens_predicted_total"]
    asyncio.run(cancelled())
    wait_until_idle(engine)
    assert engine.metrics()["tokens_predicted_total"] - before < 240


def test_ctrl_c_ends_a_request(engine) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(1000):
                engine.complete(PROMPT, max_tokens=240, ignore_eos=True)
    finally:
        signal.signal(signal.SIGALRM, before)
    wait_until_idle(engine)


def test_close_while_requests_run(model_path) -> None:
    engine = Engine(model_path, n_parallel=2, n_ctx=256, n_threads=2)
    ends: list[object] = []

    def work() -> None:
        try:
            ends.append(engine.complete(PROMPT, max_tokens=240, ignore_eos=True))
        except LlamaError as error:
            ends.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    engine.close()
    for thread in threads:
        thread.join(20)
    assert len(ends) == 6
    engine.close()
    assert engine.closed
    with pytest.raises(ClosedError):
        engine.complete(PROMPT)


def test_close_before_its_thread_runs(model_path) -> None:
    for _ in range(30):
        Engine(model_path, n_parallel=1, n_ctx=64, n_threads=1).close()


def test_without_close_it_is_freed(model_path) -> None:
    engine = Engine(model_path, n_parallel=1, n_ctx=64, n_threads=1)
    engine.complete(PROMPT, max_tokens=1)
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_at_exit_nothing_hangs_or_is_printed(run_python, model_path) -> None:
    """An error that a daemon thread prints at exit may end the process by abort()."""
    code = (
        "import sys, threading, llama_cpp\n"
        "engine = llama_cpp.Engine(sys.argv[1], n_ctx=256, n_threads=1)\n"
        "def begin():\n"
        "    for _ in range(3):\n"
        "        threading.Thread(target=engine.complete, args=('And',), daemon=True,\n"
        "            kwargs={'max_tokens': 240, 'ignore_eos': True}).start()\n"
        "begin()\n"
        "print(next(engine.complete('And', stream=True))['object'])\n"
        "begin()\n"
    )
    result = run_python(code, model_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "text_completion\n", "")


# ---- errors


@pytest.mark.parametrize(
    "request_",
    [
        {"grammar": "root ::= " + "(" * 100_000},
        {"grammar": "root ::= missing"},
        {"response_format": {"type": "json_object", "schema": TOO_LONG}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": TOO_LONG}}]},
    ],
)
def test_grammars_that_llama_cpp_cannot_take(engine, request_) -> None:
    with pytest.raises(GrammarError):
        engine.chat([{"role": "user", "content": "Hello"}], max_tokens=4, **request_)
    assert engine.complete(PROMPT, max_tokens=1)


def test_errors_name_their_cause(engine, model_path, tmp_path) -> None:
    with pytest.raises(ContextOverflowError) as caught:
        engine.complete(PROMPT * 100, max_tokens=4)
    assert caught.value.status == 400
    for request in ({"temperature": "hot"}, {"n_predict": "x"}):
        with pytest.raises(RequestError) as caught:
            engine.complete(PROMPT, **request)
        assert 400 <= caught.value.status < 500, request
    with pytest.raises(RequestError):
        engine.chat("no list")
    with pytest.raises(RequestError):
        engine.embed("no embeddings here")
    assert text(engine.complete(PROMPT, **GREEDY))
    with pytest.raises(ModelLoadError):
        Engine(str(tmp_path / "none.gguf"))
    with pytest.raises(ModelLoadError, match="option"):
        Engine(model_path, options=["--no-such-option"])
    with pytest.raises(ValueError, match="n_parallel"):
        Engine(model_path, n_parallel=0)


@pytest.mark.parametrize(
    "name",
    [
        *("--model-url", "-mu", "--model_url", "--model-url=x", "-hf", "-hfrd", "-dr", "-mmu"),
        *("--mcp-servers-config", "--mcp_servers_json", "--tools-runtime", "-ag", "-h", "-cl"),
    ],
)
def test_options_that_reach_beyond_the_model_have_many_names(model_path: str, name: str) -> None:
    with pytest.raises(ValueError, match="does not take"):
        Engine(model_path, options=[name, "x"])
