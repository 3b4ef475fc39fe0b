// States the ABI of the headers that this was compiled with, for abi_probe_test.py.
#include <Python.h>

#ifdef Py_GIL_DISABLED
#define FREE_THREADED 1
#else
#define FREE_THREADED 0
#endif

static int add_constants(PyObject* module) {
    if (PyModule_AddIntConstant(module, "FREE_THREADED", FREE_THREADED)) {
        return -1;
    }
    if (PyModule_AddIntConstant(module, "MAJOR", PY_MAJOR_VERSION)) {
        return -1;
    }
    return PyModule_AddIntConstant(module, "MINOR", PY_MINOR_VERSION);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, add_constants},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "abi_probe",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_abi_probe(void) { return PyModuleDef_Init(&module); }
