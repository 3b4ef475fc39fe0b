// The methods of Model about tokens and text.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <climits>
#include <string>
#include <vector>

#include "llama_cpp/_core/convert.h"
#include "llama_cpp/_core/gil.h"
#include "llama_cpp/_core/model.h"

namespace py = pybind11;

namespace core {
namespace {

// llama.cpp stops the process when a special token that it shall add does not exist.
void check_special_tokens(const llama_vocab* vocab) {
    const char* missing = nullptr;
    switch (llama_vocab_type(vocab)) {
        case LLAMA_VOCAB_TYPE_SPM:
        case LLAMA_VOCAB_TYPE_BPE:
        case LLAMA_VOCAB_TYPE_UGM:
            if (llama_vocab_get_add_bos(vocab) && llama_vocab_bos(vocab) == LLAMA_TOKEN_NULL) {
                missing = "BOS";
            }
            if (llama_vocab_get_add_eos(vocab) && llama_vocab_eos(vocab) == LLAMA_TOKEN_NULL) {
                missing = "EOS";
            }
            break;
        case LLAMA_VOCAB_TYPE_WPM:
            if (llama_vocab_bos(vocab) == LLAMA_TOKEN_NULL) {
                missing = "CLS";
            }
            if (llama_vocab_sep(vocab) == LLAMA_TOKEN_NULL) {
                missing = "SEP";
            }
            break;
        default:
            break;
    }
    if (missing != nullptr) {
        throw Error(ErrorKind::kTokenize,
                    format("the vocabulary wants a %s token added but has none; call tokenize with "
                           "add_special=False",
                           missing));
    }
}

std::vector<llama_token> tokenize_native(const ModelHandle& model, const std::string& text,
                                         bool add_special, bool parse_special) {
    // Hardly any text has more tokens than bytes; the second round is for those that do.
    std::vector<llama_token> tokens(text.size() + 8);
    for (int round = 0; round < 2; ++round) {
        const int32_t n = call_native(ErrorKind::kTokenize, [&] {
            return llama_tokenize(model.vocab(), text.data(), static_cast<int32_t>(text.size()),
                                  tokens.data(), static_cast<int32_t>(tokens.size()), add_special,
                                  parse_special);
        });
        if (n == INT32_MIN) {
            break;
        }
        tokens.resize(static_cast<size_t>(n < 0 ? -n : n));
        if (n >= 0) {
            return tokens;
        }
    }
    throw Error(ErrorKind::kTokenize, "the text has more tokens than fit into 32 bits");
}

std::vector<llama_token> tokenize(const Model& self, const py::bytes& text, bool add_special,
                                  bool parse_special) {
    const auto model = self.get();
    model->check_has_vocab();
    if (add_special) {
        check_special_tokens(model->vocab());
    }
    const std::string copy = text;
    if (copy.size() > INT_MAX - 8) {
        throw Error(ErrorKind::kTokenize, "text of 2 GiB or more; tokenize it in parts");
    }
    GilRelease release;
    try {
        return tokenize_native(*model, copy, add_special, parse_special);
    } catch (const Error& error) {
        throw Error(ErrorKind::kTokenize,
                    std::string("llama.cpp cannot tokenize this text (") + error.what() +
                        "); is it UTF-8? text.decode(\"utf-8\", \"replace\").encode() repairs it");
    }
}

std::string detokenize_native(const ModelHandle& model, const std::vector<llama_token>& tokens,
                              bool remove_special, bool unparse_special) {
    std::string text(tokens.size() * 8 + 8, '\0');
    for (int round = 0; round < 2; ++round) {
        const int32_t n = call_native(ErrorKind::kTokenize, [&] {
            return llama_detokenize(
                model.vocab(), tokens.data(), static_cast<int32_t>(tokens.size()), text.data(),
                static_cast<int32_t>(text.size()), remove_special, unparse_special);
        });
        text.resize(static_cast<size_t>(n < 0 ? -n : n));
        if (n >= 0) {
            return text;
        }
    }
    throw Error(ErrorKind::kTokenize, "llama.cpp gave two different lengths for the same tokens");
}

py::bytes detokenize(const Model& self, const Tokens& tokens, bool remove_special,
                     bool unparse_special) {
    const auto model = self.get();
    model->check_has_vocab();
    model->check_tokens(tokens.ids, ErrorKind::kTokenize);
    if (tokens.ids.size() > INT_MAX / 16) {
        throw Error(ErrorKind::kTokenize, "too many tokens at once; detokenize them in parts");
    }
    std::string text;
    {
        GilRelease release;
        text = detokenize_native(*model, tokens.ids, remove_special, unparse_special);
    }
    return py::bytes(text);
}

py::bytes token_to_piece(const Model& self, llama_token token, bool special, int lstrip) {
    const auto model = self.get();
    model->check_has_vocab();
    model->check_token(token, ErrorKind::kTokenize);
    std::string piece(64, '\0');
    for (;;) {
        const int32_t n = call_native(ErrorKind::kTokenize, [&] {
            return llama_token_to_piece(model->vocab(), token, piece.data(),
                                        static_cast<int32_t>(piece.size()), lstrip, special);
        });
        piece.resize(static_cast<size_t>(n < 0 ? -n : n));
        if (n >= 0) {
            return py::bytes(piece);
        }
    }
}

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
        "tokenize", &tokenize, py::arg("text"), py::arg("add_special"), py::arg("parse_special"),
        "Token ids of UTF-8 text.\n\n"
        "``add_special`` adds BOS/EOS as the model wants; ``parse_special`` turns the text of\n"
        "special tokens into those tokens. TokenizeError without a vocabulary, and for bytes that "
        "are\nnot UTF-8 where the vocabulary cannot spell them.");
    cls.def("detokenize", &detokenize, py::arg("tokens"), py::arg("remove_special") = false,
            py::arg("unparse_special") = false,
            "Text of token ids; may end within a UTF-8 character.\n\n"
            "``remove_special`` drops BOS/EOS where the model adds them; ``unparse_special`` "
            "renders\nspecial tokens as text. TokenizeError for an id outside the vocabulary.");
    cls.def("token_to_piece", &token_to_piece, py::arg("token"), py::arg("special") = false,
            py::arg("lstrip") = 0,
            "Text of one token, without up to ``lstrip`` leading spaces; b\"\" for a special token "
            "unless\n``special``.");
    cls.def(
        "token_text",
        [](const Model& self, llama_token token) {
            return to_str(lookup(self, token, &llama_vocab_get_text));
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
