// Two bytes, which choose a vocabulary and flags, and a text.
#include "native/core/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "native/core/load_model.h"
#include "native/core/text_stream.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {
namespace {

// Larger files take too long to open, and their tokenizers are those of smaller ones.
constexpr size_t kLargest = 2 << 20;

using Models = std::vector<std::shared_ptr<core::ModelHandle>>;

// In the order of the files' names.
Models& models() {
    static Models all;
    return all;
}

}  // namespace

void prepare() {
    std::vector<std::string> paths;
    std::istringstream directories(environment("VOCABULARIES"));
    for (std::string directory; directories >> directory;) {
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            if (entry.path().extension() == ".gguf" && entry.file_size() < kLargest) {
                paths.push_back(entry.path().string());
            }
        }
    }
    std::sort(paths.begin(), paths.end());
    core::ModelParams params;
    params.plain.vocab_only = true;
    for (const std::string& path : paths) {
        models().push_back(core::load_model(path, params, {}));
    }
}

void run(std::string_view input) {
    Parts parts(input);
    const auto& model = models()[parts.byte() % models().size()];
    const unsigned char flags = parts.byte();
    const auto tokens =
        core::tokenize(*model, std::string(parts.rest()), (flags & 1) != 0, (flags & 2) != 0);
    core::detokenize(*model, tokens, (flags & 4) != 0, (flags & 8) != 0);
    core::TextStream stream(model, {"</s>", "\xC3\xA4"}, (flags & 8) != 0, {});
    for (llama_token token : tokens) {
        core::token_to_piece(*model, token, (flags & 8) != 0, 1);
        stream.push(token);
    }
    stream.flush();
}

}  // namespace fuzz
