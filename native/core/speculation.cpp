#include "native/core/speculation.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "native/core/gguf_file.h"
#include "native/core/log.h"

namespace core {
namespace {

// SPEC_VOCAB_MAX_SIZE_DIFFERENCE and SPEC_VOCAB_CHECK_START_TOKEN_ID of common/speculative.cpp.
constexpr int32_t kMostMoreTokens = 128;
constexpr llama_token kFirstComparedToken = 5;

std::string first_other_token(const llama_vocab* target, const llama_vocab* draft) {
    const int32_t n_target = llama_vocab_n_tokens(target);
    const int32_t n_draft = llama_vocab_n_tokens(draft);
    if (std::abs(n_target - n_draft) > kMostMoreTokens) {
        return format("it has %d tokens and the model %d", n_draft, n_target);
    }
    for (llama_token token = kFirstComparedToken; token < std::min(n_target, n_draft); ++token) {
        const char* const in_target = llama_vocab_get_text(target, token);
        const char* const in_draft = llama_vocab_get_text(draft, token);
        if (std::strcmp(in_target, in_draft) != 0) {
            return format("its token %d is '%s', that of the model '%s'", token, in_draft,
                          in_target);
        }
    }
    return "their BOS or EOS tokens differ";
}

void require_same_vocabulary(const ModelHandle& target, const ModelHandle& draft) {
    if (common_speculative_are_compatible(target.get(), draft.get())) {
        return;
    }
    const bool same_type = llama_vocab_type(target.vocab()) == llama_vocab_type(draft.vocab());
    throw Error(ErrorKind::kModelLoad,
                "the draft model has another vocabulary than the model: " +
                    (same_type ? first_other_token(target.vocab(), draft.vocab())
                               : "its tokenizer is of another type") +
                    "\nTake a smaller model of the same family.");
}

std::string metadata(const ModelHandle& model, const std::string& key) {
    char value[128] = "";
    llama_model_meta_val_str(model.get(), key.c_str(), value, sizeof(value));
    return value;
}

// A number of the model's architecture; 0 if the file has none of this name.
int32_t own_number(const ModelHandle& model, const char* name) {
    return std::atoi(metadata(model, metadata(model, "general.architecture") + name).c_str());
}

// EAGLE-3, DFlash and DSpark have architectures of their own.
void require_architecture(const ModelHandle& draft, const std::string& type) {
    const std::string found = metadata(draft, "general.architecture");
    const std::string wanted = type == "draft-eagle3" ? "eagle3" : "dflash";
    if (found != wanted) {
        throw Error(ErrorKind::kModelLoad,
                    format("the draft model has the architecture '%s', and %s needs '%s'\n"
                           "Leave `types` out, and the file says which one it is made for.",
                           found.c_str(), type.c_str(), wanted.c_str()));
    }
}

// The vectors that a head reads are those of the model that it was trained for.
void require_same_width(const ModelHandle& target, int32_t width) {
    const int32_t n_embd = llama_model_n_embd(target.get());
    if (width != n_embd) {
        throw Error(ErrorKind::kModelLoad,
                    format("the draft model was made for another model: it reads vectors of %d "
                           "numbers, and those of the model have %d\n"
                           "Take one that was trained for this model.",
                           width, n_embd));
    }
}

void require_fitting(const ModelHandle& target, const ModelHandle& draft,
                     common_speculative_type type) {
    switch (type) {
        case COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE:
            require_same_vocabulary(target, draft);
            break;
        case COMMON_SPECULATIVE_TYPE_DRAFT_EAGLE3:
            require_architecture(draft, common_speculative_type_to_str(type));
            require_same_width(target, own_number(draft, ".target_hidden_size"));
            break;
        case COMMON_SPECULATIVE_TYPE_DRAFT_DFLASH:
        case COMMON_SPECULATIVE_TYPE_DRAFT_DSPARK:
            require_architecture(draft, common_speculative_type_to_str(type));
            require_same_width(target, llama_model_n_embd(draft.get()));
            break;
        case COMMON_SPECULATIVE_TYPE_DRAFT_MTP:
            require_same_width(target, llama_model_n_embd_out(draft.get()));
            break;
        default:
            break;
    }
}

size_t n_shared(const std::vector<llama_token>& left, const std::vector<llama_token>& right) {
    const size_t size = std::min(left.size(), right.size());
    return static_cast<size_t>(
        std::mismatch(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size), right.begin())
            .first -
        left.begin());
}

}  // namespace

std::vector<std::string> speculative_types_of_file(const std::string& path) {
    check_gguf_file(path, "draft model");
    if (gguf_text(path, "general.architecture") == "eagle3") {  // llama-common has no rule for it
        return {common_speculative_type_to_str(COMMON_SPECULATIVE_TYPE_DRAFT_EAGLE3)};
    }
    return call_native(ErrorKind::kModelLoad, [&] {
        std::vector<std::string> names;
        for (common_speculative_type type : common_speculative_types_from_gguf(path)) {
            names.push_back(common_speculative_type_to_str(type));
        }
        if (names.empty()) {
            names.push_back(common_speculative_type_to_str(COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE));
        }
        return names;
    });
}

