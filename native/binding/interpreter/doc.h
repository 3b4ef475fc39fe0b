// Docstrings as raw strings, indented like the code around them: R"(...)"_doc.
#ifndef NATIVE_BINDING_INTERPRETER_DOC_H_
#define NATIVE_BINDING_INTERPRETER_DOC_H_

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace core {

// A docstring as an argument of class_, def() and similar functions, which copy it.
struct Doc {
    std::string text;
};

// Returns the text without its first line break, the indentation of its first line, and blanks at
// its end.
Doc operator""_doc(const char* text, size_t size);

}  // namespace core

namespace pybind11::detail {

template <>
struct process_attribute<core::Doc> : process_attribute_default<core::Doc> {
    static void init(const core::Doc& doc, function_record* record) {
        record->doc = const_cast<char*>(doc.text.c_str());
    }
    static void init(const core::Doc& doc, type_record* record) { record->doc = doc.text.c_str(); }
};

}  // namespace pybind11::detail

#endif  // NATIVE_BINDING_INTERPRETER_DOC_H_
