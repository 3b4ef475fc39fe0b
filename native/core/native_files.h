// The files from which this process loaded llama.cpp, and the check that they are this package's.
#ifndef NATIVE_CORE_NATIVE_FILES_H_
#define NATIVE_CORE_NATIVE_FILES_H_

#include <map>
#include <memory>
#include <string>

namespace core {

// Returns upstream's name of each library -> the file with its functions.
std::map<std::string, std::string> native_files();

// Throws std::runtime_error, with the foreign file and the remedy, unless everything that this
// module and its libraries take from llama.cpp is in the package's own `lib` directory.
void require_own_files();

// Opens a backend that is about to be registered, and throws as require_own_files() does. Null
// where it cannot be opened, or is no backend: ggml says why.
std::shared_ptr<void> open_own_backend(const std::string& path);

// Returns the function by which a backend gives itself out, ggml_backend_init() of
// ggml-backend-impl.h. Null if the library has none, or is null.
void* entry_of(const std::shared_ptr<void>& backend);

}  // namespace core

#endif  // NATIVE_CORE_NATIVE_FILES_H_
