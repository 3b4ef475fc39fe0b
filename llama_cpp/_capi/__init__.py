"""The C API of llama.cpp for ctypes. `constants` and the modules `*_h` are generated (//native/capi)."""
