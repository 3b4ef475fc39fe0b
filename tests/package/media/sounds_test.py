"""Samples of sounds: files and arrays."""

from __future__ import annotations

import numpy as np
import pytest
from media_files import wav
from special_files import tone

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import audio_samples

RATE = 16000


def is_ours(samples: np.ndarray) -> bool:
    """Returns whether an array is as audio_samples() documents it."""
    return samples.dtype == np.float32 and samples.ndim == 1 and samples.flags.c_contiguous


# ---- files


def test_a_file_at_the_same_rate(policy: MediaPolicy) -> None:
    samples = tone(0.1, RATE)
    samples[:2] = -32768, 32767
    found = audio_samples(wav(samples, RATE), RATE, policy)
    assert is_ours(found)
    np.testing.assert_allclose(found, samples / 32768, atol=1e-6)


def test_channels_are_mixed(policy: MediaPolicy) -> None:
    left = tone(0.1, RATE)
    stereo = np.stack([left, left // 2], axis=1)
    found = audio_samples(wav(stereo, RATE), RATE, policy)
    assert is_ours(found)
    np.testing.assert_allclose(found, stereo.mean(axis=1) / 32768, atol=1e-4)


def test_another_rate(policy: MediaPolicy) -> None:
    """The tone is the same: 440 Hz is the strongest frequency of the result."""
    found = audio_samples(wav(tone(1.0, 8000), 8000), RATE, policy)
    assert is_ours(found) and abs(len(found) - RATE) < RATE // 100
    strongest = np.abs(np.fft.rfft(found)).argmax() * RATE / len(found)
    assert abs(strongest - 440) < 5


def test_the_limit_of_seconds() -> None:
    file = wav(tone(2.0, RATE), RATE)
    assert len(audio_samples(file, RATE, MediaPolicy(max_seconds=2.1))) == 2 * RATE
    with pytest.raises(MediaError, match=r"^Sound \(64044 bytes\)"):
        audio_samples(file, RATE, MediaPolicy(max_seconds=1.9))


def test_a_header_that_promises_too_much(policy: MediaPolicy) -> None:
    """The data chunk says 4 GB and the file ends: the samples that it has, or an error."""
    file = bytearray(wav(tone(0.1, RATE), RATE))
    file[40:44] = b"\xff\xff\xff\xff"
    try:
        found = audio_samples(file, RATE, policy)
    except MediaError:
        return
    assert len(found) <= len(file) // 2


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), np.zeros((0, 2), np.int16)])
def test_a_file_without_samples(samples: np.ndarray, policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match="no samples"):
        audio_samples(wav(samples, RATE), RATE, policy)


# ---- arrays


def test_arrays_of_float32(policy: MediaPolicy) -> None:
    samples = (tone(0.1, RATE) / 32768).astype(np.float32)
    for form in (samples, samples[::-1][::-1], samples.repeat(2)[::2]):
        found = audio_samples(form, RATE, policy)
        assert is_ours(found)
        np.testing.assert_array_equal(found, samples)


def test_arrays_of_int16(policy: MediaPolicy) -> None:
    samples = np.array([-32768, -1, 0, 1, 16384, 32767], np.int16)
    found = audio_samples(samples, RATE, policy)
    assert is_ours(found)
    expected = [-1, -1 / 32768, 0, 1 / 32768, 0.5, 32767 / 32768]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_the_limit_of_an_array_is_exact(dtype: type) -> None:
    policy = MediaPolicy(max_seconds=0.5)
    assert len(audio_samples(np.zeros(8000, dtype), RATE, policy)) == 8000
    with pytest.raises(MediaError, match="longer than 0.5 seconds at 16000 Hz\n.*max_seconds"):
        audio_samples(np.zeros(8001, dtype), RATE, policy)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((100, 2), np.float32), r"\(samples,\)\nMix its channels first: array.mean"),
        (np.zeros((1, 100), np.float32), r"\(samples,\)"),
        (np.zeros((), np.float32), r"\(samples,\)"),
        (np.zeros(100, np.float64), r"float32.*\n.*astype"),
        (np.zeros(100, np.float16), "float32"),
        (np.zeros(100, np.int32), "float32"),
        (np.zeros(100, np.uint8), "float32"),
        (np.zeros(100, bool), "float32"),
        (np.zeros(100, object), "float32"),
        (np.zeros(100, complex), "float32"),
        (np.zeros(0, np.float32), "no samples"),
        (np.zeros(0, np.int16), "no samples"),
        (np.array([0, np.nan], np.float32), "NaN or infinity\n.*nan_to_num"),
        (np.array([0, -np.inf], np.float32), "NaN or infinity"),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_an_array_that_is_no_sound(array: np.ndarray, match: str, policy: MediaPolicy) -> None:
    with pytest.raises(MediaError, match=match) as caught:
        audio_samples(array, RATE, policy)
    message = str(caught.value)
    assert message.startswith(f"Sound (array of {array.dtype} with the shape {array.shape}) ")
    assert message.count("\n") == 1
