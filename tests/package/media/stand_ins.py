"""Decoders in place of native ones, for a native module that has none yet."""

from __future__ import annotations

import io
import wave

import numpy as np

from llama_cpp import MediaError


def decode_image(data: bytes, max_pixels: int) -> np.ndarray:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "GIF", "BMP"])
        if image.size[0] * image.size[1] > max_pixels:
            raise MediaError("the image has too many pixels")
        return np.array(image.convert("RGB"))
    except MediaError:
        raise
    except Exception as error:
        raise MediaError(f"the image is damaged ({error})") from None


def decode_audio(data: bytes, sample_rate: int, max_seconds: float) -> np.ndarray:
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getnframes() > max_seconds * file.getframerate():
                raise MediaError("the sound is too long")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
            mono = samples.reshape(-1, file.getnchannels()).mean(axis=1)
            if not len(mono):
                raise MediaError("the sound has no samples")
            count = int(len(mono) * sample_rate / file.getframerate())
            places = np.arange(count) * file.getframerate() / sample_rate
            return np.interp(places, np.arange(len(mono)), mono).astype(np.float32)
    except MediaError:
        raise
    except Exception as error:
        raise MediaError(f"the sound is damaged ({error})") from None
