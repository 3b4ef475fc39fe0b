// The Python class TextStream.
#include "native/core/text_stream.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <optional>
#include <string>
#include <vector>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/model/model.h"

namespace py = pybind11;

namespace core {

void init_text(py::module_& m) {
    py::class_<TextStream, std::shared_ptr<TextStream>> cls(m, "TextStream", R"(
        Turns tokens into text piece by piece.

        It holds back an incomplete UTF-8 character, and text that may be the beginning of a stop
        string. The stop string that is complete first ends the text.
        )"_doc);
    cls.def(py::init([](const Model& model, const std::vector<std::string>& stops, bool special,
                        const Tokens& preserved, const py::bytes& begun) {
                return make_outside_gil<TextStream>(model.get(), stops, special, preserved.ids,
                                                    static_cast<std::string>(begun));
            }),
            py::arg("model"), py::arg("stops"), py::arg("special") = false,
            py::arg("preserved") = py::tuple(), py::arg("begun") = py::bytes(),
            R"(
            Begins a text.

            Args:
              model: Model of the tokens.
              stops: Stop strings as bytes; empty ones are ignored.
              special: Whether special tokens are rendered as text.
              preserved: Special tokens that are rendered in any case.
              begun: Bytes of an incomplete character before the first token.
            )"_doc);
    cls.def(
        "push", [](TextStream& self, llama_token token) { return to_str(self.push(token)); },
        py::arg("token"), "Adds a token and returns the text that can be shown now, often \"\".");
    cls.def(
        "flush", [](TextStream& self) { return to_str(self.flush()); },
        "Ends the text and returns the rest of it, without an incomplete character.");
    cls.def_property_readonly("stopped", &TextStream::stopped,
                              "Whether a stop string was found. No text follows it.");
    cls.def_property_readonly(
        "stop",
        [](const TextStream& self) -> py::typing::Optional<py::bytes> {
            const std::optional<std::string> stop = self.stop();
            return stop.has_value() ? py::object(py::bytes(*stop)) : py::object(py::none());
        },
        "Stop string that was found, as bytes, or None.");
    cls.def_property_readonly("n_bytes", &TextStream::n_bytes,
                              "Number of bytes of all tokens so far, shown or not.");
}

}  // namespace core
