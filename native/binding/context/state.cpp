// The methods of Context that save and restore its memory.
#include <pybind11/pybind11.h>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/core/saved_state.h"

namespace py = pybind11;

namespace core {
namespace {

size_t state_size(const Context& self) { return with_context(self, saved_state_size); }

py::bytes state_get(const Context& self) {
    // Held over both steps, so that the size does not change between them.
    const auto handle = self.get();
    BusyLock busy(handle->busy, "Context");
    const size_t capacity = [&] {
        GilRelease release;
        return saved_state_size(*handle);
    }();
    PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(capacity));
    if (bytes == nullptr) {
        throw py::error_already_set();
    }
    auto result = py::reinterpret_steal<py::bytes>(bytes);
    size_t written;
    {
        GilRelease release;
        written = save_state(*handle, PyBytes_AS_STRING(bytes), capacity);
    }
    if (written != capacity) {
        return py::bytes(PyBytes_AS_STRING(bytes), written);
    }
    return result;
}

void state_set(const Context& self, const py::bytes& state) {
    char* data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(state.ptr(), &data, &size) != 0) {
        throw py::error_already_set();
    }
    with_context(self, [&](ContextHandle& context) {
        restore_state(context, data, static_cast<size_t>(size));
    });
}

}  // namespace

void bind_context_state(ContextClass& cls) {
    cls.def("state_size", &state_size,
            "Returns the number of bytes that state_get() would return now.");
    cls.def("state_get", &state_get,
            "Returns the memory of all sequences, for state_set(). It has no outputs.");
    cls.def("state_set", &state_set, py::arg("state"),
            R"(
            Restores the memory that state_get() returned, without outputs.

            Args:
              state: Bytes from a context of the same model and shape.

            Raises:
              StateError: The bytes are damaged or foreign, and the context is as it was; or they
                do not fit into the context, which is empty then.
            )"_doc);
}

}  // namespace core
