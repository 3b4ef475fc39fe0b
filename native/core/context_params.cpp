#include "native/core/context_params.h"

#include <algorithm>
#include <climits>
#include <string>

#include "ggml.h"
#include "native/core/ranges.h"

namespace core {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kContext, message); }

// The types for which llama.cpp has cache kernels; another one would fail an assertion.
void require_cache_type(const char* name, ggml_type type) {
    static const ggml_type kTypes[] = {
        GGML_TYPE_F32,  GGML_TYPE_F16,    GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0,
        GGML_TYPE_Q4_1, GGML_TYPE_IQ4_NL, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1,
    };
    if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes)) {
        std::string known;
        for (ggml_type candidate : kTypes) {
            known += format("%s%s (%d)", known.empty() ? "" : ", ", ggml_type_name(candidate),
                            static_cast<int>(candidate));
        }
        refuse(format("%s = %d is not a type for the cache; take one of %s", name,
                      static_cast<int>(type), known.c_str()));
    }
}

// Head size of keys or values, as llama.cpp reads it from the file.
long long head_size(const ModelHandle& model, const char* key_suffix) {
    char architecture[128] = "";
    llama_model_meta_val_str(model.get(), "general.architecture", architecture,
                             sizeof(architecture));
    char value[64] = "";
    const std::string key = std::string(architecture) + key_suffix;
    if (llama_model_meta_val_str(model.get(), key.c_str(), value, sizeof(value)) > 0) {
        return std::atoll(value);
    }
    const int n_head = llama_model_n_head(model.get());
    return n_head > 0 ? llama_model_n_embd(model.get()) / n_head : 0;
}

void require_whole_blocks(const char* name, ggml_type type, long long head_size) {
    const long long block = ggml_blck_size(type);
    if (head_size % block != 0) {
        refuse(
            format("%s = %s packs %lld numbers into a block, and the heads of this model have "
                   "%lld: take f16",
                   name, ggml_type_name(type), block, head_size));
    }
}

void validate_cache(const ModelHandle& model, const llama_context_params& params) {
    require_cache_type("type_k", params.type_k);
    require_cache_type("type_v", params.type_v);
    if (ggml_is_quantized(params.type_v) &&
        params.flash_attn_type == LLAMA_FLASH_ATTN_TYPE_DISABLED) {
        refuse(
            format("type_v = %s needs flash attention: set flash_attn_type to -1 (auto) or 1 "
                   "(enabled), or take f16",
                   ggml_type_name(params.type_v)));
    }
    require_whole_blocks("type_k", params.type_k, head_size(model, ".attention.key_length"));
    require_whole_blocks("type_v", params.type_v, head_size(model, ".attention.value_length"));
}

}  // namespace

void validate_context_params(const ModelHandle& model, const llama_context_params& params) {
    if (!model.has_weights()) {
        refuse("this model was loaded with vocab_only: it has no weights to evaluate tokens with");
    }
    require_range(ErrorKind::kContext, "n_ctx", params.n_ctx, 0,
                  INT_MAX - 255);  // it is rounded up to 256
    require_range(ErrorKind::kContext, "n_batch", params.n_batch, 1, INT_MAX);
    require_range(ErrorKind::kContext, "n_ubatch", params.n_ubatch, 0, INT_MAX);
    require_range(ErrorKind::kContext, "n_seq_max", params.n_seq_max, 1,
                  static_cast<long long>(llama_max_parallel_sequences()));
    require_range(ErrorKind::kContext, "n_outputs_max", params.n_outputs_max, 0, INT_MAX);
    require_range(ErrorKind::kContext, "n_outputs_max_per_seq", params.n_outputs_max_per_seq, 0,
                  INT_MAX);
    require_range(ErrorKind::kContext, "n_threads", params.n_threads, 1, GGML_MAX_N_THREADS);
    require_range(ErrorKind::kContext, "n_threads_batch", params.n_threads_batch, 1,
                  GGML_MAX_N_THREADS);
    require_range(ErrorKind::kContext, "rope_scaling_type", params.rope_scaling_type,
                  LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED, LLAMA_ROPE_SCALING_TYPE_MAX_VALUE);
    require_range(ErrorKind::kContext, "pooling_type", params.pooling_type,
                  LLAMA_POOLING_TYPE_UNSPECIFIED, LLAMA_POOLING_TYPE_RANK);
    require_range(ErrorKind::kContext, "attention_type", params.attention_type,
                  LLAMA_ATTENTION_TYPE_UNSPECIFIED, LLAMA_ATTENTION_TYPE_NON_CAUSAL);
    require_range(ErrorKind::kContext, "flash_attn_type", params.flash_attn_type,
                  LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_ENABLED);
    validate_cache(model, params);

    const long long n_ctx = params.n_ctx != 0 ? params.n_ctx : llama_model_n_ctx_train(model.get());
    const long long n_batch = std::min<long long>(n_ctx, params.n_batch);
    if (params.n_seq_max > n_batch) {
        refuse(format("n_seq_max = %u needs n_ctx and n_batch of at least as much; n_batch is %lld",
                      params.n_seq_max, n_batch));
    }
    // llama.cpp keeps the tokens that can be taken back in one micro-batch.
    const long long n_ubatch =
        params.n_ubatch == 0 ? n_batch : std::min<long long>(n_batch, params.n_ubatch);
    require_range(ErrorKind::kContext, "n_rs_seq", params.n_rs_seq, 0, n_ubatch - 1);
    if (params.n_outputs_max != 0 && params.n_outputs_max < params.n_seq_max) {
        refuse(format("n_outputs_max = %u is less than n_seq_max = %u: every sequence needs one",
                      params.n_outputs_max, params.n_seq_max));
    }
}

}  // namespace core
