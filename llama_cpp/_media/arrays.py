"""Pixels and samples that a program has in arrays already."""

from __future__ import annotations

from typing import Any

from .._errors import MediaError
from .._numpy import np, npt
from .item import Item


def label(array: npt.NDArray[Any]) -> str:
    """Returns the label of an array for errors."""
    return f"(array of {array.dtype} with the shape {array.shape})"


def pixels(array: npt.NDArray[Any], item: Item) -> npt.NDArray[np.uint8]:
    """Returns the (height, width, 3) pixels of an array of uint8.

    Args:
        array: (height, width) for grey, or (height, width, channels): grey, grey and alpha, RGB,
            RGBA. Alpha is dropped, as in stb_image.
        item: Names it in errors.

    Raises:
        MediaError: another type or shape, no pixels, or too many.
    """
    if array.dtype != np.uint8:
        raise MediaError(
            f"{item} has no values from 0 to 255 of the type uint8\n"
            "Convert it: values from 0 to 1 by (array * 255).round().astype(np.uint8)."
        )
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4:
        raise MediaError(
            f"{item} is not of the shape (height, width, 3)\n"
            "Bring its axes into this order, for instance with array.transpose(1, 2, 0)."
        )
    item.check_size(array.shape[1], array.shape[0])
    if array.shape[2] < 3:
        return np.repeat(array[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def samples(array: npt.NDArray[Any], sample_rate: int, item: Item) -> npt.NDArray[np.float32]:
    """Returns the samples of an array: one channel at `sample_rate`, from -1 to 1.

    Args:
        array: (samples,) of float32, or of int16, which is divided by 32768 as miniaudio does
            (ma_pcm_s16_to_f32).
        sample_rate: Samples per second, of the array too.
        item: Names it in errors.

    Raises:
        MediaError: another type or shape, no samples or too many, NaN or infinity.
    """
    if array.ndim != 1:
        raise MediaError(
            f"{item} is not of the shape (samples,)\n"
            "Mix its channels first: array.mean(axis=1) if the shape is (samples, channels)."
        )
    if array.dtype not in (np.float32, np.int16):
        raise MediaError(
            f"{item} is neither of the type float32 (-1 to 1) nor int16\n"
            "Convert it: array.astype(np.float32)."
        )
    check_not_empty(array, item)
    if len(array) > item.policy.max_seconds * sample_rate:
        raise MediaError(
            f"{item} is longer than {item.policy.max_seconds:g} seconds at {sample_rate} Hz\n"
            "Cut it, or set MediaPolicy(max_seconds=...)."
        )
    if array.dtype == np.int16:
        scaled: npt.NDArray[np.float32] = array.astype(np.float32) / np.float32(32768)
        return scaled
    if not np.isfinite(array).all():
        raise MediaError(f"{item} contains NaN or infinity\nRemove them: np.nan_to_num(array).")
    return np.ascontiguousarray(array)


def check_not_empty(samples: npt.NDArray[Any], item: Item) -> None:
    """Raises MediaError if a sound has no samples."""
    if not len(samples):
        raise MediaError(f"{item} has no samples\nPass another sound.")
