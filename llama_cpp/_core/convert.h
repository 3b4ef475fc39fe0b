// Conversion of Python arguments and of text that may not be valid UTF-8.
#ifndef LLAMA_CPP_CORE_CONVERT_H_
#define LLAMA_CPP_CORE_CONVERT_H_

#include <pybind11/pybind11.h>

#include <string_view>
#include <vector>

#include "llama.h"

namespace core {

// str of UTF-8 text; bytes that are not UTF-8 become U+FFFD.
pybind11::str to_str(std::string_view text);

// Token ids out of any sequence of int, or out of a contiguous 1-D int32 buffer (numpy, array).
// TypeError / ValueError when it is something else; the ids are not compared with a vocabulary.
std::vector<llama_token> to_tokens(pybind11::handle object);

pybind11::list to_list(const std::vector<llama_token>& tokens);

}  // namespace core

#endif  // LLAMA_CPP_CORE_CONVERT_H_
