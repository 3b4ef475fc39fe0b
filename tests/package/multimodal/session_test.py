"""The context with images and sounds in it: what is read again, kept, and given back."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from chats import answer, assistant, n_encoded, user
from media_files import image, sound

from llama_cpp import AbortedError, LlamaRAMCache, LlamaState
from llama_cpp._engine.projectors import image_bitmap
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

WITH_IMAGES = (
    *("gemma3", "gemma4", "hunyuanvl", "idefics3", "internvl", "lfm2", "llava-next", "minicpmv"),
    *("pixtral", "qwen2vl", "qwen2.5vl", "qwen3vl"),
)
MROPE = ("hunyuanvl", "qwen2vl", "qwen2.5vl", "qwen3vl")


def chat(*pictures):
    """Returns a chat of which the first message has the pictures."""
    return [user("Look:", *pictures, "Well?")]


def n_read(llm) -> int:
    """Returns how many tokens of text were read since the last call."""
    perf = llm._session.ctx.perf()
    llm._session.ctx.perf_reset()
    return int(perf["n_p_eval"])


@pytest.mark.parametrize("name", WITH_IMAGES)
def test_a_chat_that_grows_is_answered_as_by_a_new_model(name, load) -> None:
    messages = chat(image(0))
    first = load(name)
    messages += [assistant(answer(first, messages)), user(image(1), "And this?", image(0))]
    expected = answer(load(name), messages)
    assert answer(first, messages) == expected
    assert answer(first, messages[:1]) == messages[1]["content"]  # and back


@pytest.mark.parametrize("name", WITH_IMAGES)
def test_each_image_is_encoded_once(name, load) -> None:
    llm = load(name)
    answer(llm, chat(image(0)))
    once = n_encoded(llm)
    answer(llm, [*chat(image(0)), assistant("Yes."), user("Sure?")])
    answer(llm, [user(image(0), "Another chat.")])
    answer(llm, [user(image(0), "Twice in one:", image(0))])
    assert n_encoded(llm) == once
    answer(llm, chat(image(1)))
    assert n_encoded(llm) == 2 * once


@pytest.mark.parametrize("name", ["gemma3", "qwen2vl", "lfm2"])
def test_a_chat_that_grows_reads_only_its_new_tokens(name, load) -> None:
    llm = load(name)
    messages = chat(image(0))
    messages.append(assistant(answer(llm, messages)))
    llm._session.ctx.perf_reset()
    messages.append(user("So?"))
    answer(llm, messages, max_tokens=1)
    assert n_read(llm) <= llm.n_tokens - llm._session.end_of_media


def test_checkpoints_are_not_within_images(load) -> None:
    llm = load("lfm2", checkpoint_interval=8)
    answer(llm, chat(image(0)))
    (place,) = llm._session._places.saved(llm.n_tokens)
    kept = llm.checkpoints.n_tokens
    assert place.start in kept and place.end < kept[-1]
    assert not any(place.start < count < place.end for count in kept)
    edited = [user("Look:", image(0), "What else?")]
    assert answer(llm, edited) == answer(load("lfm2"), edited)
    assert n_encoded(llm) == 1


@pytest.mark.parametrize("name", WITH_IMAGES)
def test_another_image_in_the_same_place_is_another_prompt(name, load) -> None:
    llm = load(name)
    assert answer(llm, chat(image(0))) == answer(load(name), chat(image(0)))
    assert answer(llm, chat(image(3))) == answer(load(name), chat(image(3)))


@pytest.mark.parametrize("name", MROPE)
def test_an_image_may_take_fewer_positions_than_tokens(name, load) -> None:
    llm = load(name)
    answer(llm, chat(image(0, 112, 112)))
    session = llm._session
    position = session.position(llm.n_tokens)
    assert session.ctx.seq_pos_max(0) == position - 1
    if name != "hunyuanvl":  # which takes as many
        assert position < llm.n_tokens


def test_states_and_caches_have_images(load) -> None:
    llm = load("qwen2vl")
    messages = chat(image(0))
    said = answer(llm, messages)
    state = llm.save_state()
    assert isinstance(state, LlamaState)
    answer(llm, [user("Something else.")])
    llm.load_state(state)
    messages += [assistant(said), user("More.")]
    encoded = n_encoded(llm)
    expected = answer(load("qwen2vl"), messages)
    assert answer(llm, messages) == expected
    assert n_encoded(llm) == encoded

    llm.set_cache(LlamaRAMCache())
    assert answer(llm, chat(image(0))) == said
    answer(llm, [user("Something else.")])
    assert answer(llm, chat(image(0))) == said
    assert answer(llm, chat(image(1))) == answer(load("qwen2vl"), chat(image(1)))


@pytest.mark.parametrize("name", ["gemma3", "qwen2vl", "lfm2"])
def test_all_logits_and_drafts(name, load) -> None:
    expected = answer(load(name), chat(image(0)))
    assert answer(load(name, logits_all=True), chat(image(0))) == expected
    drafting = load(name, draft_model=LlamaPromptLookupDecoding())
    assert answer(drafting, chat(image(0))) == expected


def test_logits_before_an_image_are_not_asked_for(load) -> None:
    llm = load("gemma3", logits_all=True)
    answer(llm, chat(image(0)))
    last = llm.n_tokens - 1
    assert llm.sample(idx=last, temp=0.0) >= 0
    with pytest.raises(IndexError, match="before an image or a sound"):
        llm.sample(idx=1)
    assert np.isfinite(llm.scores[: llm.n_tokens]).all()


def test_frames_of_a_video_are_read_in_pairs_where_the_model_does(load) -> None:
    frames = [image(seed, 56, 56) for seed in range(4)]
    video = {"type": "video", "video": frames}
    for name, n_chunks in (("qwen2vl", 2), ("gemma3", 4)):
        llm = load(name)
        said = answer(llm, [user(video, "Well?")])
        assert n_encoded(llm) == n_chunks
        other = {"type": "video", "video": [frames[0], frames[3], *frames[2:]]}
        assert answer(llm, [user(other, "Well?")]) == answer(load(name), [user(other, "Well?")])
        assert answer(llm, [user(video, "Well?")]) == said


def test_sounds(load) -> None:
    for name in ("ultravox", "voxtral", "gemma4", "qwen2.5-omni"):
        llm = load(name)
        messages = [user("Listen:", sound(0), "Well?")]
        said = answer(llm, messages)
        once = n_encoded(llm)
        messages += [assistant(said), user(sound(0), sound(1), "These?")]
        assert answer(llm, messages) == answer(load(name), messages)
        assert n_encoded(llm) == 2 * once


def test_memory_stays_flat(load) -> None:
    llm = load("gemma3")
    sizes = []
    for seed in range(200):
        answer(llm, chat(image(seed)), max_tokens=1)
        if seed % 10 == 9:
            sizes.append(resident_bytes())
    kept = 32 << 20  # of embeddings, by _engine/projectors.py
    assert sizes[-1] - sizes[0] < kept
    assert sizes[-1] - sizes[len(sizes) // 2] < 8 << 20


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_closing_frees_the_projector(load, projectors) -> None:
    sizes, files = [], []
    for _ in range(150):
        llm = load("gemma4", n_ctx=512)
        answer(llm, chat(image(0)), max_tokens=1)
        projector = llm._session.projector.native
        llm.close()
        assert projector.closed
        sizes.append(resident_bytes())
        files.append(len(os.listdir("/proc/self/fd")))
    weights = (projectors / "mmproj-gemma4.gguf").stat().st_size
    assert sizes[-1] - sizes[69] < 80 * weights / 4  # after the allocator has found its size
    assert files[-1] == files[69]


def test_threads_with_one_model(load) -> None:
    expected = [answer(load("qwen2vl"), chat(image(seed))) for seed in range(4)]
    llm = load("qwen2vl")
    found: dict[int, list[str]] = {}

    def work(seed: int) -> None:
        found[seed] = [answer(llm, chat(image(seed))) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: [expected[seed]] * 3 for seed in range(4)}


# 10,000 patches, each of which attends to all others.
LARGE = ("qwen2vl", (1400, 1400))


def test_encoding_ends_soon(load) -> None:
    """By abort() of another thread, and by a callback; the projector serves on.

    Work is measured in CPU time: other programs on the machine do not add to it.
    """
    name, size = LARGE
    llm = load(name)
    native, ctx = llm._session.projector.native, llm._session.ctx
    (chunk,) = (
        piece
        for piece in native.tokenize([b"Look:", image_bitmap(image(0, *size)), b"Well?"])
        if not isinstance(piece, list)
    )
    aborted: list[float] = []

    def abort() -> None:
        time.sleep(0.05)
        aborted.append(time.process_time())
        ctx.abort()

    thread = threading.Thread(target=abort)
    thread.start()
    with pytest.raises(AbortedError, match="encoding of an image or a sound was stopped"):
        native.encode(ctx, chunk)
    ended = time.process_time()
    thread.join()
    assert ended - aborted[0] < 0.2

    def stop() -> bool:
        aborted.append(time.process_time())
        return True

    ctx.set_abort_callback(stop)
    with pytest.raises(AbortedError, match="by the abort callback"):
        native.encode(ctx, chunk)
    assert time.process_time() - aborted[-1] < 0.2
    ctx.set_abort_callback(None)
    assert answer(llm, chat(image(0))) == answer(load(name), chat(image(0)))


@pytest.mark.parametrize("name", WITH_IMAGES)
def test_embeddings_do_not_depend_on_freed_memory(name, load, projectors) -> None:
    """Pixtral's came out of memory that was not set (the patch pixtral-image-break)."""
    found = set()
    for _ in range(60):
        llm = load(name, n_ctx=512)
        answer(llm, chat(image(0)), max_tokens=1)
        (*_, last) = llm._session.projector._embeddings.values()
        found.add(last.tobytes())
        llm.close()
    assert len(found) == 1
