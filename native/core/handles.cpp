#include "native/core/handles.h"

namespace core {

ModelHandle::ModelHandle(llama_model_ptr model, bool has_weights, int32_t n_positions)
    : model_(std::move(model)),
      vocab_(llama_model_get_vocab(model_.get())),
      n_vocab_(llama_vocab_n_tokens(vocab_)),
      has_weights_(has_weights),
      n_positions_(n_positions) {}

void ModelHandle::check_token(llama_token token, ErrorKind kind) const {
    if (token < 0 || token >= n_vocab_) {
        throw Error(kind, format("token id %d is not in the vocabulary, whose ids are 0 to %d",
                                 token, n_vocab_ - 1));
    }
}

void ModelHandle::check_tokens(const std::vector<llama_token>& tokens, ErrorKind kind) const {
    for (llama_token token : tokens) {
        check_token(token, kind);
    }
}

void ModelHandle::check_has_vocab() const {
    if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_NONE) {
        throw Error(ErrorKind::kTokenize,
                    "this model file holds no vocabulary (tokenizer.ggml.model is \"none\" or "
                    "\"no_vocab\")\nPass token ids instead of text.");
    }
}

AdapterHandle::~AdapterHandle() {
    std::lock_guard<std::recursive_mutex> lock(model_->adapter_mutex());
    llama_adapter_lora_free(adapter_);
}

}  // namespace core
