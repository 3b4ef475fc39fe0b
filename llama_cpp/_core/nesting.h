// A guard for llama-common's recursive parsers.
#ifndef LLAMA_CPP_CORE_NESTING_H_
#define LLAMA_CPP_CORE_NESTING_H_

#include <string>

#include "llama_cpp/_core/errors.h"

namespace core {

// Fails with `kind` when the brackets of JSON or template text nest so deep that a recursive parser
// could overflow the stack. `what` names the text. Brackets in double quotes do not count.
void check_nesting(const std::string& text, ErrorKind kind, const char* what);

}  // namespace core

#endif  // LLAMA_CPP_CORE_NESTING_H_
