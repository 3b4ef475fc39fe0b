// The module toy._toy.
#include <Python.h>

#include "toy.h"

static PyObject* answer(PyObject* self, PyObject* none) { return PyLong_FromLong(toy_answer()); }

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_toy",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__toy(void) { return PyModule_Create(&module); }
