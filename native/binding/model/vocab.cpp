// The methods of Model about tokens and text.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "native/binding/interpreter/convert.h"
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
        "LLAMA_VOCAB_TYPE_*; 0: the file has no vocabulary.");
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
        "Token ids of UTF-8 text.\n\n"
        "``add_special`` adds BOS/EOS as the model wants; ``parse_special`` turns the text of\n"
        "special tokens into those tokens. TokenizeError without a vocabulary, and for bytes that "
        "are\nnot UTF-8 where the vocabulary cannot spell them.");
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
        "Text of token ids; may end within a UTF-8 character.\n\n"
        "``remove_special`` drops BOS/EOS where the model adds them; ``unparse_special`` "
        "renders\nspecial tokens as text. TokenizeError for an id outside the vocabulary.");
    cls.def(
        "token_to_piece",
        [](const Model& self, llama_token token, bool special, int lstrip) {
            return py::bytes(token_to_piece(*self.get(), token, special, lstrip));
        },
        py::arg("token"), py::arg("special") = false, py::arg("lstrip") = 0,
        "Text of one token, without up to ``lstrip`` leading spaces; b\"\" for a special token "
        "unless\n``special``.");
    cls.def(
        "token_text",
        [](const Model& self, llama_token token) {
            return lookup(self, token, [](const llama_vocab* vocab, llama_token id) {
                return to_str(llama_vocab_get_text(vocab, id));
            });
        },
        py::arg("token"), "The vocabulary's own entry for a token.");
    cls.def(
        "token_score",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_get_score);
        },
        py::arg("token"), "The vocabulary's score of a token.");
    cls.def(
        "token_attr",
        [](const Model& self, llama_token token) {
            return static_cast<int>(lookup(self, token, &llama_vocab_get_attr));
        },
        py::arg("token"), "Bits of LLAMA_TOKEN_ATTR_*.");
    cls.def(
        "is_eog",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_is_eog);
        },
        py::arg("token"), "Whether a token ends the generation.");
    cls.def(
        "is_control",
        [](const Model& self, llama_token token) {
            return lookup(self, token, &llama_vocab_is_control);
        },
        py::arg("token"), "Whether a token is a control token.");
}

}  // namespace core
