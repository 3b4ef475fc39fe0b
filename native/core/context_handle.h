// A llama.cpp context with its batch: decoding, and the rows that came out of it.
#ifndef NATIVE_CORE_CONTEXT_HANDLE_H_
#define NATIVE_CORE_CONTEXT_HANDLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llama-cpp.h"
#include "llama.h"
#include "native/core/handles.h"
#include "native/core/interrupt.h"
#include "native/core/shutdown.h"

namespace core {

// The tokens of a decode() that get a row of logits (and embeddings).
enum class Outputs { kNone, kLast, kAll };

// The remedy after a failed check of llama.cpp in a context.
constexpr char kAfterCheck[] =
    "\nClose the model and load it again. If it fails again, the model's file is wrong, or "
    "llama.cpp: "
    "take another file, or report it.";

// One batch for llama_decode(), allocated once per context.
class Batch {
  public:
    explicit Batch(int32_t capacity);

    void clear() { n_tokens_ = n_outputs_ = 0; }
    void add(llama_token token, llama_pos pos, llama_seq_id seq_id, bool output);
    int32_t size() const { return n_tokens_; }
    int32_t n_outputs() const { return n_outputs_; }
    llama_batch view();

  private:
    int32_t n_tokens_ = 0;
    int32_t n_outputs_ = 0;
    std::vector<llama_token> tokens_;
    std::vector<llama_pos> positions_;
    std::vector<int32_t> n_seq_ids_;
    std::vector<llama_seq_id> seq_ids_;
    std::vector<llama_seq_id*> seq_id_pointers_;
    std::vector<int8_t> outputs_;
};

// Follows the tokens of sequence 0, as ContextHandle::decode() evaluates them.
class BatchObserver {
  public:
    virtual ~BatchObserver() = default;

    // Positions from `pos0` on are about to be evaluated: they hold nothing any more.
    virtual void before_decode(llama_pos pos0) = 0;

    // A batch was evaluated, and its outputs can be read.
    virtual void after_batch(const llama_token* tokens, size_t n_tokens, llama_pos pos0) = 0;
};

// Every method expects that the caller holds `busy` and not the GIL, except request_abort() and the
// getters of constants.
class ContextHandle {
  public:
    ContextHandle(std::shared_ptr<ModelHandle> model, const llama_context_params& params);
    ~ContextHandle();
    ContextHandle(const ContextHandle&) = delete;
    ContextHandle& operator=(const ContextHandle&) = delete;

    std::atomic<bool> busy{false};

    llama_context* get() const { return context_.get(); }
    llama_memory_t memory() const { return memory_; }
    const std::shared_ptr<ModelHandle>& model() const { return model_; }
    int32_t n_seq_max() const { return n_seq_max_; }
    bool kv_unified() const { return kv_unified_; }

    // These two may be read while the context works.
    int32_t n_threads() const { return n_threads_.load(std::memory_order_relaxed); }
    int32_t n_threads_batch() const { return n_threads_batch_.load(std::memory_order_relaxed); }
    void set_n_threads(int32_t n_threads, int32_t n_threads_batch);

    void decode(const llama_token* tokens, size_t n_tokens, llama_pos pos0, llama_seq_id seq_id,
                Outputs outputs);
    void decode_sequences(const std::vector<std::vector<llama_token>>& sequences, bool all_outputs);
    void encode(const std::vector<llama_token>& tokens);

    // Evaluates `n_tokens` tokens from `pos0` on by a function that calls llama_decode(), or the
    // like, itself and returns its status. They have no outputs.
    void evaluate(size_t n_tokens, llama_pos pos0, llama_seq_id seq_id,
                  const std::function<int32_t()>& function);

    // Whether the running call has to end. A new call asks ask_again() first.
    bool must_stop() {
        return abort_requested_.load(std::memory_order_relaxed) || is_exiting() ||
               interrupt_requested() || callback_says_stop();
    }
    void ask_again();
    [[noreturn]] void fail_stopped(const char* action);

    // Stops the running decode, or the next one if none runs. Any thread may call it.
    void request_abort() { abort_requested_.store(true); }
    void clear_abort() { abort_requested_.store(false); }

    // A function that ends the running call, or none. The thread that evaluates asks it before each
    // batch, which is a micro-batch then, and now and then while it computes.
    void set_abort_callback(std::function<bool()> should_stop);

