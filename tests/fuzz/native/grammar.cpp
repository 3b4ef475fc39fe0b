// A GBNF grammar, a NUL, and a text for it.
#include <memory>
#include <string>

#include "native/core/grammar_syntax.h"
#include "native/core/sampler.h"
#include "native/core/tokenizer.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {
namespace {

std::shared_ptr<core::ModelHandle> g_model;

}  // namespace

void prepare() { g_model = open_model(environment("MODEL")); }

void run(std::string_view input) {
    Parts parts(input);
    common_params_sampling params;
    params.grammar = common_grammar(COMMON_GRAMMAR_TYPE_USER, parts.text());
    params.temp = 0.0f;
    core::check_grammar_syntax(params.grammar.grammar, "root", g_model->vocab());
    core::Sampler sampler(g_model, params);
    const std::string text(parts.rest().substr(0, 64));
    const std::vector<float> logits(static_cast<size_t>(g_model->n_vocab()), 1.0f);
    sampler.sample(logits.data());
    for (llama_token token : core::tokenize(*g_model, text, false, true)) {
        sampler.accept(token, true);
    }
    sampler.sample(logits.data());
}

}  // namespace fuzz
