// Text to tokens and back.
#ifndef NATIVE_CORE_TOKENIZER_H_
#define NATIVE_CORE_TOKENIZER_H_

#include <string>
#include <vector>

#include "native/core/handles.h"

namespace core {

// All fail with TokenizeError. They may run at the same time in several threads.

// `add_special` adds BOS/EOS as the model wants; `parse_special` turns the text of special tokens
// into those tokens.
std::vector<llama_token> tokenize(const ModelHandle& model, const std::string& text,
                                  bool add_special, bool parse_special);

// `remove_special` drops BOS/EOS where the model adds them; `unparse_special` renders special
// tokens as text.
std::string detokenize(const ModelHandle& model, const std::vector<llama_token>& tokens,
                       bool remove_special, bool unparse_special);

// Text of one token, without up to `lstrip` leading spaces.
std::string token_to_piece(const ModelHandle& model, llama_token token, bool special, int lstrip);

}  // namespace core

#endif  // NATIVE_CORE_TOKENIZER_H_