    // Rows of the last decode: row 0 is the first output token, -1 the last one.
    int32_t n_outputs() const { return n_outputs_; }
    int32_t resolve_row(int32_t index) const;
    const float* logits();
    const float* embeddings();
    std::vector<float> pooled_embedding(llama_seq_id seq_id);
    int32_t n_embd_out() const { return n_embd_out_; }
    void forget_outputs();

    void set_embeddings(bool on);
    void set_lora(std::shared_ptr<AdapterHandle> adapter, float scale);
    void clear_lora();

    // Adds directions to the hidden state after the layers `first` to `last`. `data` has a row for
    // each layer from 1 on; empty: adds none any more.
    void set_control_vector(const std::vector<float>& data, int32_t first, int32_t last);

    // Owns the observer; null: none.
    void set_observer(std::shared_ptr<BatchObserver> observer) { observer_ = std::move(observer); }

    // Removes the positions p0 <= p < p1 of a sequence; -1: of all, no limit. False if the memory
    // cannot; then nothing is removed.
    bool seq_rm(llama_seq_id seq_id, llama_pos p0, llama_pos p1);

    void check_seq_id(llama_seq_id seq_id) const;
    void check_usable() const;  // not after a failed assertion in llama.cpp, or a lost server

    // Runs a piece of llama.cpp on this context; a failed assertion makes the context unusable, and
    // so does a lost server.
    template <typename Call>
    auto call(ErrorKind kind, Call&& function) -> decltype(function()) {
        NativeScope scope;
        try {
            return function();
        } catch (const Error&) {
            throw;
        } catch (const Interrupted&) {
            throw;
        } catch (...) {
            const bool failed_check = is_assertion();
            broken_ = broken_ || failed_check;
            const Error error = error_of_current_exception(kind);
            if (error.kind() == ErrorKind::kRemoteServer && lost_server_.empty()) {
                lost_server_ = error.what();
            }
            throw Error(error.kind(), error.what() + std::string(failed_check ? kAfterCheck : ""));
        }
    }

  private:
    enum class Pass { kDecode, kEncode };

    void check_position(llama_pos pos0, size_t n_tokens, llama_seq_id seq_id) const;
    void check_encoded() const;
    void check_pooling(size_t n_sequences) const;
    size_t batch_limit(size_t n_tokens, Outputs outputs) const;
    bool has_state_before(llama_seq_id seq_id, llama_pos position) const;
    bool is_output(Outputs outputs, bool is_last) const;
    bool callback_says_stop();
    Pass evaluation() const { return is_encoder_ ? Pass::kEncode : Pass::kDecode; }
    void run(Pass pass);
    [[noreturn]] void fail(const char* action, size_t n_tokens, int status, const std::string& log);
    std::string recover(llama_seq_id seq_id, llama_pos pos0);
    void keep_rows();
    void apply_adapters();

    std::shared_ptr<ModelHandle> model_;
    llama_context_ptr context_;
    llama_memory_t memory_ = nullptr;  // null for models without a decoder
    int32_t n_batch_ = 0;
    int32_t n_ubatch_ = 0;
    int32_t n_seq_max_ = 0;
    int32_t n_outputs_max_ = 0;
    int32_t n_embd_out_ = 0;
    bool may_skip_positions_ = false;  // M-RoPE
    bool kv_unified_ = false;
    bool embeddings_on_ = false;
    bool is_encoder_ = false;    // and no decoder: every evaluation is an encode
    bool needs_encode_ = false;  // encoder-decoder models
    bool encoded_ = false;
    bool broken_ = false;
    std::string lost_server_;  // the error that says so; empty: none
    std::atomic<int32_t> n_threads_{0};
    std::atomic<int32_t> n_threads_batch_{0};
    std::atomic<bool> abort_requested_{false};
    std::function<bool()> should_stop_;
    int64_t next_ask_ms_ = 0;
    bool stopping_ = false;  // it said so for the running batch
    Batch batch_;
    llama_seq_id last_seq_id_ = -1;  // of the last batch; -1: of several, or unknown
    llama_pos last_pos0_ = 0;        // first position of that batch

    int32_t n_outputs_ = 0;
    bool has_logits_ = false;  // of the last batch
    bool has_embeddings_ = false;
    bool rows_kept_ = false;  // rows of several batches, copied to the two vectors
    std::vector<float> kept_logits_;
    std::vector<float> kept_embeddings_;

    std::vector<std::pair<std::shared_ptr<AdapterHandle>, float>> adapters_;
    std::shared_ptr<BatchObserver> observer_;
};

}  // namespace core

#endif  // NATIVE_CORE_CONTEXT_HANDLE_H_
