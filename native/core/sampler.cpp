#include "native/core/sampler.h"

#include <algorithm>
#include <cctype>
#include <cfloat>
#include <cmath>
#include <regex>
#include <utility>

#include "native/core/grammar_sampler.h"
#include "native/core/log.h"
#include "native/core/ranges.h"
#include "sampling.h"

namespace core {
namespace {

// Bounds the ring buffers that the samplers allocate.
constexpr int32_t kLongestHistory = 1 << 24;

void require_finite(const char* name, float value) {
    if (!std::isfinite(value)) {
        throw Error(ErrorKind::kValue, format("%s = %g must be a finite number", name, value));
    }
}

bool has_sampler(const common_params_sampling& params, common_sampler_type type) {
    return std::find(params.samplers.begin(), params.samplers.end(), type) != params.samplers.end();
}

void validate(const ModelHandle& model, const common_params_sampling& params) {
    require_range(ErrorKind::kValue, "mirostat", params.mirostat, 0, 2);
    require_range(ErrorKind::kValue, "min_keep", params.min_keep, 0, INT32_MAX);
    require_range(ErrorKind::kValue, "n_prev", params.n_prev, 0, kLongestHistory);
    require_range(ErrorKind::kValue, "penalty_last_n", params.penalty_last_n, 0, kLongestHistory);
    require_range(ErrorKind::kValue, "dry_penalty_last_n", params.dry_penalty_last_n, 0,
                  kLongestHistory);
    model.check_tokens(params.reasoning_budget_forced, ErrorKind::kTokenize);
    model.check_tokens(params.reasoning_budget_start, ErrorKind::kTokenize);
    for (const std::vector<llama_token>& tokens : params.reasoning_budget_end) {
        model.check_tokens(tokens, ErrorKind::kTokenize);
    }
    require_finite("penalty_freq", params.penalty_freq);
    require_finite("penalty_present", params.penalty_present);
    if (!(params.penalty_repeat >= FLT_MIN && params.penalty_repeat <= FLT_MAX)) {
        throw Error(ErrorKind::kValue,
                    format("penalty_repeat = %g must be greater than 0; 1 turns it off",
                           params.penalty_repeat));
    }
    for (const llama_logit_bias& bias : params.logit_bias) {
        model.check_token(bias.token, ErrorKind::kTokenize);
        if (std::isnan(bias.bias)) {
            throw Error(ErrorKind::kValue,
                        format("logit_bias of token %d is not a number", bias.token));
        }
    }
    const bool can_infill = llama_vocab_eot(model.vocab()) != LLAMA_TOKEN_NULL ||
                            llama_vocab_eos(model.vocab()) != LLAMA_TOKEN_NULL;
    if (has_sampler(params, COMMON_SAMPLER_TYPE_INFILL) && !can_infill) {
        throw Error(ErrorKind::kValue,
                    "the infill sampler needs an EOT or EOS token, which this model lacks");
    }
}

void forbid_end_of_generation(const llama_vocab* vocab, common_params_sampling& params) {
    for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
        if (llama_vocab_is_eog(vocab, token)) {
            params.logit_bias.push_back({token, -INFINITY});
        }
    }
}

// For temp <= 0: nothing may narrow the choice, only the penalties change the logits.
void keep_penalties_only(common_params_sampling& params) {
    params.mirostat = 0;
    std::vector<common_sampler_type> kept;
    for (common_sampler_type type : params.samplers) {
        if (type == COMMON_SAMPLER_TYPE_PENALTIES || type == COMMON_SAMPLER_TYPE_DRY) {
            kept.push_back(type);
        }
    }
    params.samplers = kept;
}

// Moves the samplers that llama-common makes of the parameters into a chain of ours, where two
// things differ: temp = 0 is greedy, and mirostat too comes after the penalties.
llama_sampler_ptr make_chain(const ModelHandle& model, common_params_sampling params) {
    params.grammar = {};
    params.grammar_triggers.clear();
    params.generation_prompt.clear();
    params.reasoning_budget_start.clear();  // see thought_limit.h
    if (params.temp <= 0.0f) {
        keep_penalties_only(params);
    }
    llama_sampler_chain_params chain_params = llama_sampler_chain_default_params();
    chain_params.no_perf = true;
    llama_sampler_ptr chain(llama_sampler_chain_init(chain_params));

    const common_sampler_ptr made(common_sampler_init(model.get(), params));
    llama_sampler* const source = common_sampler_get(made.get());
    const auto move_all_but = [&](int32_t n_left) {
        while (llama_sampler_chain_n(source) > n_left) {
            llama_sampler_chain_add(chain.get(), llama_sampler_chain_remove(source, 0));
        }
    };
    if (params.mirostat != 0) {
        move_all_but(2);  // temperature and mirostat
        llama_sampler_chain_add(
            chain.get(), llama_sampler_init_penalties(model.n_vocab(), params.penalty_last_n,
                                                      params.penalty_repeat, params.penalty_freq,
                                                      params.penalty_present));
    }
    if (params.temp == 0.0f) {
        move_all_but(1);  // the random choice
        llama_sampler_chain_add(chain.get(), llama_sampler_init_greedy());
    } else {
        move_all_but(0);
    }
    return chain;
}

// llama.cpp names samplers that do nothing with a question mark in front.
bool is_active(llama_sampler* chain, int32_t index) {
    return llama_sampler_name(llama_sampler_chain_get(chain, index))[0] != '?';
}

bool only_last_is_active(llama_sampler* chain) {
    for (int32_t i = 0; i + 1 < llama_sampler_chain_n(chain); ++i) {
        if (is_active(chain, i)) {
            return false;
        }
    }
    return true;
}

std::string anchored(const std::string& pattern) {
    if (pattern.empty()) {
        return "^$";
    }
    return (pattern.front() == '^' ? "" : "^") + pattern + (pattern.back() == '$' ? "" : "$");
}

// A word that is one special token starts the grammar as that token.
bool add_as_token(const ModelHandle& model, const common_params_sampling& params,
                  const std::string& word, Triggers& triggers) {
    const std::vector<llama_token> tokens = common_tokenize(model.vocab(), word, false, true);
    if (tokens.size() != 1 || params.preserved_tokens.count(tokens[0]) == 0) {
        return false;
    }
    triggers.tokens.push_back(tokens[0]);
    return true;
}

void check_pattern(const std::string& pattern) {
    try {
        std::regex{pattern};
    } catch (const std::regex_error& error) {
        throw Error(ErrorKind::kGrammar,
                    "the pattern of a grammar trigger is no regular expression: " + pattern + ": " +
                        error.what());
    }
}

Triggers make_triggers(const ModelHandle& model, const common_params_sampling& params) {
    Triggers triggers;
    for (const common_grammar_trigger& trigger : params.grammar_triggers) {
        switch (trigger.type) {
            case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN:
                model.check_token(trigger.token, ErrorKind::kGrammar);
                triggers.tokens.push_back(trigger.token);
                break;
            case COMMON_GRAMMAR_TRIGGER_TYPE_WORD:
                if (!add_as_token(model, params, trigger.value, triggers)) {
                    triggers.patterns.push_back(regex_escape(trigger.value));
                }
                break;
            case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN:
                triggers.patterns.push_back(trigger.value);
                break;
            case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
                triggers.patterns.push_back(anchored(trigger.value));
                break;
        }
    }
    std::for_each(triggers.patterns.begin(), triggers.patterns.end(), check_pattern);
    if (triggers.patterns.empty() && triggers.tokens.empty()) {
        throw Error(ErrorKind::kGrammar,
                    "grammar_lazy needs at least one entry in grammar_triggers to start it");
    }
    return triggers;
}

llama_sampler_ptr make_grammar(const ModelHandle& model, const common_params_sampling& params) {
    const std::string& text = common_grammar_value(params.grammar);
    if (text.empty()) {
        return nullptr;
    }
    model.check_has_vocab();
    if (!params.grammar_lazy) {
        return make_grammar_sampler(model.vocab(), text, "root", nullptr);
    }
    const Triggers triggers =
        call_native(ErrorKind::kGrammar, [&] { return make_triggers(model, params); });
    return make_grammar_sampler(model.vocab(), text, "root", &triggers);
}

size_t history_size(const common_params_sampling& params) {
    return static_cast<size_t>(std::max(params.penalty_last_n, params.dry_penalty_last_n));
}

// NaN is never the greatest.
llama_token argmax(const float* logits, int32_t n_vocab) {
    llama_token best = 0;
    float greatest = -INFINITY;
    for (llama_token token = 0; token < n_vocab; ++token) {
        if (logits[token] > greatest) {
            greatest = logits[token];
            best = token;
        }
    }
    return best;
}

}  // namespace

