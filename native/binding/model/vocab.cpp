// The methods of Model about tokens and text.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/model/model.h"
#include "native/core/tokenizer.h"

namespace py = pybind11;

namespace core {
namespace {

// A property of one token that llama.cpp looks up by its id.
template <typename Getter>
auto lookup(const Model& self, llama_token token, Getter getter) {
    const auto model = self.get();
    model->check_has_vocab();
    model->check_token(token, ErrorKind::kTokenize);
    return getter(model->vocab(), token);
}

template <typename Getter>
void def_vocab_property(ModelClass& cls, const char* name, Getter getter, const char* doc) {
    cls.def_property_readonly(
        name, [getter](const Model& self) { return getter(self.get()->vocab()); }, doc);
}

}  // namespace

void bind_vocab(ModelClass& cls) {
    def_vocab_property(cls, "n_vocab", &llama_vocab_n_tokens, "Number of tokens.");
    def_vocab_property(
        cls, "vocab_type",
        [](const llama_vocab* vocab) { return static_cast<int>(llama_vocab_type(vocab)); },
        "LLAMA_VOCAB_TYPE_*; LLAMA_VOCAB_TYPE_NONE: the file has no vocabulary.");
    def_vocab_property(cls, "token_bos", &llama_vocab_bos, "Beginning of text, or -1.");
    def_vocab_property(cls, "token_eos", &llama_vocab_eos, "End of text, or -1.");
    def_vocab_property(cls, "token_eot", &llama_vocab_eot, "End of turn, or -1.");
    def_vocab_property(cls, "token_sep", &llama_vocab_sep, "Separator, or -1.");
    def_vocab_property(cls, "token_nl", &llama_vocab_nl, "Newline, or -1.");
    def_vocab_property(cls, "token_pad", &llama_vocab_pad, "Padding, or -1.");
    def_vocab_property(cls, "token_mask", &llama_vocab_mask, "Mask, or -1.");
    def_vocab_property(cls, "token_fim_pre", &llama_vocab_fim_pre, "Infill prefix, or -1.");
    def_vocab_property(cls, "token_fim_suf", &llama_vocab_fim_suf, "Infill suffix, or -1.");
    def_vocab_property(cls, "token_fim_mid", &llama_vocab_fim_mid, "Infill middle, or -1.");
    def_vocab_property(cls, "token_fim_pad", &llama_vocab_fim_pad, "Infill padding, or -1.");
    def_vocab_property(cls, "token_fim_rep", &llama_vocab_fim_rep, "Infill repository, or -1.");
    def_vocab_property(cls, "token_fim_sep", &llama_vocab_fim_sep, "Infill file mark, or -1.");
    def_vocab_property(cls, "add_bos", &llama_vocab_get_add_bos, "Whether prompts begin with BOS.");
    def_vocab_property(cls, "add_eos", &llama_vocab_get_add_eos, "Whether prompts end with EOS.");
    def_vocab_property(cls, "add_sep", &llama_vocab_get_add_sep, "Whether SEP is added.");

    cls.def(
        "tokenize",
        [](const Model& self, const py::bytes& text, bool add_special, bool parse_special) {
            const std::string copy = text;
            GilRelease release;
            return tokenize(*self.get(), copy, add_special, parse_special);
        },
        py::arg("text"), py::arg("add_special"), py::arg("parse_special"),
        R"(
        Tokenizes text.

        Args:
          text: UTF-8 text.
          add_special: Whether to add BOS and EOS where the model does.
          parse_special: Whether the text of a special token becomes that token.

        Returns:
          Token ids.

        Raises:
          TokenizeError: The model has no vocabulary, or the vocabulary cannot spell bytes that are
            not UTF-8.
        )"_doc);
    cls.def(
        "detokenize",
        [](const Model& self, const Tokens& tokens, bool remove_special, bool unparse_special) {
            std::string text;
            {
                GilRelease release;
                text = detokenize(*self.get(), tokens.ids, remove_special, unparse_special);
            }
            return py::bytes(text);
        },
        py::arg("tokens"), py::arg("remove_special") = false, py::arg("unparse_special") = false,
        R"(
        Converts token ids back into text.

        Args:
          tokens: The token ids.
          remove_special: Whether to drop BOS and EOS where the model adds them.
          unparse_special: Whether to render special tokens as text.

        Returns:
          UTF-8 text, which may end within a character.

        Raises:
          TokenizeError: An id is outside the vocabulary.
        )"_doc);
    cls.def(
        "token_to_piece",
        [](const Model& self, llama_token token, bool special, int lstrip) {
            return py::bytes(token_to_piece(*self.get(), token, special, lstrip));
        },
        py::arg("token"), py::arg("special") = false, py::arg("lstrip") = 0,
        R"(
        Returns the text of one token.

        Args:
          token: The token id.
          special: Whether a special token has a text; else it is empty.
          lstrip: Greatest number of leading spaces to remove.
        )"_doc);
    cls.def(
        "token_text",
        [](const Model& self, llama_token token) {
            return lookup(self, token, [](const llama_vocab* vocab, llama_token id) {
                return to_str(llama_vocab_get_text(vocab, id));
            });
        },
        py::arg("token"), "Returns the vocabulary's own entry for a token.");
    cls.def(
        "token_score",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_get_score);
        },
        py::arg("token"), "Returns the vocabulary's score of a token.");
    cls.def(
        "token_attr",
        [](const Model& self, llama_token token) {
            return static_cast<int>(lookup(self, token, &llama_vocab_get_attr));
        },
        py::arg("token"), "Returns the bits of LLAMA_TOKEN_ATTR_* of a token.");
    cls.def(
        "is_eog",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_is_eog);
        },
        py::arg("token"), "Returns whether a token ends the generation.");
    cls.def(
        "is_control",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_is_control);
        },
        py::arg("token"), "Returns whether a token is a control token.");
}

}  // namespace core
