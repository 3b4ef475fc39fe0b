// The reason why llama.cpp refuses a model file, and the remedy.
#ifndef NATIVE_CORE_LOAD_FAILURE_H_
#define NATIVE_CORE_LOAD_FAILURE_H_

#include <string>
#include <vector>

namespace core {

// Returns the reason, out of the lines that llama.cpp logged at ERROR level.
std::string reason_of(const std::vector<std::string>& lines);

// Returns the reason, facts about this file that belong to it, and the remedy on a line of its own.
std::string explain_failure(const std::string& path, const std::string& reason);

}  // namespace core

#endif  // NATIVE_CORE_LOAD_FAILURE_H_
