// The library of toy_wheel, which knows nothing of Python.
#include "toy.h"

int toy_answer(void) { return 42; }
