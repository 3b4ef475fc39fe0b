#include "native/core/checkpoint.h"

#include <string>

#include "native/core/log.h"
#include "native/core/saved_state.h"

namespace core {
namespace {

constexpr llama_state_seq_flags kParts = LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY;

}  // namespace

size_t checkpoint_size(ContextHandle& context, llama_seq_id seq_id) {
    context.check_usable();
    context.check_seq_id(seq_id);
    return context.call(ErrorKind::kState, [&] {
        return llama_state_seq_get_size_ext(context.get(), seq_id, kParts);
    });
}

Checkpoint::Checkpoint(ContextHandle& context, llama_seq_id seq_id)
    : model_(fingerprint(context.model()->get())),
      size_(checkpoint_size(context, seq_id)),
      data_(new uint8_t[size_]) {
    LogCapture log;
    const size_t written = context.call(ErrorKind::kState, [&] {
        return llama_state_seq_get_data_ext(context.get(), data_.get(), size_, seq_id, kParts);
    });
    if (written != size_ || size_ == 0) {
        throw Error(ErrorKind::kState, "the memory cannot be copied: " + log.take());
    }
}

void Checkpoint::restore(ContextHandle& context, llama_seq_id seq_id) const {
    context.check_usable();
    context.check_seq_id(seq_id);
    if (model_ != fingerprint(context.model()->get())) {
        throw Error(ErrorKind::kState,
                    "this checkpoint is of another model\nEvaluate the prompt again.");
    }
    context.forget_outputs();
    LogCapture log;
    const size_t read = context.call(ErrorKind::kState, [&] {
        return llama_state_seq_set_data_ext(context.get(), data_.get(), size_, seq_id, kParts);
    });
    if (read != size_) {
        context.call(ErrorKind::kState, [&] { llama_memory_clear(context.memory(), true); });
        throw Error(ErrorKind::kState,
                    "this checkpoint does not fit this context, which is empty now: " + log.take() +
                        "\nEvaluate the prompt again.");
    }
}

}  // namespace core
