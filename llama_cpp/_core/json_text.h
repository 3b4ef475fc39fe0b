// JSON that comes from outside, before llama-common's parsers see it.
#ifndef LLAMA_CPP_CORE_JSON_TEXT_H_
#define LLAMA_CPP_CORE_JSON_TEXT_H_

#include <string>

#include "json.h"
#include "llama_cpp/_core/errors.h"

namespace core {

// Fails with `kind` for invalid JSON, and for JSON that nests so deep that a recursive parser could
// overflow the stack. `what` names the text.
common_json parse_json(const std::string& text, ErrorKind kind, const std::string& what);

}  // namespace core

#endif  // LLAMA_CPP_CORE_JSON_TEXT_H_
