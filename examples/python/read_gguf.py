"""Lists the metadata and the tensors of a GGUF file, through the C API.

python read_gguf.py MODEL.gguf
"""

from __future__ import annotations

import sys
from typing import Any, Iterator, Tuple

import llama_cpp

# Type of a scalar in the file -> the function that reads it.
READERS = {
    llama_cpp.GGUF_TYPE_UINT8: llama_cpp.gguf_get_val_u8,
    llama_cpp.GGUF_TYPE_INT8: llama_cpp.gguf_get_val_i8,
    llama_cpp.GGUF_TYPE_UINT16: llama_cpp.gguf_get_val_u16,
    llama_cpp.GGUF_TYPE_INT16: llama_cpp.gguf_get_val_i16,
    llama_cpp.GGUF_TYPE_UINT32: llama_cpp.gguf_get_val_u32,
    llama_cpp.GGUF_TYPE_INT32: llama_cpp.gguf_get_val_i32,
    llama_cpp.GGUF_TYPE_UINT64: llama_cpp.gguf_get_val_u64,
    llama_cpp.GGUF_TYPE_INT64: llama_cpp.gguf_get_val_i64,
    llama_cpp.GGUF_TYPE_FLOAT32: llama_cpp.gguf_get_val_f32,
    llama_cpp.GGUF_TYPE_FLOAT64: llama_cpp.gguf_get_val_f64,
    llama_cpp.GGUF_TYPE_BOOL: llama_cpp.gguf_get_val_bool,
    llama_cpp.GGUF_TYPE_STRING: llama_cpp.gguf_get_val_str,
}


def metadata(file: int) -> Iterator[Tuple[str, Any]]:
    """Yields key and value; of an array its length, as text."""
    for index in range(llama_cpp.gguf_get_n_kv(file)):
        kind = llama_cpp.gguf_get_kv_type(file, index)
        if kind == llama_cpp.GGUF_TYPE_ARRAY:
            value: Any = f"[{llama_cpp.gguf_get_arr_n(file, index)} values]"
        else:
            value = READERS[kind](file, index)
        yield llama_cpp.gguf_get_key(file, index).decode(), value


def tensors(file: int) -> Iterator[Tuple[str, int]]:
    """Yields name and size in bytes."""
    for index in range(llama_cpp.gguf_get_n_tensors(file)):
        name = llama_cpp.gguf_get_tensor_name(file, index).decode()
        yield name, llama_cpp.gguf_get_tensor_size(file, index)


def main(path: str) -> None:
    # no_alloc: the weights stay in the file.
    parameters = llama_cpp.gguf_init_params(no_alloc=True, ctx=None)
    file = llama_cpp.gguf_init_from_file(path.encode(), parameters)
    if not file:
        sys.exit(f"{path} is no GGUF file")
    for key, value in metadata(file):
        print(f"{key}: {value.decode()!r}" if isinstance(value, bytes) else f"{key}: {value}")
    for name, size in tensors(file):
        print(f"{name}: {size} bytes")
    llama_cpp.gguf_free(file)


if __name__ == "__main__":
    main(sys.argv[1])
