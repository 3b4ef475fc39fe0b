#include "native/core/context_handle.h"

#include <algorithm>
#include <climits>
#include <new>

#include "native/core/assertion.h"
#include "native/core/context_params.h"
#include "native/core/log.h"
#include "native/core/ranges.h"

namespace core {
namespace {

// Return values of llama_decode() and llama_encode().
constexpr int kStatusNoRoom = 1;
constexpr int kStatusAborted = 2;

std::string too_long_for_one_batch(size_t n_tokens, size_t limit) {
    return format(
        "%zu tokens must be evaluated in one batch and this context takes %zu: shorten the text, "
        "or create the context with n_batch and n_ubatch (and n_outputs_max, if set) of at least "
        "%zu",
        n_tokens, limit, n_tokens);
}

// ggml's scheduler finds no backend for a product when the weight lies in a buffer for repacked or
// AMX layouts whose kernels do not take it: the weight cannot go elsewhere.
bool is_weight_layout_problem(const std::string& reason) {
    return reason.find("GGML_ASSERT(*cur_backend_id != -1)") != std::string::npos;
}

std::string advice(const std::string& reason) {
    if (!tells_of_assertion(reason)) {
        return "";
    }
    return reason.find(kNoMemory) != std::string::npos
               ? "\nTake a smaller n_ctx or n_batch, or free memory."
               : "\nThe model's metadata, its tensors and the context's parameters do not fit "
                 "together: take other parameters or another file, or convert the model again.";
}

llama_context* init_context(llama_model* model, const llama_context_params& params) {
    try {
        return call_native(ErrorKind::kContext,
                           [&] { return llama_init_from_model(model, params); });
    } catch (const Error& error) {
        if (!is_weight_layout_problem(error.what())) {
            throw Error(error.kind(), error.what() + advice(error.what()));
        }
        throw Error(ErrorKind::kWeightLayout,
                    std::string("the CPU backend cannot compute with a weight of this model in the "
                                "layout that it chose for it (") +
                        error.what() +
                        ").\nLoad the model with ModelParams.use_extra_bufts = False");
    }
}

}  // namespace

Batch::Batch(int32_t capacity)
    : tokens_(capacity),
      positions_(capacity),
      n_seq_ids_(capacity, 1),
      seq_ids_(capacity),
      seq_id_pointers_(capacity),
      outputs_(capacity) {
    for (int32_t i = 0; i < capacity; ++i) {
        seq_id_pointers_[i] = &seq_ids_[i];
    }
}

void Batch::add(llama_token token, llama_pos pos, llama_seq_id seq_id, bool output) {
    tokens_[n_tokens_] = token;
    positions_[n_tokens_] = pos;
    seq_ids_[n_tokens_] = seq_id;
    outputs_[n_tokens_] = output ? 1 : 0;
    n_outputs_ += output ? 1 : 0;
    ++n_tokens_;
}

llama_batch Batch::view() {
    return {n_tokens_,         tokens_.data(),          nullptr,        positions_.data(),
            n_seq_ids_.data(), seq_id_pointers_.data(), outputs_.data()};
}

ContextHandle::ContextHandle(std::shared_ptr<ModelHandle> model, const llama_context_params& params)
    : model_(std::move(model)), batch_(0) {
    validate_context_params(*model_, params);
    llama_context_params with_abort = params;
    with_abort.abort_callback = [](void* self) {
        return static_cast<ContextHandle*>(self)->must_stop();
    };
    with_abort.abort_callback_data = this;

    LogCapture log;
    context_.reset(init_context(model_->get(), with_abort));
    if (context_ == nullptr) {
        throw Error(ErrorKind::kContext,
                    "Failed to create llama_context: " + log.take() +
                        "\nIf memory is short, take a smaller n_ctx or n_batch; else the model's "
                        "metadata is wrong: take another file.");
    }
    // llama.cpp makes a cache for an encoder alone (T5), too; decoding into it would be causal.
    is_encoder_ = llama_model_has_encoder(model_->get()) && !llama_model_has_decoder(model_->get());
    memory_ = is_encoder_ ? nullptr : llama_get_memory(get());
    n_batch_ = static_cast<int32_t>(llama_n_batch(get()));
    n_ubatch_ = static_cast<int32_t>(llama_n_ubatch(get()));
    n_seq_max_ = static_cast<int32_t>(llama_n_seq_max(get()));
    n_outputs_max_ =
        params.n_outputs_max == 0 ? n_batch_ : static_cast<int32_t>(params.n_outputs_max);
    n_embd_out_ = llama_model_n_embd_out(model_->get());
    needs_encode_ =
        llama_model_has_encoder(model_->get()) && llama_model_has_decoder(model_->get());
    const llama_rope_type rope_type = llama_model_rope_type(model_->get());
    may_skip_positions_ = rope_type == LLAMA_ROPE_TYPE_MROPE || rope_type == LLAMA_ROPE_TYPE_IMROPE;
    n_threads_ = llama_n_threads(get());
    n_threads_batch_ = llama_n_threads_batch(get());
    kv_unified_ = params.kv_unified;
    embeddings_on_ = params.embeddings;
    batch_ = Batch(n_batch_);
}

ContextHandle::~ContextHandle() {
    observer_.reset();  // it may have a context that refers to this one
    // After a failed assertion the context's own state cannot be trusted; better to leak it.
    if (broken_) {
        context_.release();
    }
    context_.reset();  // before the adapters that it uses
}

void ContextHandle::decode(const llama_token* tokens, size_t n_tokens, llama_pos pos0,
                           llama_seq_id seq_id, Outputs outputs) {
    check_usable();
    check_seq_id(seq_id);
    check_position(pos0, n_tokens, seq_id);
    for (size_t i = 0; i < n_tokens; ++i) {
        model_->check_token(tokens[i], ErrorKind::kContext);
    }
    check_encoded();
    size_t limit = batch_limit(n_tokens, outputs);
    if (should_stop_) {
        limit = std::min(limit, static_cast<size_t>(n_ubatch_));
    }
    const bool keep = outputs == Outputs::kAll && n_tokens > limit;
    BatchObserver* const observer = seq_id == 0 ? observer_.get() : nullptr;
    forget_outputs();
    try {
        if (observer != nullptr) {
            observer->before_decode(pos0);
        }
        for (size_t begin = 0; begin < n_tokens; begin += limit) {
            const size_t end = std::min(begin + limit, n_tokens);
            batch_.clear();
            for (size_t i = begin; i < end; ++i) {
                const bool is_last = i + 1 == n_tokens;
                batch_.add(tokens[i], pos0 + static_cast<llama_pos>(i), seq_id,
                           is_output(outputs, is_last));
            }
            run(evaluation());
            last_seq_id_ = seq_id;
            last_pos0_ = pos0 + static_cast<llama_pos>(begin);
            if (observer != nullptr) {
                observer->after_batch(tokens + begin, end - begin,
                                      pos0 + static_cast<llama_pos>(begin));
            }
            if (keep) {
                keep_rows();
            }
        }
    } catch (const Error& error) {
        throw Error(error.kind(), error.what() + recover(seq_id, pos0));
    } catch (const std::bad_alloc&) {
        recover(seq_id, pos0);
        throw;
    }
}

void ContextHandle::decode_sequences(const std::vector<std::vector<llama_token>>& sequences,
                                     bool all_outputs) {
    check_usable();
    if (sequences.empty() || sequences.size() > static_cast<size_t>(n_seq_max_)) {
        throw Error(ErrorKind::kContext,
                    format("%zu sequences in one batch; this context takes 1 to %d (n_seq_max)",
                           sequences.size(), n_seq_max_));
    }
    size_t n_tokens = 0;
    for (const std::vector<llama_token>& sequence : sequences) {
        check_position(0, sequence.size(), -1);
        model_->check_tokens(sequence, ErrorKind::kContext);
        n_tokens += sequence.size();
    }
    check_encoded();
    check_pooling(sequences.size());
    const Outputs outputs = all_outputs ? Outputs::kAll : Outputs::kLast;
    const size_t limit = batch_limit(n_tokens, outputs);
    if (n_tokens > limit) {
        throw Error(ErrorKind::kContext,
                    format("%zu tokens in one batch; this context takes %zu (n_batch, "
                           "n_outputs_max). Pass fewer sequences at a time",
                           n_tokens, limit));
    }
    forget_outputs();
    const auto n_sequences = static_cast<llama_seq_id>(sequences.size());
    batch_.clear();
    for (llama_seq_id seq_id = 0; seq_id < n_sequences; ++seq_id) {
        const std::vector<llama_token>& sequence = sequences[seq_id];
        llama_memory_seq_rm(memory_, seq_id, -1, -1);
        for (size_t i = 0; i < sequence.size(); ++i) {
            batch_.add(sequence[i], static_cast<llama_pos>(i), seq_id,
                       is_output(outputs, i + 1 == sequence.size()));
        }
    }
    try {
        run(evaluation());
    } catch (const Error&) {
        for (llama_seq_id seq_id = 0; seq_id < n_sequences; ++seq_id) {
            recover(seq_id, 0);
        }
        throw;
    }
}

void ContextHandle::encode(const std::vector<llama_token>& tokens) {
    check_usable();
    if (memory_ != nullptr && !llama_model_has_encoder(model_->get())) {
        throw Error(ErrorKind::kContext, "this model has no encoder; use decode()");
    }
    check_position(0, tokens.size(), -1);
    model_->check_tokens(tokens, ErrorKind::kContext);
    const size_t limit = static_cast<size_t>(std::min({n_batch_, n_ubatch_, n_outputs_max_}));
    if (tokens.size() > limit) {
        throw Error(ErrorKind::kContext, too_long_for_one_batch(tokens.size(), limit));
    }
    forget_outputs();
    batch_.clear();
    for (size_t i = 0; i < tokens.size(); ++i) {
        batch_.add(tokens[i], static_cast<llama_pos>(i), 0, true);
    }
    run(Pass::kEncode);
    encoded_ = true;
}

int32_t ContextHandle::resolve_row(int32_t index) const {
    if (n_outputs_ == 0) {
        throw Error(
            ErrorKind::kContext,
            "there are no outputs: decode() with outputs=Outputs.LAST or Outputs.ALL first");
    }
    const int64_t row = index < 0 ? static_cast<int64_t>(index) + n_outputs_ : index;
    if (row < 0 || row >= n_outputs_) {
        throw Error(ErrorKind::kIndex, format("output %d does not exist; the last decode() left %d",
                                              index, n_outputs_));
    }
    return static_cast<int32_t>(row);
}

const float* ContextHandle::logits() {
    check_usable();
    if (!has_logits_) {
        throw Error(ErrorKind::kContext,
                    "the last call computed no logits: an encoder gives embeddings only\nCall "
                    "embed().");
    }
    return rows_kept_ ? kept_logits_.data()
                      : call(ErrorKind::kContext, [&] { return llama_get_logits(get()); });
}

const float* ContextHandle::embeddings() {
    check_usable();
    if (!has_embeddings_) {
        throw Error(ErrorKind::kContext,
                    "no embeddings were computed: set ContextParams.embeddings, or call "
                    "set_embeddings(True) before decode()");
    }
    if (llama_pooling_type(get()) != LLAMA_POOLING_TYPE_NONE) {
        throw Error(ErrorKind::kContext,
                    "embeddings are pooled per sequence here; use embeddings_seq(), or create the "
                    "context with pooling_type 0 (none)");
    }
    const float* rows =
        rows_kept_ ? kept_embeddings_.data()
                   : call(ErrorKind::kContext, [&] { return llama_get_embeddings(get()); });
    if (rows == nullptr) {
        throw Error(ErrorKind::kContext, "this model computes no embeddings");
    }
    return rows;
}

std::vector<float> ContextHandle::pooled_embedding(llama_seq_id seq_id) {
    check_usable();
    check_seq_id(seq_id);
    const enum llama_pooling_type pooling = llama_pooling_type(get());
    if (pooling == LLAMA_POOLING_TYPE_NONE) {
        throw Error(ErrorKind::kContext,
                    "embeddings are not pooled here; use embeddings(), or create the context with "
                    "another pooling_type");
    }
    const float* values =
        call(ErrorKind::kContext, [&] { return llama_get_embeddings_seq(get(), seq_id); });
    if (values == nullptr || !has_embeddings_) {
        throw Error(ErrorKind::kContext,
                    format("no embedding of sequence %d: it was not in the last decode(), or "
                           "embeddings are off",
                           seq_id));
    }
    const size_t size = pooling == LLAMA_POOLING_TYPE_RANK ? llama_model_n_cls_out(model_->get())
                                                           : static_cast<size_t>(n_embd_out_);
    return std::vector<float>(values, values + size);
}

void ContextHandle::forget_outputs() {
    n_outputs_ = 0;
    last_seq_id_ = -1;
    if (rows_kept_) {
        rows_kept_ = false;
        std::vector<float>().swap(kept_logits_);
        std::vector<float>().swap(kept_embeddings_);
    }
}

void ContextHandle::set_abort_callback(std::function<bool()> should_stop) {
    should_stop_ = std::move(should_stop);
}

bool ContextHandle::callback_says_stop() {
    if (!should_stop_ || stopping_ || coarse_time_ms() < next_ask_ms_) {
        return stopping_;
    }
    stopping_ = should_stop_();
    next_ask_ms_ = coarse_time_ms() + kAskPeriodMs;
    return stopping_;
}

void ContextHandle::set_n_threads(int32_t n_threads, int32_t n_threads_batch) {
    llama_set_n_threads(get(), n_threads, n_threads_batch);
    n_threads_ = n_threads;
    n_threads_batch_ = n_threads_batch;
}

void ContextHandle::set_embeddings(bool on) {
    check_usable();
    llama_set_embeddings(get(), on);
    embeddings_on_ = on;
}

void ContextHandle::set_lora(std::shared_ptr<AdapterHandle> adapter, float scale) {
    check_usable();
    if (adapter->model() != model_) {
        throw Error(ErrorKind::kContext, "this LoRA adapter was loaded for another Model");
    }
    const auto same = std::find_if(adapters_.begin(), adapters_.end(),
                                   [&](const auto& entry) { return entry.first == adapter; });
    if (same != adapters_.end()) {
        same->second = scale;
    } else {
        adapters_.emplace_back(std::move(adapter), scale);
    }
    apply_adapters();
}

void ContextHandle::clear_lora() {
    check_usable();
    auto removed = std::exchange(adapters_, {});
    apply_adapters();  // while the removed ones still exist
}

void ContextHandle::set_control_vector(const std::vector<float>& data, int32_t first,
                                       int32_t last) {
    check_usable();
    const int32_t n_embd = llama_model_n_embd(model_->get());
    const int32_t n_rows = llama_model_n_layer(model_->get()) - 1;
    const float* rows = nullptr;
    if (!data.empty()) {
        const size_t expected = static_cast<size_t>(n_rows) * static_cast<size_t>(n_embd);
        if (data.size() != expected) {
            throw Error(ErrorKind::kContext,
                        format("a control vector of this model has %d rows of %d numbers, not %zu "
                               "numbers",
                               n_rows, n_embd, data.size()));
        }
        require_range(ErrorKind::kContext, "first", first, 1, n_rows);
        require_range(ErrorKind::kContext, "last", last, first, n_rows);
        rows = data.data();
    }
    const int32_t status = call(ErrorKind::kContext, [&] {
        return llama_set_adapter_cvec(get(), rows, data.size(), n_embd, first, last);
    });
    if (status != 0) {
        broken_ = true;  // llama.cpp would go on to use what it could not allocate
        throw Error(ErrorKind::kContext, "there is no memory for the control vector");
    }
}

void ContextHandle::apply_adapters() {
    std::vector<llama_adapter_lora*> pointers;
    std::vector<float> scales;
    for (const auto& [adapter, scale] : adapters_) {
        pointers.push_back(adapter->get());
        scales.push_back(scale);
    }
    call(ErrorKind::kContext, [&] {
        return llama_set_adapters_lora(get(), pointers.data(), pointers.size(), scales.data());
    });
}

void ContextHandle::check_usable() const {
    if (!lost_server_.empty()) {
        throw Error(ErrorKind::kContext,
                    "this context is unusable since a part of it is lost with its server: " +
                        lost_server_.substr(0, lost_server_.find('\n')) +
                        "\nClose the model and load it again.");
    }
    if (broken_) {
        throw Error(ErrorKind::kContext,
                    "this context is unusable since llama.cpp failed an internal check in it\n"
                    "Close it and create a new one.");
    }
}

void ContextHandle::check_seq_id(llama_seq_id seq_id) const {
    if (seq_id < 0 || seq_id >= n_seq_max_) {
        throw Error(ErrorKind::kContext,
                    format("sequence id %d is not one of 0..%d; ContextParams.n_seq_max sets how "
                           "many there are",
                           seq_id, n_seq_max_ - 1));
    }
}

bool ContextHandle::seq_rm(llama_seq_id seq_id, llama_pos p0, llama_pos p1) {
    check_usable();
    if (seq_id != -1) {
        check_seq_id(seq_id);
    }
    return call(ErrorKind::kContext, [&] {
        return has_state_before(seq_id, p0) && llama_memory_seq_rm(memory_, seq_id, p0, p1);
    });
}

// Of recurrent layers, llama.cpp keeps the states after the last 1 + n_rs_seq tokens, if they were
// in one batch: of shorter ones, older states stay in the places of those that were not computed,
// and llama_memory_seq_rm() takes them.
bool ContextHandle::has_state_before(llama_seq_id seq_id, llama_pos position) const {
    if (llama_n_rs_seq(get()) == 0 || seq_id < 0 || position <= 0) {
        return true;
    }
    const bool is_behind = position > llama_memory_seq_pos_max(memory_, seq_id);
    return is_behind || (seq_id == last_seq_id_ && position > last_pos0_);
}

// seq_id -1: the tokens start a sequence of their own.
void ContextHandle::check_position(llama_pos pos0, size_t n_tokens, llama_seq_id seq_id) const {
    if (n_tokens == 0) {
        throw Error(ErrorKind::kContext, "no tokens to evaluate: pass at least one");
    }
    if (pos0 < 0 || n_tokens > static_cast<size_t>(INT32_MAX - pos0)) {
        throw Error(
            ErrorKind::kContext,
            format("%zu tokens at position %d: positions are 0 to 2147483647", n_tokens, pos0));
    }
    if (n_tokens >
        static_cast<size_t>(model_->n_positions() - std::min(pos0, model_->n_positions()))) {
        throw Error(ErrorKind::kContext,
                    format("%zu tokens at position %d: this model knows the positions 0 to %d "
                           "only; shorten the text",
                           n_tokens, pos0, model_->n_positions() - 1));
    }
    if (seq_id < 0 || memory_ == nullptr) {
        return;
    }
    const llama_pos last = llama_memory_seq_pos_max(memory_, seq_id);
    if (last >= pos0) {
        throw Error(ErrorKind::kContext,
                    format("position %d of sequence %d is already in the context, whose last one "
                           "is %d: remove it first with seq_rm(%d, %d, -1)",
                           pos0, seq_id, last, seq_id, pos0));
    }
    if (last >= 0 && pos0 > last + 1 && !may_skip_positions_) {
        throw Error(ErrorKind::kContext,
                    format("position %d does not continue sequence %d: the next one is %d", pos0,
                           seq_id, last + 1));
    }
}

void ContextHandle::check_encoded() const {
    if (needs_encode_ && !encoded_) {
        throw Error(ErrorKind::kContext,
                    "this is an encoder-decoder model: encode() the input before decode()");
    }
}

// With a cache for each sequence, llama.cpp splits a batch into micro-batches of as many tokens of
// each, and a longer text's vector would be that of its last part.
void ContextHandle::check_pooling(size_t n_sequences) const {
    const bool is_pooled = embeddings_on_ && llama_pooling_type(get()) != LLAMA_POOLING_TYPE_NONE;
    if (is_pooled && n_sequences > 1 && memory_ != nullptr && !kv_unified_) {
        throw Error(ErrorKind::kContext,
                    "the vectors of several texts in one batch need kv_unified\nCreate the context "
                    "with ContextParams.kv_unified = True, or pass one text at a time.");
    }
}

// Tokens per llama_decode(). A model that attends, or pools, over the whole text at once needs the
// whole text in one micro-batch.
size_t ContextHandle::batch_limit(size_t n_tokens, Outputs outputs) const {
    const bool is_pooled = embeddings_on_ && llama_pooling_type(get()) != LLAMA_POOLING_TYPE_NONE;
    const bool in_one_batch = memory_ == nullptr || is_pooled || !llama_get_causal_attn(get());
    const int32_t limit = is_output(outputs, false) ? std::min(n_batch_, n_outputs_max_) : n_batch_;
    const size_t at_once = static_cast<size_t>(std::min(limit, n_ubatch_));
    if (in_one_batch && n_tokens > at_once) {
        throw Error(ErrorKind::kContext, too_long_for_one_batch(n_tokens, at_once));
    }
    return static_cast<size_t>(limit);
}

// With embeddings on, llama.cpp computes a row for every token.
bool ContextHandle::is_output(Outputs outputs, bool is_last) const {
    return embeddings_on_ || memory_ == nullptr || outputs == Outputs::kAll ||
           (outputs == Outputs::kLast && is_last);
}

void ContextHandle::run(Pass pass) {
    const char* const action = pass == Pass::kEncode ? "encode" : "decode";
    ask_again();
    if (must_stop()) {
        fail_stopped(action);
    }
    LogCapture log;
    const int32_t status = call(ErrorKind::kDecode, [&] {
        return pass == Pass::kEncode ? llama_encode(get(), batch_.view())
                                     : llama_decode(get(), batch_.view());
    });
    if (status != 0) {
        fail(action, batch_.size(), status, log.take());
    }
    n_outputs_ = batch_.n_outputs();
    has_embeddings_ = embeddings_on_ || pass == Pass::kEncode;
    has_logits_ = pass == Pass::kDecode && memory_ != nullptr;
}

void ContextHandle::evaluate(size_t n_tokens, llama_pos pos0, llama_seq_id seq_id,
                             const std::function<int32_t()>& function) {
    check_usable();
    check_seq_id(seq_id);
    check_position(pos0, n_tokens, seq_id);
    forget_outputs();
    try {
        ask_again();
        LogCapture log;
        const int32_t status = call(ErrorKind::kDecode, function);
        if (status != 0) {
            fail("decode", n_tokens, status, log.take());
        }
    } catch (const Error& error) {
        throw Error(error.kind(), error.what() + recover(seq_id, pos0));
    }
}

void ContextHandle::ask_again() {
    stopping_ = false;
    next_ask_ms_ = 0;
}

void ContextHandle::fail_stopped(const char* action) { fail(action, 0, kStatusAborted, {}); }

void ContextHandle::fail(const char* action, size_t n_tokens, int status, const std::string& log) {
    switch (status) {
        case kStatusNoRoom:
            throw Error(ErrorKind::kContextOverflow,
                        format("no room in the context for %zu more tokens; it holds %u (n_ctx). "
                               "Remove some with seq_rm(), or create it with a larger n_ctx",
                               n_tokens, llama_n_ctx(get())));
        case kStatusAborted:
            abort_requested_.store(false);
            throw Error(ErrorKind::kAborted, format("%s was stopped by %s", action,
                                                    stopping_ ? "the abort callback" : "abort()"));
        default:
            throw Error(ErrorKind::kDecode, format("%s failed with status %d%s%s", action, status,
                                                   log.empty() ? "" : ": ", log.c_str()));
    }
}

// Removes the tokens of a failed decode(), so that the context stays usable. Returns a text to
// append to the error's.
std::string ContextHandle::recover(llama_seq_id seq_id, llama_pos pos0) {
    forget_outputs();
    if (memory_ == nullptr || broken_ || !lost_server_.empty()) {
        return {};
    }
    return call(ErrorKind::kDecode, [&]() -> std::string {
        if (has_state_before(seq_id, pos0) && llama_memory_seq_rm(memory_, seq_id, pos0, -1)) {
            return {};
        }
        // A recurrent state cannot go back; only the whole sequence can be removed.
        llama_memory_seq_rm(memory_, seq_id, -1, -1);
        return format(". Sequence %d is empty now: evaluate it again from position 0", seq_id);
    });
}

// Copies the rows of this batch before the next one overwrites them.
void ContextHandle::keep_rows() {
    const auto n_rows = static_cast<size_t>(n_outputs_);
    const size_t n_vocab = static_cast<size_t>(model_->n_vocab());
    const float* rows = llama_get_logits(get());
    kept_logits_.insert(kept_logits_.end(), rows, rows + n_rows * n_vocab);
    const bool per_token = llama_pooling_type(get()) == LLAMA_POOLING_TYPE_NONE;
    const float* vectors = has_embeddings_ && per_token ? llama_get_embeddings(get()) : nullptr;
    if (vectors != nullptr) {
        kept_embeddings_.insert(kept_embeddings_.end(), vectors,
                                vectors + n_rows * static_cast<size_t>(n_embd_out_));
    }
    n_outputs_ = static_cast<int32_t>(kept_logits_.size() / n_vocab);
    rows_kept_ = true;
}

}  // namespace core
