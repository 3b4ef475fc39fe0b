// JSON and templates that come from outside, before llama-common's parsers see them.
#ifndef LLAMA_CPP_CORE_JSON_TEXT_H_
#define LLAMA_CPP_CORE_JSON_TEXT_H_

#include <string>

#include "json.h"
#include "llama_cpp/_core/errors.h"

namespace core {

// Fails with `kind` when the brackets of the text nest so deep that a recursive parser could
// overflow the stack. `what` names the text. Brackets in double quotes do not count.
void check_nesting(const std::string& text, ErrorKind kind, const std::string& what);

// Fails with `kind` for invalid JSON.
common_json parse_json(const std::string& text, ErrorKind kind, const std::string& what);

}  // namespace core

#endif  // LLAMA_CPP_CORE_JSON_TEXT_H_