Sampler::Sampler(std::shared_ptr<ModelHandle> model, common_params_sampling params)
    : model_(std::move(model)), generation_prompt_(params.generation_prompt) {
    validate(*model_, params);
    thought_limit_ = ThoughtLimit(model_->vocab(), params);
    if (params.ignore_eos) {
        forbid_end_of_generation(model_->vocab(), params);
    }
    history_size_ = history_size(params);
    grammar_ = make_grammar(*model_, params);
    chain_ = call_native(ErrorKind::kLlama, [&] { return make_chain(*model_, params); });
    is_plain_argmax_ = params.temp == 0.0f && only_last_is_active(chain_.get());
    if (params.grammar_lazy) {
        generation_prompt_.clear();  // text before the trigger is free
    }
    prefill_grammar();
}

Sampler::Sampler(const Sampler& other)
    : model_(other.model_),
      chain_(llama_sampler_clone(other.chain_.get())),
      grammar_(other.grammar_ ? llama_sampler_clone(other.grammar_.get()) : nullptr),
      thought_limit_(other.thought_limit_),
      generation_prompt_(other.generation_prompt_),
      history_size_(other.history_size_),
      is_plain_argmax_(other.is_plain_argmax_) {}

llama_token Sampler::sample(ContextHandle& context, int32_t index) {
    if (context.model()->n_vocab() != model_->n_vocab()) {
        throw Error(ErrorKind::kContext, "this Sampler was made for a Model of another vocabulary");
    }
    const int64_t row = context.resolve_row(index);
    return sample(context.logits() + row * model_->n_vocab());
}

