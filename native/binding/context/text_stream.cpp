// The Python class TextStream.
#include "native/core/text_stream.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <optional>
#include <string>
#include <vector>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/model/model.h"

namespace py = pybind11;

namespace core {

void init_text(py::module_& m) {
    py::class_<TextStream, std::shared_ptr<TextStream>> cls(
        m, "TextStream",
        "Turns tokens into text piece by piece.\n\n"
        "It holds back an incomplete UTF-8 character, and text that may be the beginning of a\n"
        "stop string. The stop string that is complete first ends the text.");
    cls.def(
        py::init([](const Model& model, const std::vector<std::string>& stops, bool special,
                    const Tokens& preserved, const py::bytes& begun) {
            return make_outside_gil<TextStream>(model.get(), stops, special, preserved.ids,
                                                static_cast<std::string>(begun));
        }),
        py::arg("model"), py::arg("stops"), py::arg("special") = false,
        py::arg("preserved") = py::tuple(), py::arg("begun") = py::bytes(),
        "``stops``: bytes; empty ones are ignored. ``special`` renders special tokens as text;\n"
        "those in ``preserved`` are rendered in any case. ``begun``: bytes of an incomplete\n"
        "character before the first token.");
    cls.def(
        "push", [](TextStream& self, llama_token token) { return to_str(self.push(token)); },
        py::arg("token"), "Add a token; returns the text that can be shown now, often \"\".");
    cls.def(
        "flush", [](TextStream& self) { return to_str(self.flush()); },
        "End the text; returns what is held back of it, without an incomplete character.");
    cls.def_property_readonly("stopped", &TextStream::stopped,
                              "Whether a stop string was found; nothing follows then.");
    cls.def_property_readonly(
        "stop",
        [](const TextStream& self) -> py::typing::Optional<py::bytes> {
            const std::optional<std::string> stop = self.stop();
            return stop.has_value() ? py::object(py::bytes(*stop)) : py::object(py::none());
        },
        "The stop string that was found, as bytes, or None.");
    cls.def_property_readonly("n_bytes", &TextStream::n_bytes,
                              "Bytes of all tokens so far, shown or not.");
}

}  // namespace core
