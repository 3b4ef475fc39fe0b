// Native errors as Python exceptions.
#include "native/core/errors.h"

#include <pybind11/pybind11.h>

#include <exception>
#include <string>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/signals.h"
#include "native/core/interrupt.h"

namespace py = pybind11;

namespace core {
namespace {

// Name of the class in llama_cpp/_errors.py.
const char* class_name(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kLlama:
            return "LlamaError";
        case ErrorKind::kModelLoad:
            return "ModelLoadError";
        case ErrorKind::kContext:
            return "ContextError";
        case ErrorKind::kWeightLayout:
            return "WeightLayoutError";
        case ErrorKind::kContextOverflow:
            return "ContextOverflowError";
        case ErrorKind::kDecode:
            return "DecodeError";
        case ErrorKind::kAborted:
            return "AbortedError";
        case ErrorKind::kGrammar:
            return "GrammarError";
        case ErrorKind::kChatTemplate:
            return "ChatTemplateError";
        case ErrorKind::kTokenize:
            return "TokenizeError";
        case ErrorKind::kMedia:
            return "MediaError";
        case ErrorKind::kState:
            return "StateError";
        case ErrorKind::kClosed:
            return "ClosedError";
        case ErrorKind::kBusy:
            return "BusyError";
        case ErrorKind::kBackend:
            return "BackendError";
        case ErrorKind::kRemoteServer:
            return "RemoteServerError";
        case ErrorKind::kValue:
        case ErrorKind::kIndex:
            break;  // Python's own
    }
    return "LlamaError";
}

py::object exception_type(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kValue:
            return py::reinterpret_borrow<py::object>(PyExc_ValueError);
        case ErrorKind::kIndex:
            return py::reinterpret_borrow<py::object>(PyExc_IndexError);
        default:
            return py::module_::import("llama_cpp._errors").attr(class_name(kind));
    }
}

void raise_in_python(ErrorKind kind, const std::string& message) {
    PyErr_SetObject(exception_type(kind).ptr(), to_str(message).ptr());
}

}  // namespace

void init_errors(py::module_&) {
    install_abort_handler();
    py::register_local_exception_translator([](std::exception_ptr pointer) {
        if (is_main_thread() && raise_kept_exception()) {
            return;  // the cause of any error that the call ends with
        }
        try {
            std::rethrow_exception(pointer);
        } catch (const Error& error) {
            raise_in_python(error.kind(), error.what());
        } catch (const std::exception&) {
            throw;  // pybind11's own, MemoryError and similar ones
        } catch (...) {
            raise_in_python(ErrorKind::kLlama, describe_current_exception());
        }
    });
}

}  // namespace core