llama_token Sampler::sample(const float* logits) {
    if (thought_limit_.demanded() != LLAMA_TOKEN_NULL) {
        return thought_limit_.demanded();
    }
    return call_native(ErrorKind::kLlama, [&] {
        llama_token token;
        if (is_plain_argmax_) {
            token = argmax(logits, model_->n_vocab());
        } else {
            load_candidates(logits);
            token = apply_chain();
        }
        if (grammar_ == nullptr || fits_grammar(token)) {
            return token;
        }
        load_candidates(logits);
        apply_grammar();
        return apply_chain();
    });
}

// NaN would break the order that the samplers sort by, and infinity their sums.
void Sampler::load_candidates(const float* logits) {
    const int32_t n_vocab = model_->n_vocab();
    candidates_.resize(static_cast<size_t>(n_vocab));
    for (llama_token token = 0; token < n_vocab; ++token) {
        const float logit = logits[token];
        const float ordered = std::isnan(logit) ? -INFINITY : std::min(logit, FLT_MAX);
        candidates_[token] = {token, ordered, 0.0f};
    }
    array_ = {candidates_.data(), candidates_.size(), -1, false};
}

llama_token Sampler::apply_chain() {
    llama_sampler_apply(chain_.get(), &array_);
    if (array_.selected < 0 || static_cast<size_t>(array_.selected) >= array_.size) {
        throw Error(ErrorKind::kLlama, "the samplers left no token to choose from");
    }
    return array_.data[array_.selected].id;
}

