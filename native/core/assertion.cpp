#include "native/core/assertion.h"

namespace core {
namespace {

constexpr char kHead[] = "llama.cpp failed an internal check";

struct Meaning {
    const char* sign;  // in the message
    const char* words;
};

// Checks of metadata: src/llama-model.cpp, src/llama-vocab.cpp, ggml/src/ggml.c.
constexpr Meaning kMeanings[] = {
    {"n_layer_all <= LLAMA_MAX_LAYERS", "block_count is 0, or more than llama.cpp can take"},
    {"n_layer_nextn <= hparams.n_layer_all", "nextn_predict_layers is more than block_count"},
    {"n_expert <= LLAMA_MAX_EXPERTS", "expert_count is more than llama.cpp can take"},
    {"n_expert_used_max <= hparams.n_expert", "expert_used_count is more than expert_count"},
    {"n_expert_used_max > 0", "expert_count is given, and expert_used_count is not"},
    {"n_expert_used_max == 0", "expert_used_count is given, and expert_count is not"},
    {"n_expert_groups == 0", "expert_group_count is given, and expert_count is not"},
    {"n_expert_groups < hparams.n_expert", "expert_group_count is not less than expert_count"},
    {"n_expert % hparams.n_expert_groups", "expert_count is no multiple of expert_group_count"},
    {"hparams.n_group_used", "expert_group_used_count is 0, or not less than expert_group_count"},
    {"LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED", "rope.scaling.type is unknown"},
    {"unsupported classifier activation", "classifier.activation is unknown"},
    {"unknown pooling type", "pooling_type is unknown"},
    {"id_to_token.size() == token_to_id.size()", "a token stands twice in tokenizer.ggml.tokens"},
    {"TENSOR_ALIGNMENT", "general.alignment is less than a mapped file needs"},
    {"eps >= 0.0f", "the epsilon of a norm is negative or not a number"},
    {"n_groups > 0", "attention.group_norm_groups is 0"},
    {"GGML_ASSERT(n_dims ", "rope.dimension_count is odd, or more than a head has"},
    {"sections[", "rope.dimension_sections are negative or all 0"},
    {"sect_dims <= ", "rope.dimension_sections are more than a head has"},
    {"not of the type of the graph", "the layers' kinds of attention do not fit the architecture"},
    {"n_head > 0", "attention.head_count is 0 or missing"},
    {"n_head(0) > 0", "attention.head_count is 0 or missing"},
    {"o_group_count > 0", "attention.output_group_count is 0"},
    {"full_attn_interval > 0", "full_attention_interval is 0"},
    {"wkv_head_size > 0", "wkv.head_size is 0, or more than embedding_length"},
    {"ssm_dt_rank > 0", "ssm.time_step_rank is 0"},
    {"n_group > 0", "ssm.group_count is 0"},
    {"mem_buffer != NULL", kNoMemory},
    {" != NULL) failed", "a tensor is missing"},
    {"get_ne() == 1", "a key of the metadata is an array, and llama.cpp reads one value"},
    {"type_to_gguf_type<T>::value == type", "a key of the metadata has a wrong type"},
    {"src/llama-vocab.cpp", "tokenizer.ggml.model does not fit the tokens"},
};

// The compiler saw the sources below a directory of the build.
std::string without_build_directory(const std::string& message) {
    static const std::string kEnd = "llama_cpp/";
    const size_t begin = message.rfind("external/", message.find(": "));
    const size_t end = message.find(kEnd);
    if (begin != 0 || end == std::string::npos || end > message.find(": ")) {
        return message;
    }
    return message.substr(end + kEnd.size());
}

}  // namespace

std::string describe_assertion(const std::string& message) {
    std::string words;
    for (const Meaning& meaning : kMeanings) {
        if (message.find(meaning.sign) != std::string::npos) {
            words = std::string(meaning.words) + ": ";
            break;
        }
    }
    return words + kHead + " (" + without_build_directory(message) + ")";
}

bool tells_of_assertion(const std::string& text) { return text.find(kHead) != std::string::npos; }

}  // namespace core
