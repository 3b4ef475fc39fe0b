#include "native/core/gguf_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "ggml.h"
#include "gguf.h"
#include "native/core/errors.h"
#include "native/core/log.h"

namespace core {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& message) {
    throw Error(ErrorKind::kModelLoad, message);
}

bool begins_with(const std::string& text, const char* prefix) {
    return text.compare(0, std::strlen(prefix), prefix) == 0;
}

// Returns the probable format of a file that is not GGUF, and how to get a GGUF instead.
const char* guess_content(const std::string& head) {
    if (begins_with(head, "version https://git-lfs")) {
        return ", but a Git LFS pointer\nRun `git lfs pull` to fetch the real file.";
    }
    if (begins_with(head, "<!DOCTYPE") || begins_with(head, "<!doctype") ||
        begins_with(head, "<html")) {
        return ", but a web page\nDownload the file itself, not the page that shows it.";
    }
    if (begins_with(head, "ggml") || begins_with(head, "lmgg") || begins_with(head, "fmgg") ||
        begins_with(head, "tjgg")) {
        return ", but of a GGML format from before GGUF\nDownload the model as GGUF.";
    }
    if (begins_with(head, "PK")) {
        return ", but looks like a PyTorch or zip file\nConvert it with llama.cpp's "
               "convert_hf_to_gguf.py, or download the model as GGUF.";
    }
    return "\nGive the path of a .gguf file; llama.cpp's convert_hf_to_gguf.py makes one of a "
           "Hugging Face model.";
}

}  // namespace

void check_gguf_file(const std::string& path, const char* noun) {
    if (path.empty() || path.find('\0') != std::string::npos) {
        refuse(format("%s path is %s\nGive the path of a .gguf file.", noun,
                      path.empty() ? "empty" : "invalid: it contains a NUL character"));
    }
    std::error_code error;
    const fs::path file_path = fs::u8path(path);
    const fs::file_status status = fs::status(file_path, error);
    if (status.type() == fs::file_type::not_found) {
        refuse(format("%s path does not exist: %s", noun, path.c_str()));
    }
    if (status.type() == fs::file_type::none) {
        refuse(format("%s path cannot be examined: %s: %s", noun, path.c_str(),
                      error.message().c_str()));
    }
    if (fs::is_directory(status)) {
        refuse(format("%s path is a directory: %s\nGive the path of the .gguf file in it.", noun,
                      path.c_str()));
    }
    if (!fs::is_regular_file(status)) {
        refuse(format("%s path is not a regular file: %s", noun, path.c_str()));
    }
    // By its size: reading from a file of /proc may never end.
    if (fs::file_size(file_path, error) == 0) {
        refuse(format("%s file is empty: %s\nDownload it again.", noun, path.c_str()));
    }
    std::ifstream file(file_path, std::ios::binary);
    if (!file) {
        refuse(format("%s file cannot be read: %s: %s\nCheck its permissions.", noun, path.c_str(),
                      std::strerror(errno)));
    }
    std::string head(32, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<size_t>(file.gcount()));
    if (!begins_with(head, "GGUF")) {
        refuse(format("%s file is not a GGUF file (invalid magic): %s%s", noun, path.c_str(),
                      guess_content(head)));
    }
}

int32_t learned_positions(const std::string& path) {
    ggml_context* tensors = nullptr;
    gguf_context* file = gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, &tensors});
    if (file == nullptr) {
        return INT32_MAX;
    }
    const ggml_tensor* table = ggml_get_tensor(tensors, "position_embd.weight");
    const int64_t n_positions = table == nullptr ? INT32_MAX : table->ne[1];
    gguf_free(file);
    ggml_free(tensors);
    return static_cast<int32_t>(std::min<int64_t>(n_positions, INT32_MAX));
}

std::string gguf_text(const std::string& path, const char* key) {
    LogCapture log;
    gguf_context* file = gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, nullptr});
    log.take_lines();
    if (file == nullptr) {
        return {};
    }
    const int64_t id = gguf_find_key(file, key);
    const bool is_text = id >= 0 && gguf_get_kv_type(file, id) == GGUF_TYPE_STRING;
    std::string text = is_text ? gguf_get_val_str(file, id) : "";
    gguf_free(file);
    return text;
}

}  // namespace core
