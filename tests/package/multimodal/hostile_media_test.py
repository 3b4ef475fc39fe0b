"""500 broken, cut off, huge and hostile images and sounds: each is read, or refused."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import media_files
import numpy as np
import pytest

IMAGES = ("gemma3", "idefics3", "minicpmv", "pixtral", "qwen2vl")
SOUNDS = ("gemma4", "qwen2.5-omni", "ultravox")
PER_MAKER = 25


def sample(suffix: str) -> bytes:
    (path,) = (p for p in os.environ["MEDIA_SAMPLES"].split() if p.endswith(suffix))
    return Path(path).read_bytes()


def some_image(rng: random.Random) -> bytes:
    make = rng.choice(list(media_files.IMAGE_FILES.values()))
    return make(media_files.image(rng.randrange(100), rng.randint(1, 90), rng.randint(1, 90)))


def some_sound(rng: random.Random) -> bytes:
    return media_files.wav(media_files.sound(rng.randrange(100), rng.uniform(0.01, 2)))


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 20))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def flipped_head(data: bytes, rng: random.Random) -> bytes:
    return flipped(data[:64], rng) + data[64:]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def doubled(data: bytes, rng: random.Random) -> bytes:
    middle = rng.randrange(len(data))
    return data[:middle] + data[rng.randrange(len(data)) :] + data[middle:]


def extreme_shape(rng: random.Random) -> bytes:
    long, short = rng.randint(2000, 12000), rng.randint(1, 3)
    size = rng.choice(((long, short), (short, long), (1, 1), (short, short)))
    return media_files.png(media_files.plain_image((1, 2, 3), *size))


def bomb(rng: random.Random) -> bytes:
    """Returns a PNG whose rows unpack to much more than its size says, or which says too much."""
    width, height = rng.choice(((8, 8), (30_000, 30_000), (9_000, 9_000)))
    rows = zlib.compress(bytes(rng.choice((10, 200)) << 20), 9)
    png = media_files.png(media_files.plain_image((0, 0, 0), 1, 1))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return png[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def photograph(rng: random.Random) -> bytes:
    return rng.choice((flipped, cut, flipped_head, doubled))(sample(".jpeg"), rng)


def recording(rng: random.Random) -> bytes:
    whole = sample(".mp3")
    part = whole[: rng.randint(1000, 60_000)]
    return rng.choice((flipped, cut, flipped_head, doubled))(part, rng)


def lying_wav(rng: random.Random) -> bytes:
    """Returns a WAV file with numbers of channels, rates and lengths that it does not have."""
    data = bytearray(some_sound(rng))
    for offset, form in rng.sample([(4, "I"), (22, "H"), (24, "I"), (34, "H"), (40, "I")], 2):
        largest = 2 ** (8 * struct.calcsize(form)) - 1
        value = rng.choice((0, 1, 3, largest, largest // 2, rng.randint(0, largest)))
        struct.pack_into("<" + form, data, offset, value)
    return bytes(data)


def lying_flac(rng: random.Random) -> bytes:
    """Returns a FLAC file (RFC 9639) whose STREAMINFO promises a long sound, and noise."""
    rate, total = rng.choice((0, 1, 16000, 655350)), rng.choice((0, 2**36 - 1, 10**6))
    fields = (rate << 44) | (rng.randrange(8) << 41) | (15 << 36) | total
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + fields.to_bytes(8, "big") + bytes(16)
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(500)))
    return b"fLaC\x80\x00\x00\x22" + info + rng.choice((b"", b"\xff\xf8\xc9\x18")) + noise


def noise(rng: random.Random) -> bytes:
    head = rng.choice(
        (b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff", b"RIFF0000WAVE")
    )
    return head + bytes(rng.randrange(256) for _ in range(rng.randrange(2000)))


def mutated(maker: Callable, mutate: Callable) -> Callable[[random.Random], bytes]:
    return lambda rng: mutate(maker(rng), rng)


MAKERS = {
    "flipped image": (IMAGES, mutated(some_image, flipped)),
    "flipped head of an image": (IMAGES, mutated(some_image, flipped_head)),
    "cut image": (IMAGES, mutated(some_image, cut)),
    "doubled image": (IMAGES, mutated(some_image, doubled)),
    "good image": (IMAGES, some_image),
    "extreme shape": (IMAGES, extreme_shape),
    "bomb": (IMAGES, bomb),
    "photograph": (IMAGES, photograph),
    "photograph again": (IMAGES, photograph),
    "noise for an image": (IMAGES, noise),
    "sound for an image": (IMAGES, some_sound),
    "flipped sound": (SOUNDS, mutated(some_sound, flipped)),
    "flipped head of a sound": (SOUNDS, mutated(some_sound, flipped_head)),
    "cut sound": (SOUNDS, mutated(some_sound, cut)),
    "doubled sound": (SOUNDS, mutated(some_sound, doubled)),
    "good sound": (SOUNDS, some_sound),
    "recording": (SOUNDS, recording),
    "lying wav": (SOUNDS, lying_wav),
    "lying flac": (SOUNDS, lying_flac),
    "noise for a sound": (SOUNDS, noise),
    "image for a sound": (SOUNDS, some_image),
}


@pytest.fixture(scope="module")
def reader(projectors) -> Iterator[Callable[[str, str, Path], str]]:
    """Returns a function that has a child process read a file, and returns its answer."""
    worker = Path(__file__).with_name("hostile_worker.py")
    process = subprocess.Popen(
        [sys.executable, worker, projectors],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def read(name: str, kind: str, file: Path) -> str:
        process.stdin.write(json.dumps([name, kind, str(file)]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"exit status {process.wait()} at {name}, {kind}, {file}"
        return json.loads(line)

    yield read
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.parametrize("maker", MAKERS)
def test_every_file_is_read_or_refused(maker, reader, tmp_path) -> None:
    names, make = MAKERS[maker]
    kind = "image" if names is IMAGES else "audio"
    answers = []
    for seed in range(PER_MAKER):
        rng = random.Random(f"{maker} {seed}")
        file = tmp_path / f"{seed}"
        file.write_bytes(make(rng))
        answers.append(reader(rng.choice(names), kind, file))
        assert answers[-1].startswith(("answer", "MediaError: ")), (answers[-1], file)
        assert answers[-1] == "answer" or "\n" in answers[-1]  # the line that says how to go on
    if maker.startswith("good"):
        assert answers == ["answer"] * PER_MAKER
    if maker.endswith(("for an image", "for a sound")) or maker == "lying flac":
        assert "answer" not in answers


def test_there_are_500() -> None:
    assert PER_MAKER * len(MAKERS) >= 500


def test_arrays_of_other_shapes(load) -> None:
    llm = load("gemma3")
    for array in (
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((2, 2, 2, 3), np.uint8),
    ):
        part = {"type": "image", "image": array}
        with pytest.raises(ValueError, match="\n"):
            llm.create_chat_completion(
                [{"role": "user", "content": [part, {"type": "text", "text": "x"}]}]
            )
