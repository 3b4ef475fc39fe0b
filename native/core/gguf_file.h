// A look at a model file before llama.cpp opens it.
#ifndef NATIVE_CORE_GGUF_FILE_H_
#define NATIVE_CORE_GGUF_FILE_H_

#include <cstdint>
#include <string>

namespace core {

// Fails with ModelLoadError, which has a remedy, if the path is missing, is no regular file, cannot
// be read, is empty or does not begin like GGUF. `noun` names the kind of file in the message.
void check_gguf_file(const std::string& path, const char* noun);

// Returns the number of positions for which a model has learned embeddings; INT32_MAX if it has
// none. With a greater position llama.cpp reads past the table and stops the process.
int32_t learned_positions(const std::string& path);

// Returns a text of the file's metadata, "" if there is none of this key.
std::string gguf_text(const std::string& path, const char* key);

}  // namespace core

#endif  // NATIVE_CORE_GGUF_FILE_H_
