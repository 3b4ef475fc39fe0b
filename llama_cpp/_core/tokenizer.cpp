#include "llama_cpp/_core/tokenizer.h"

#include <climits>

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

std::vector<llama_token> tokenize_valid(const ModelHandle& model, const std::string& text,
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

}  // namespace

std::vector<llama_token> tokenize(const ModelHandle& model, const std::string& text,
                                  bool add_special, bool parse_special) {
    model.check_has_vocab();
    if (add_special) {
        check_special_tokens(model.vocab());
    }
    if (text.size() > INT_MAX - 8) {
        throw Error(ErrorKind::kTokenize, "text of 2 GiB or more; tokenize it in parts");
    }
    try {
        return tokenize_valid(model, text, add_special, parse_special);
    } catch (const Error& error) {
        throw Error(ErrorKind::kTokenize,
                    std::string("llama.cpp cannot tokenize this text (") + error.what() +
                        "); is it UTF-8? text.decode(\"utf-8\", \"replace\").encode() repairs it");
    }
}

std::string detokenize(const ModelHandle& model, const std::vector<llama_token>& tokens,
                       bool remove_special, bool unparse_special) {
    model.check_has_vocab();
    model.check_tokens(tokens, ErrorKind::kTokenize);
    if (tokens.size() > INT_MAX / 16) {
        throw Error(ErrorKind::kTokenize, "too many tokens at once; detokenize them in parts");
    }
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

std::string token_to_piece(const ModelHandle& model, llama_token token, bool special, int lstrip) {
    model.check_has_vocab();
    model.check_token(token, ErrorKind::kTokenize);
    std::string piece(64, '\0');
    for (;;) {
        const int32_t n = call_native(ErrorKind::kTokenize, [&] {
            return llama_token_to_piece(model.vocab(), token, piece.data(),
                                        static_cast<int32_t>(piece.size()), lstrip, special);
        });
        piece.resize(static_cast<size_t>(n < 0 ? -n : n));
        if (n >= 0) {
            return piece;
        }
    }
}

}  // namespace core
