// Words for a failed check of llama.cpp.
#ifndef NATIVE_CORE_ASSERTION_H_
#define NATIVE_CORE_ASSERTION_H_

#include <string>

namespace core {

// The sentence's beginning where memory ran out.
inline constexpr char kNoMemory[] = "there is not enough memory";

// Returns a sentence for the message of a failed GGML_ASSERT or GGML_ABORT: the contradiction in a
// model's metadata where that is known, and the check, with the place in llama.cpp's sources.
std::string describe_assertion(const std::string& message);

// Returns whether a text has such a sentence in it.
bool tells_of_assertion(const std::string& text);

}  // namespace core

#endif  // NATIVE_CORE_ASSERTION_H_
