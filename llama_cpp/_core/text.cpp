// The Python class TextStream.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <utility>

#include "llama_cpp/_core/convert.h"
#include "llama_cpp/_core/gil.h"
#include "llama_cpp/_core/init.h"
#include "llama_cpp/_core/model.h"
#include "llama_cpp/_core/text_stream.h"

namespace py = pybind11;

namespace core {

StopMatcher::StopMatcher(std::string stop) : stop_(std::move(stop)), fallback_(stop_.size(), 0) {
    size_t length = 0;
    for (size_t i = 1; i < stop_.size(); ++i) {
        while (length > 0 && stop_[i] != stop_[length]) {
            length = fallback_[length - 1];
        }
        length += stop_[i] == stop_[length] ? 1 : 0;
        fallback_[i] = length;
    }
}

bool StopMatcher::push(char byte) {
    while (matched_ > 0 && byte != stop_[matched_]) {
        matched_ = fallback_[matched_ - 1];
    }
    matched_ += byte == stop_[matched_] ? 1 : 0;
    return matched_ == stop_.size();
}

TextStream::TextStream(std::shared_ptr<ModelHandle> model, const std::vector<std::string>& stops,
                       bool special, const std::vector<llama_token>& preserved)
    : model_(std::move(model)),
      special_(special),
      preserved_(preserved.begin(), preserved.end()),
      piece_(64, '\0') {
    model_->check_has_vocab();
    for (const std::string& stop : stops) {
        if (!stop.empty()) {
            matchers_.emplace_back(stop);
        }
    }
}

py::str TextStream::push(llama_token token) {
    BusyLock busy(busy_, "TextStream");
    model_->check_token(token, ErrorKind::kTokenize);
    if (stopped()) {
        return {};
    }
    const std::string_view piece = piece_of(token);
    n_bytes_ += static_cast<int64_t>(piece.size());
    if (append(piece)) {
        return take_text(pending_.size(), true);
    }
    size_t held = 0;
    for (const StopMatcher& matcher : matchers_) {
        held = std::max(held, matcher.matched());
    }
    return take_text(pending_.size() - held, false);
}

py::str TextStream::flush() {
    BusyLock busy(busy_, "TextStream");
    return take_text(pending_.size(), true);
}

std::string_view TextStream::piece_of(llama_token token) {
    const bool special = special_ || preserved_.count(token) > 0;
    for (;;) {
        const int32_t size = llama_token_to_piece(model_->vocab(), token, piece_.data(),
                                                  static_cast<int32_t>(piece_.size()), 0, special);
        if (size >= 0) {
            return {piece_.data(), static_cast<size_t>(size)};
        }
        piece_.resize(static_cast<size_t>(-size));
    }
}

// Adds text up to the first stop string that becomes complete; returns whether one did. Of several
// that end at the same byte it is the longest.
bool TextStream::append(std::string_view piece) {
    for (char byte : piece) {
        pending_.push_back(byte);
        const StopMatcher* longest = nullptr;
        for (StopMatcher& matcher : matchers_) {
            if (matcher.push(byte) &&
                (longest == nullptr || matcher.stop().size() > longest->stop().size())) {
                longest = &matcher;
            }
        }
        if (longest != nullptr) {
            stop_ = longest->stop();
            pending_.resize(pending_.size() - stop_->size());
            return true;
        }
    }
    return false;
}

// Removes the first `size` bytes from what is pending, except, unless `is_final`, an incomplete
// UTF-8 character at their end. Invalid bytes become U+FFFD.
py::str TextStream::take_text(size_t size, bool is_final) {
    if (size == 0) {
        return {};
    }
    Py_ssize_t consumed = static_cast<Py_ssize_t>(size);
    PyObject* text = PyUnicode_DecodeUTF8Stateful(pending_.data(), static_cast<Py_ssize_t>(size),
                                                  "replace", is_final ? nullptr : &consumed);
    if (text == nullptr) {
        throw py::error_already_set();
    }
    pending_.erase(0, static_cast<size_t>(consumed));
    return py::reinterpret_steal<py::str>(text);
}

void init_text(py::module_& m) {
    py::class_<TextStream, std::shared_ptr<TextStream>> cls(
        m, "TextStream",
        "Turns tokens into text piece by piece.\n\n"
        "It holds back an incomplete UTF-8 character, and text that may be the beginning of a\n"
        "stop string. The stop string that is complete first ends the text.");
    cls.def(
        py::init([](const Model& model, const std::vector<std::string>& stops, bool special,
                    const Tokens& preserved) {
            return make_outside_gil<TextStream>(model.get(), stops, special, preserved.ids);
        }),
        py::arg("model"), py::arg("stops"), py::arg("special") = false,
        py::arg("preserved") = py::tuple(),
        "``stops``: bytes; empty ones are ignored. ``special`` renders special tokens as text;\n"
        "those in ``preserved`` are rendered in any case.");
    cls.def("push", &TextStream::push, py::arg("token"),
            "Add a token; returns the text that can be shown now, often \"\".");
    cls.def("flush", &TextStream::flush, "The text that is still held back.");
    cls.def_property_readonly("stopped", &TextStream::stopped,
                              "Whether a stop string was found; nothing follows then.");
    cls.def_property_readonly(
        "stop",
        [](const TextStream& self) -> py::typing::Optional<py::bytes> {
            return self.stop().has_value() ? py::object(py::bytes(*self.stop()))
                                           : py::object(py::none());
        },
        "The stop string that was found, as bytes, or None.");
    cls.def_property_readonly("n_bytes", &TextStream::n_bytes,
                              "Bytes of all tokens so far, shown or not.");
}

}  // namespace core
