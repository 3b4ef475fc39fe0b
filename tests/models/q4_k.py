"""Quantisation to Q4_K in NumPy.

The ``gguf`` package reads Q4_K but does not write it, and the library under test should not be
needed to make a file that it is tested with. Each sub-block of 32 values gets the smallest and
the largest value as its range (llama.cpp searches for better ranges; for tests only the layout
matters). The inverse is ``gguf.quants.dequantize``.
"""

from __future__ import annotations

import numpy as np

SUPER_BLOCK = 256
SUB_BLOCKS = 8
SUB_BLOCK = SUPER_BLOCK // SUB_BLOCKS


def quantize(matrix: np.ndarray) -> np.ndarray:
    """float32 (rows, columns) -> uint8 (rows, columns / 256 * 144).

    Raises ValueError when the number of columns is not a multiple of 256.
    """
    rows, columns = matrix.shape
    if columns % SUPER_BLOCK:
        raise ValueError(f"Q4_K needs rows of a multiple of {SUPER_BLOCK} values, not {columns}")
    values = matrix.astype(np.float32).reshape(-1, SUB_BLOCKS, SUB_BLOCK)

    # value = scale * level - offset, with level in 0..15 and offset >= 0.
    offset = np.maximum(-values.min(axis=-1), 0)
    scale = np.maximum(values.max(axis=-1) + offset, 0) / 15
    scale_unit, scale_levels = _to_six_bits(scale)
    offset_unit, offset_levels = _to_six_bits(offset)

    stored_scale = (scale_unit.astype(np.float32) * scale_levels)[..., None]
    stored_offset = (offset_unit.astype(np.float32) * offset_levels)[..., None]
    safe_scale = np.where(stored_scale == 0, 1, stored_scale)
    levels = np.rint((values + stored_offset) / safe_scale).clip(0, 15).astype(np.uint8)

    pairs = levels.reshape(-1, SUB_BLOCKS // 2, 2, SUB_BLOCK)
    nibbles = pairs[:, :, 0] | (pairs[:, :, 1] << 4)
    blocks = np.concatenate(
        [
            scale_unit.view(np.uint8),
            offset_unit.view(np.uint8),
            _pack_six_bits(scale_levels, offset_levels),
            nibbles.reshape(-1, SUPER_BLOCK // 2),
        ],
        axis=1,
    )
    return blocks.reshape(rows, -1)


def _to_six_bits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(blocks, 8) -> a float16 unit (blocks, 1) and levels 0..63 (blocks, 8) of that unit."""
    unit = (values.max(axis=1, keepdims=True) / 63).astype(np.float16)
    divisor = np.where(unit == 0, np.float16(1), unit).astype(np.float32)
    return unit, np.rint(values / divisor).clip(0, 63).astype(np.uint8)


def _pack_six_bits(scales: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Packs eight scales and eight offsets of six bits each into 12 bytes.

    The first four of each keep their bits in bytes 0-3 and 4-7; the low four bits of the last
    four share bytes 8-11, and their high two bits sit on top of bytes 0-7.
    """
    first = scales[:, :4] | ((scales[:, 4:] >> 4) << 6)
    second = offsets[:, :4] | ((offsets[:, 4:] >> 4) << 6)
    third = (scales[:, 4:] & 0x0F) | ((offsets[:, 4:] & 0x0F) << 4)
    return np.concatenate([first, second, third], axis=1)