std::shared_ptr<Speculation> Speculation::attach(ContextHandle& target,
                                                 std::shared_ptr<ModelHandle> draft_model,
                                                 const llama_context_params& draft_params,
                                                 common_params_speculative params) {
    target.check_usable();
    target.set_observer(nullptr);
    auto speculation = std::make_shared<Speculation>(target, std::move(draft_model), draft_params,
                                                     std::move(params));
    target.set_observer(speculation);
    return speculation;
}

Speculation::Speculation(ContextHandle& target, std::shared_ptr<ModelHandle> draft_model,
                         const llama_context_params& draft_params, common_params_speculative params)
    : target_(target), params_(std::move(params)) {
    if (target_.memory() == nullptr) {
        throw Error(ErrorKind::kContext, "this model does not generate: it takes no draft_model");
    }
    if (draft_model == nullptr && has_type(COMMON_SPECULATIVE_TYPE_DRAFT_MTP)) {
        if (own_number(*target_.model(), ".nextn_predict_layers") == 0) {
            throw Error(ErrorKind::kModelLoad,
                        "this model has no layers that predict several tokens (draft-mtp)\n"
                        "Pass SpeculativeOptions(types=\"draft-mtp\", model=...) with the file "
                        "that has them, or take another type.");
        }
        draft_model = target_.model();
    }
    if (draft_model != nullptr) {
        open_draft(std::move(draft_model), draft_params);
    }
    LogCapture log;
    speculators_.reset(target_.call(ErrorKind::kContext,
                                    [&] { return common_speculative_init(params_, /*n_seq=*/1); }));
    if (speculators_ == nullptr) {
        throw Error(ErrorKind::kContext, "llama.cpp makes no drafts of this kind: " + log.take());
    }
    batch_ = common_batch(target_.get());
    if (draft_ != nullptr) {
        draft_can_go_back_ = draft_->call(ErrorKind::kContext, [&] {
            return common_context_can_seq_rm(draft_->get()) != COMMON_CONTEXT_SEQ_RM_TYPE_FULL;
        });
    }
}

bool Speculation::has_type(common_speculative_type type) const {
    return std::find(params_.types.begin(), params_.types.end(), type) != params_.types.end();
}

bool Speculation::reads_states() const {
    return draft_ != nullptr && !has_type(COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE);
}

// As common_base_params_to_speculative() and common_speculative_init_result() of
// common/speculative.cpp.
void Speculation::open_draft(std::shared_ptr<ModelHandle> model, llama_context_params params) {
    for (common_speculative_type type : params_.types) {
        require_fitting(*target_.model(), *model, type);
    }
    const bool is_mtp = has_type(COMMON_SPECULATIVE_TYPE_DRAFT_MTP);
    const bool drafts_blocks = has_type(COMMON_SPECULATIVE_TYPE_DRAFT_DFLASH) ||
                               has_type(COMMON_SPECULATIVE_TYPE_DRAFT_DSPARK);
    params.n_ctx = llama_n_ctx_seq(target_.get());
    params.n_seq_max = 1;
    params.n_rs_seq = 0;
    params.embeddings = false;
    params.n_outputs_max = drafts_blocks ? std::max(1, params_.draft.n_max + 1) : 1;
    params.n_outputs_max_per_seq = params.n_outputs_max;
    params.ctx_type = is_mtp ? LLAMA_CONTEXT_TYPE_MTP : LLAMA_CONTEXT_TYPE_DEFAULT;
    params.ctx_other = target_.get();
    draft_ = std::make_unique<ContextHandle>(std::move(model), params);
    draft_->set_abort_callback([this] { return target_.must_stop(); });
    params_.draft.ctx_tgt = target_.get();
    params_.draft.ctx_dft = draft_->get();
}

void Speculation::begin(const std::vector<llama_token>& tokens) {
    has_drafted_ = false;
    LogErrorsOnly quiet;  // it warns of text that a draft has missed, such as images
    target_.call(ErrorKind::kDecode,
                 [&] { common_speculative_begin(speculators_.get(), 0, tokens); });
}

