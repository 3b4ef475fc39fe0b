#include "native/core/tokenizer.h"

#include <algorithm>
#include <climits>
#include <string_view>
#include <unordered_set>

#include "native/core/interrupt.h"
#include "native/core/log.h"

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
                    format("the vocabulary wants a %s token added but has none\nCall tokenize with "
                           "add_special=False.",
                           missing));
    }
}

std::vector<llama_token> tokenize_valid(const ModelHandle& model, const std::string& text,
                                        bool add_special, bool parse_special) {
    // The second round is for the rare text that has more tokens than bytes.
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

// For a part of the text without a token llama.cpp takes the unknown token, which may be none.
void check_known(const std::vector<llama_token>& tokens) {
    if (std::find(tokens.begin(), tokens.end(), LLAMA_TOKEN_NULL) != tokens.end()) {
        throw Error(
            ErrorKind::kTokenize,
            "the vocabulary has no token for a part of this text, and no unknown token\nThe "
            "model file was converted or edited wrongly: take another one.");
    }
}

// Names of the byte tokens that the text needs, for characters that no token spells, and that the
// vocabulary lacks.
std::vector<std::string> missing_byte_tokens(const ModelHandle& model, const std::string& text) {
    std::unordered_set<std::string_view> pieces;
    for (llama_token token = 0; token < model.n_vocab(); ++token) {
        pieces.insert(llama_vocab_get_text(model.vocab(), token));
    }
    std::vector<std::string> missing;
    const auto is_continuation = [](char byte) { return (byte & 0xC0) == 0x80; };
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
        end = begin + 1;
        while (end < text.size() && is_continuation(text[end])) {
            ++end;
        }
        const std::string_view character = std::string_view(text).substr(begin, end - begin);
        if (pieces.count(character) != 0) {
            continue;
        }
        for (const char byte : character) {
            const std::string name = format("<0x%02X>", static_cast<unsigned char>(byte));
            if (pieces.count(name) == 0 && pieces.count({&byte, 1}) == 0 &&
                std::find(missing.begin(), missing.end(), name) == missing.end()) {
                missing.push_back(name);
            }
        }
    }
    return missing;
}

[[noreturn]] void refuse(const ModelHandle& model, const std::string& text, const char* reason) {
    const std::vector<std::string> missing = missing_byte_tokens(model, text);
    if (llama_vocab_type(model.vocab()) == LLAMA_VOCAB_TYPE_SPM && !missing.empty()) {
        throw Error(ErrorKind::kTokenize,
                    "the vocabulary lacks tokens that this text needs: " + join(missing, ", ") +
                        "\nThe model file was converted or edited wrongly: take another one.");
    }
    throw Error(ErrorKind::kTokenize,
                std::string("llama.cpp cannot tokenize this text (") + reason +
                    ")\nIs it UTF-8? text.decode(\"utf-8\", \"replace\").encode() repairs it.");
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
    std::vector<llama_token> tokens;
    try {
        tokens = tokenize_valid(model, text, add_special, parse_special);
    } catch (const Error& error) {
        if (interrupt_requested()) {
            throw Interrupted{};
        }
        refuse(model, text, error.what());
    }
    check_known(tokens);
    return tokens;
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
