#include "native/core/load_failure.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>

#include "gguf.h"
#include "native/core/assertion.h"
#include "native/core/errors.h"
#include "native/core/log.h"

namespace core {
namespace {

struct FreeGguf {
    void operator()(gguf_context* file) const { gguf_free(file); }
};
using GgufPtr = std::unique_ptr<gguf_context, FreeGguf>;

GgufPtr open_metadata(const std::string& path) {
    LogCapture quiet;
    GgufPtr file(gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, nullptr}));
    quiet.take();
    return file;
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

// Metadata that only some models need. If it is missing in one of those, llama.cpp complains about
// tensors instead.
std::string absent_keys(const gguf_context* file) {
    static const char* const kOptional[] = {
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.key_length",
        "attention.value_length",
        "attention.key_length_mla",
        "attention.value_length_mla",
        "attention.recurrent_layers",
        "expert_count",
        "expert_used_count",
        "expert_feed_forward_length",
        "expert_shared_feed_forward_length",
        "leading_dense_block_count",
        "rope.dimension_count",
    };
    const int64_t architecture = gguf_find_key(file, "general.architecture");
    if (architecture < 0 || gguf_get_kv_type(file, architecture) != GGUF_TYPE_STRING) {
        return {};
    }
    const std::string prefix = gguf_get_val_str(file, architecture) + std::string(".");
    std::vector<std::string> absent;
    for (const char* name : kOptional) {
        if (gguf_find_key(file, (prefix + name).c_str()) < 0) {
            absent.push_back(prefix + name);
        }
    }
    return join(absent, ", ");
}

// Bytes that the file must have for all of its tensors.
uint64_t needed_size(const gguf_context* file) {
    uint64_t end = 0;
    for (int64_t i = 0; i < gguf_get_n_tensors(file); ++i) {
        end = std::max<uint64_t>(end,
                                 gguf_get_tensor_offset(file, i) + gguf_get_tensor_size(file, i));
    }
    return gguf_get_data_offset(file) + end;
}

std::string facts_about_size(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(std::filesystem::u8path(path), error);
    const GgufPtr file = open_metadata(path);
    if (error || file == nullptr) {
        return {};
    }
    return format("The file has %llu bytes, and its tensors need %llu",
                  static_cast<unsigned long long>(size),
                  static_cast<unsigned long long>(needed_size(file.get())));
}

std::string facts_about_keys(const std::string& path) {
    const GgufPtr file = open_metadata(path);
    const std::string absent = file == nullptr ? "" : absent_keys(file.get());
    return absent.empty()
               ? ""
               : "Its metadata has none of the following, which some models need: " + absent;
}

using Facts = std::string (*)(const std::string& path);

struct Cause {
    const char* sign;  // in llama.cpp's text
    const char* advice;
    Facts facts = nullptr;
};

constexpr char kUpgrade[] = "It may need a newer llama.cpp: upgrade llama-cpp-python.";
constexpr char kMemory[] = "There is not enough memory for it: take a smaller quantisation.";
constexpr char kDownload[] =
    "The file is truncated or damaged: compare its size and hash, download it again.";
constexpr char kConvert[] =
    "The file was converted or edited wrongly, or is meant for a newer llama.cpp: take another "
    "one, convert the model again, or upgrade llama-cpp-python.";
constexpr char kOverride[] =
    "The file was converted or edited wrongly: take another one, convert the model again, or pass "
    "the value in kv_overrides.";

// The first whose sign occurs counts.
constexpr Cause kCauses[] = {
    {"SPLIT_MODE", "Choose another split_mode, or install a backend for your GPU."},
    {"main_gpu", "Choose one of the GPUs in devices()."},
    {"no backends are loaded", "Load a backend first: import llama_cpp, not llama_cpp._core."},
    {"endianness", "It was written for a machine of the other byte order: download it again."},
    {"GGUFv1", "Convert it again with a current convert_hf_to_gguf.py, or download a new one."},
    {"only supports up to version", kUpgrade},
    {"unknown model architecture", kUpgrade},
    {"pre-tokenizer", kUpgrade},
    {"unknown tokenizer", kUpgrade},
    {"allocate", kMemory},
    {kNoMemory, kMemory},
    {"bad_alloc", kMemory},
    {"mmap failed", "Load it with use_mmap=False, or free memory."},
    {"loaded with the first split", "Give the path of the first part (-00001-of-...)."},
    {"split", "Put all parts of the model into one directory, under their original names."},
    {"within the file bounds", kDownload, facts_about_size},
    {"corrupt", kDownload},
    {"invalid data", kDownload},
    {"wrong type", kOverride},
    {"expected scalar", kOverride},
    {"wrong array", kOverride},
    {"invalid gguf type", kConvert},
    {"must be of type", kConvert},
    {"key not found", kOverride},
    {"compatible buffer type",
     "The tensor's type is none that a model computes with: take another file, or convert the "
     "model again."},
    {"wrong number of tensors",
     "It holds tensors that this llama.cpp does not know: upgrade llama-cpp-python, or convert "
     "the model again."},
    {"not found", kConvert, facts_about_keys},
    {"missing tensor", kConvert, facts_about_keys},
    {"wrong shape", kConvert, facts_about_keys},
    {"TENSOR_ALIGNMENT", "Load it with use_mmap=False, or convert the model again."},
    {"(src/llama-vocab.cpp", kConvert},
    {"internal check", kConvert, facts_about_keys},
    {"failed to read", kDownload},
    {"", "The file may be truncated or damaged: compare its size and hash, download it again."},
};

// llama.cpp's own words for an absent key, where it has others.
std::string name_key(const std::string& line) {
    struct Wording {
        const char* sign;
        const char* key;
    };
    static constexpr Wording kWordings[] = {
        {"unknown model architecture: ''", "general.architecture"},
        {"cannot find tokenizer vocab in model file", "tokenizer.ggml.tokens"},
        {"cannot find tokenizer merges in model file", "tokenizer.ggml.merges"},
    };
    for (const Wording& wording : kWordings) {
        if (contains(line, wording.sign)) {
            return std::string("key not found in model: ") + wording.key;
        }
    }
    return line;
}

// "error loading model: ", "error loading model vocabulary: ", "check_tensor_dims: " and similar
// prefixes.
std::string without_prefixes(std::string line) {
    static const std::string kLoading = "error loading model";
    for (;;) {
        const size_t colon = line.find(": ");
        if (colon == std::string::npos) {
            return line;
        }
        const std::string head = line.substr(0, colon);
        const bool is_function = contains(head, "_") && !contains(head, " ");
        if (!is_function && head.compare(0, kLoading.size(), kLoading) != 0) {
            return line;
        }
        line.erase(0, colon + 2);
    }
}

}  // namespace

std::string reason_of(const std::vector<std::string>& lines) {
    std::vector<std::string> reasons;
    for (const std::string& line : lines) {
        if (line != "failed to load model" && !contains(line, "failed to load model from")) {
            reasons.push_back(name_key(without_prefixes(line)));
        }
    }
    return join(reasons, "; ");
}

std::string explain_failure(const std::string& path, const std::string& reason) {
    for (const Cause& cause : kCauses) {
        if (contains(reason, cause.sign)) {
            const std::string facts = cause.facts == nullptr ? "" : cause.facts(path);
            return reason + (facts.empty() ? "" : ". ") + facts + "\n" + cause.advice;
        }
    }
    return reason;
}

}  // namespace core