bool Sampler::fits_grammar(llama_token token) {
    llama_token_data candidate{token, 1.0f, 0.0f};
    llama_token_data_array array{&candidate, 1, -1, false};
    call_native(ErrorKind::kGrammar, [&] { llama_sampler_apply(grammar_.get(), &array); });
    return candidate.logit != -INFINITY;
}

void Sampler::apply_grammar() {
    call_native(ErrorKind::kGrammar, [&] { llama_sampler_apply(grammar_.get(), &array_); });
    const bool any_left = std::any_of(candidates_.begin(), candidates_.end(),
                                      [](const auto& c) { return c.logit != -INFINITY; });
    if (!any_left) {
        throw Error(ErrorKind::kGrammar,
                    "no token of the vocabulary fits the grammar here: the vocabulary cannot "
                    "spell what the grammar wants, or the logits allow nothing");
    }
}

void Sampler::accept(llama_token token, bool is_generated) {
    model_->check_token(token, ErrorKind::kTokenize);
    call_native(ErrorKind::kGrammar, [&] {
        if (grammar_ != nullptr && is_generated) {
            accept_in_grammar(token);
        }
        if (is_generated) {
            thought_limit_.accept(token);
        }
        llama_sampler_accept(chain_.get(), token);
    });
}

// llama.cpp stops the process at a token that does not fit, so it is asked beforehand.
void Sampler::accept_in_grammar(llama_token token) {
    if (!fits_grammar(token)) {
        const std::string piece = common_token_to_piece(model_->vocab(), token, true);
        throw Error(ErrorKind::kGrammar,
                    format("token %d ('%s') does not fit the grammar here", token, piece.c_str()));
    }
    try {
        llama_sampler_accept(grammar_.get(), token);
    } catch (...) {
        // The text that triggered a lazy grammar does not fit it. In that state no token does.
        const std::string reason = describe_current_exception();
        llama_sampler_reset(grammar_.get());
        throw Error(ErrorKind::kGrammar, reason);
    }
}

void Sampler::accept_history(const std::vector<llama_token>& tokens) {
    model_->check_tokens(tokens, ErrorKind::kTokenize);
    const size_t n_skipped = tokens.size() - std::min(tokens.size(), history_size_);
    for (size_t i = n_skipped; i < tokens.size(); ++i) {
        llama_sampler_accept(chain_.get(), tokens[i]);
    }
}

void Sampler::reset() {
    call_native(ErrorKind::kLlama, [&] {
        llama_sampler_reset(chain_.get());
        thought_limit_.reset();
        if (grammar_ != nullptr) {
            llama_sampler_reset(grammar_.get());
            prefill_grammar();
        }
    });
}

// Advances the grammar past the text that the chat template has put into the prompt already.
void Sampler::prefill_grammar() {
    if (grammar_ == nullptr || generation_prompt_.empty()) {
        return;
    }
    const std::vector<llama_token> tokens =
        common_tokenize(model_->vocab(), generation_prompt_, false, true);
    for (size_t i = 0; i < tokens.size(); ++i) {
        const std::string piece = common_token_to_piece(model_->vocab(), tokens[i], true);
        const bool is_added_space =
            i == 0 && std::isspace(static_cast<unsigned char>(piece[0])) != 0 &&
            std::isspace(static_cast<unsigned char>(generation_prompt_[0])) == 0;
        if (!is_added_space && !fits_grammar(tokens[i])) {
            throw Error(ErrorKind::kGrammar,
                        "the beginning of the answer does not fit its grammar: " +
                            generation_prompt_ + "\nBegin it as the grammar wants, or not at all.");
        }
        if (!is_added_space) {
            accept_in_grammar(tokens[i]);
        }
    }
}

std::string Sampler::describe() const {
    std::string text = grammar_ == nullptr ? "logits" : "logits -> grammar";
    for (int32_t i = 0; i < llama_sampler_chain_n(chain_.get()); ++i) {
        if (is_active(chain_.get(), i)) {
            text += " -> ";
            text += llama_sampler_name(llama_sampler_chain_get(chain_.get(), i));
        }
    }
    return text;
}

}  // namespace core
