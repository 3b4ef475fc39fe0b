"""Compiler options of the native core and of its binding."""

# pybind11 asks for hidden visibility: two modules with different versions of it must not share
# symbols.
NATIVE_COPTS = [
    "-std=c++17",
    "-fvisibility=hidden",
]
