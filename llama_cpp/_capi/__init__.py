"""The C API of llama.cpp for ctypes. //native/capi generates `constants` and the modules `*_h`."""
