// JSON that comes from outside, before llama-common's parsers see it.
#ifndef NATIVE_CORE_JSON_TEXT_H_
#define NATIVE_CORE_JSON_TEXT_H_

#include <string>

#include "json.h"
#include "native/core/errors.h"

namespace core {

// Fails with `kind` for invalid JSON, and for JSON that nests so deep that a recursive parser could
// overflow the stack. `name` is the text's name in the message.
common_json parse_json(const std::string& text, ErrorKind kind, const std::string& name);

}  // namespace core

#endif  // NATIVE_CORE_JSON_TEXT_H_