std::vector<llama_token> Speculation::draft(const std::vector<llama_token>& tokens,
                                            llama_pos last_pos, int32_t n_max) {
    target_.check_usable();
    std::vector<llama_token> guesses;
    if (tokens.empty() || n_max <= 0) {
        return guesses;
    }
    const std::vector<llama_token> text(tokens.begin(), tokens.end() - 1);
    const bool has_other_positions = static_cast<size_t>(last_pos) != text.size();
    if (draft_ != nullptr && (has_other_positions || !is_ready(text))) {
        return guesses;
    }
    target_.ask_again();
    common_prompt_checkpoint checkpoint;
    constexpr llama_state_seq_flags kFlags = LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY;
    target_.call(ErrorKind::kDecode, [&] {
        if (!draft_can_go_back_) {
            checkpoint.update_dft(draft_->get(), 0, kFlags);
        }
        common_speculative_draft_params& request =
            common_speculative_get_draft_params(speculators_.get(), 0);
        request = {};
        request.drafting = true;
        request.n_max = n_max;
        request.pos0 = last_pos;
        request.id_last = tokens.back();
        request.prompt = &text;
        request.result = &guesses;
        common_speculative_draft(speculators_.get());
        if (!draft_can_go_back_) {
            checkpoint.load_dft(draft_->get(), 0, kFlags);
            llama_memory_seq_rm(llama_get_memory(draft_->get()), 0, last_pos, -1);
        }
    });
    if (draft_ != nullptr && draft_can_go_back_ && !reads_states()) {
        keep_what_draft_evaluated(tokens, guesses);
    }
    has_drafted_ = has_drafted_ || !guesses.empty();
    // A draft model may have a few tokens that the model lacks.
    const auto unknown = std::find_if(guesses.begin(), guesses.end(), [&](llama_token token) {
        return token < 0 || token >= target_.model()->n_vocab();
    });
    guesses.erase(unknown, guesses.end());
    return guesses;
}

void Speculation::accept(int32_t n_accepted) {
    if (has_drafted_) {
        target_.call(ErrorKind::kDecode, [&] {
            common_speculative_accept(speculators_.get(), 0, static_cast<uint16_t>(n_accepted));
        });
    }
}

// Whether the draft has read all of a text.
bool Speculation::is_ready(const std::vector<llama_token>& text) {
    const size_t kept = n_shared(held_, text);
    if (reads_states()) {
        return kept == text.size() && held_.size() == text.size();
    }
    drop_from(kept);
    read(text.data() + held_.size(), text.size() - held_.size());
    return true;
}

// draft-simple has evaluated its own guesses, and the token before them. The right ones need not be
// evaluated again.
void Speculation::keep_what_draft_evaluated(const std::vector<llama_token>& text,
                                            const std::vector<llama_token>& guesses) {
    const llama_pos last = llama_memory_seq_pos_max(llama_get_memory(draft_->get()), 0);
    held_ = text;
    held_.insert(held_.end(), guesses.begin(), guesses.end());
    const size_t n_known = held_.size();
    held_.resize(std::min(n_known, static_cast<size_t>(last + 1)));
    if (static_cast<size_t>(last + 1) > n_known) {
        drop_from(n_known);
    }
}

// Leaves the draft with the first `n_kept` tokens, or none.
void Speculation::drop_from(size_t n_kept) {
    if (n_kept == 0 && held_.empty()) {
        return;
    }
    const auto end = static_cast<llama_pos>(n_kept);
    draft_->call(ErrorKind::kDecode, [&] {
        llama_memory_t memory = llama_get_memory(draft_->get());
        const int32_t window = llama_model_n_swa(draft_->model()->get());
        const bool has_window = window == 0 || end > llama_memory_seq_pos_max(memory, 0) ||
                                llama_memory_seq_pos_min(memory, 0) <= std::max(0, end - window);
        if (!has_window || !llama_memory_seq_rm(memory, 0, end, -1)) {
            llama_memory_clear(memory, false);
            n_kept = 0;
        }
    });
    held_.resize(std::min(held_.size(), n_kept));
}

// Feeds tokens that follow `held_` to the speculators.
void Speculation::read(const llama_token* tokens, size_t n_tokens) {
    const auto limit = static_cast<size_t>(llama_n_batch(draft_->get()));
    for (size_t begin = 0; begin < n_tokens; begin += limit) {
        const size_t end = std::min(begin + limit, n_tokens);
        LogCapture log;
        const bool is_read = target_.call(ErrorKind::kDecode, [&] {
            batch_.clear();
            for (size_t i = begin; i < end; ++i) {
                batch_.add(tokens[i], static_cast<llama_pos>(held_.size() + i - begin), 0, true);
            }
            return common_speculative_process(speculators_.get(), batch_);
        });
        if (!is_read) {
            held_.clear();
            llama_memory_clear(llama_get_memory(draft_->get()), false);
            if (target_.must_stop()) {
                target_.fail_stopped("decode");
            }
            throw Error(ErrorKind::kDecode, "the draft model failed: " + log.take());
        }
        held_.insert(held_.end(), tokens + begin, tokens + end);
    }
}

void Speculation::before_decode(llama_pos pos0) {
    if (reads_states()) {
        drop_from(std::min(held_.size(), static_cast<size_t>(pos0)));
    }
}

void Speculation::after_batch(const llama_token* tokens, size_t n_tokens, llama_pos pos0) {
    if (reads_states() && held_.size() == static_cast<size_t>(pos0)) {
        read(tokens, n_tokens);
    }
}

}  // namespace core
