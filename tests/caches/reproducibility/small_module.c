// The module of small_wheel, with nothing in it.
#include <Python.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_small", .m_size = 0};

PyMODINIT_FUNC PyInit__small(void) { return PyModule_Create(&module); }
