"""The C API of llama.cpp for ctypes. `numbers` and the modules `*_h` are generated (//native/capi)."""
