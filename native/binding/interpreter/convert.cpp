#include "native/binding/interpreter/convert.h"

#include <pybind11/critical_section.h>

#include <climits>
#include <cstring>
#include <string>

#include "native/core/errors.h"

namespace py = pybind11;

namespace core {
namespace {

bool is_int32_format(const char* format) {
    if (format == nullptr) {
        return false;
    }
    if (*format == '@' || *format == '=' || *format == '<') {  // all little-endian hosts
        ++format;
    }
    return (format[0] == 'i' || format[0] == 'l') && format[1] == '\0';
}

// Fills `tokens` when the object exports a contiguous 1-D buffer of int32.
bool copy_from_buffer(PyObject* object, std::vector<llama_token>& tokens) {
    if (!PyObject_CheckBuffer(object)) {
        return false;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FORMAT | PyBUF_ND | PyBUF_C_CONTIGUOUS) != 0) {
        PyErr_Clear();
        return false;
    }
    const bool matches =
        view.ndim == 1 && view.itemsize == sizeof(llama_token) && is_int32_format(view.format);
    if (matches) {
        tokens.resize(static_cast<size_t>(view.len) / sizeof(llama_token));
        if (!tokens.empty()) {
            std::memcpy(tokens.data(), view.buf, static_cast<size_t>(view.len));
        }
    }
    PyBuffer_Release(&view);
    return matches;
}

}  // namespace

py::str to_str(std::string_view text) {
    PyObject* str =
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (str == nullptr) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::str>(str);
}

std::string to_path(py::handle object) {
    auto path = py::reinterpret_steal<py::object>(PyOS_FSPath(object.ptr()));
    if (path && PyUnicode_Check(path.ptr())) {
        path = py::reinterpret_steal<py::object>(PyUnicode_EncodeFSDefault(path.ptr()));
    }
    if (!path) {
        throw py::error_already_set();
    }
    return path.cast<py::bytes>();
}

py::str path_to_str(const std::string& path) {
    PyObject* str =
        PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size()));
    if (str == nullptr) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::str>(str);
}

std::vector<llama_token> to_tokens(py::handle object) {
    if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr()) ||
        PyByteArray_Check(object.ptr())) {
        throw py::type_error(
            "tokens must be a sequence of int or an int32 array, not text: call tokenize() first");
    }
    std::vector<llama_token> tokens;
    if (copy_from_buffer(object.ptr(), tokens)) {
        return tokens;
    }
    auto sequence = py::reinterpret_steal<py::object>(PySequence_Fast(
        object.ptr(), "tokens must be a sequence of int or a one-dimensional int32 array"));
    if (!sequence) {
        throw py::error_already_set();
    }
    const py::scoped_critical_section lock(sequence);  // without the GIL a list may change
    tokens.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(sequence.ptr())));
    // The size is read anew each time: an item's __index__() may change the list.
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence.ptr()); ++i) {
        const auto item =
            py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(sequence.ptr(), i));
        const long value = PyLong_AsLong(item.ptr());
        if (value == -1 && PyErr_Occurred() != nullptr) {
            if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
                PyErr_Clear();
                throw py::value_error(
                    format("tokens[%zd] does not fit into 32 bits", static_cast<ssize_t>(i)));
            }
            throw py::error_already_set();
        }
        if (value < INT_MIN || value > INT_MAX) {
            throw py::value_error(format("tokens[%zd] = %ld does not fit into 32 bits",
                                         static_cast<ssize_t>(i), value));
        }
        tokens.push_back(static_cast<llama_token>(value));
    }
    return tokens;
}

}  // namespace core
