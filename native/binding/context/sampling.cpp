// The Python classes SamplingParams and Sampler.
#include "sampling.h"

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/interpreter/params.h"
#include "native/binding/model/grammar_triggers.h"
#include "native/binding/model/model.h"
#include "native/core/sampler.h"

namespace py = pybind11;

namespace core {
namespace {

using Params = common_params_sampling;
using ParamsClass = py::class_<Params>;

std::map<std::string, common_sampler_type> sampler_types() {
    std::map<std::string, common_sampler_type> types;
    for (int i = COMMON_SAMPLER_TYPE_NONE; i <= COMMON_SAMPLER_TYPE_ADAPTIVE_P; ++i) {
        const auto type = static_cast<common_sampler_type>(i);
        const std::string name = common_sampler_type_to_str(type);
        if (!name.empty()) {
            types.emplace(name, type);
        }
    }
    return types;
}

std::vector<std::string> get_samplers(const Params& params) {
    std::vector<std::string> names;
    for (common_sampler_type type : params.samplers) {
        names.push_back(common_sampler_type_to_str(type));
    }
    return names;
}

void set_samplers(Params& params, const std::vector<std::string>& names) {
    const std::map<std::string, common_sampler_type> types = sampler_types();
    std::vector<common_sampler_type> samplers;
    for (const std::string& name : names) {
        const auto found = types.find(name);
        if (found == types.end()) {
            std::string known;
            for (const auto& entry : types) {
                known += (known.empty() ? "" : ", ") + entry.first;
            }
            throw py::value_error("there is no sampler '" + name + "'; the names are: " + known);
        }
        samplers.push_back(found->second);
    }
    params.samplers = samplers;
}

std::map<llama_token, float> get_logit_bias(const Params& params) {
    std::map<llama_token, float> biases;
    for (const llama_logit_bias& bias : params.logit_bias) {
        biases[bias.token] = bias.bias;
    }
    return biases;
}

void set_logit_bias(Params& params, const std::map<llama_token, float>& biases) {
    params.logit_bias.clear();
    for (const auto& [token, bias] : biases) {
        params.logit_bias.push_back({token, bias});
    }
}

// The type is a TriggerType or, out of `sampling_extras`, its number.
using NumberedTrigger = std::tuple<int, std::string, llama_token>;

void set_triggers(Params& params, const std::vector<NumberedTrigger>& triggers) {
    std::vector<common_grammar_trigger> converted;
    for (const auto& [type, value, token] : triggers) {
        if (type < COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN ||
            type > COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL) {
            throw py::value_error(
                "the type of a grammar trigger must be 0 (token), 1 (word), 2 (pattern) or "
                "3 (full pattern)");
        }
        converted.push_back({static_cast<common_grammar_trigger_type>(type), value, token});
    }
    params.grammar_triggers = converted;
}

void def_grammar_fields(ParamsClass& cls) {
    def_guarded<Params, std::string>(
        cls, "grammar",
        [](const Params& self) { return to_str(common_grammar_value(self.grammar)); },
        [](Params& self, const std::string& text) {
            self.grammar =
                text.empty() ? common_grammar() : common_grammar(COMMON_GRAMMAR_TYPE_USER, text);
        },
        "GBNF text whose first rule is named root; \"\": none.");
    cls.def_readwrite("grammar_lazy", &Params::grammar_lazy,
                      "Whether the grammar applies only from the first trigger on.");
    def_guarded<Params, std::vector<NumberedTrigger>>(
        cls, "grammar_triggers",
        [](const Params& self) { return to_tuples(self.grammar_triggers); }, &set_triggers,
        "Triggers of a lazy grammar, each as (TriggerType, text, token).");
    def_guarded<Params, std::vector<llama_token>>(
        cls, "preserved_tokens",
        [](const Params& self) {
            return std::vector<llama_token>(self.preserved_tokens.begin(),
                                            self.preserved_tokens.end());
        },
        [](Params& self, const std::vector<llama_token>& tokens) {
            self.preserved_tokens = std::set<llama_token>(tokens.begin(), tokens.end());
        },
        "Special tokens that may start a lazy grammar.");
    def_container(cls, "generation_prompt", &Params::generation_prompt,
                  "End of the prompt: the grammar covers it already, and it may begin a thought.");
}

void def_thought_fields(ParamsClass& cls) {
    def_int(cls, "reasoning_budget_tokens", &Params::reasoning_budget_tokens);
    def_container(cls, "reasoning_budget_start", &Params::reasoning_budget_start,
                  "Tokens of the text that begins a thought.");
    def_container(cls, "reasoning_budget_end", &Params::reasoning_budget_end,
                  "Tokens of each text that ends a thought.");
    def_container(cls, "reasoning_budget_forced", &Params::reasoning_budget_forced,
                  "Tokens that end a thought of more than reasoning_budget_tokens tokens.");
}

void bind_params(py::module_& m) {
    py::native_enum<TriggerType>(m, "TriggerType", "enum.IntEnum",
                                 "Type of a trigger of a lazy grammar.")
        .value("TOKEN", TriggerType::kToken)
        .value("WORD", TriggerType::kWord)
        .value("PATTERN", TriggerType::kPattern)
        .value("FULL_PATTERN", TriggerType::kFullPattern)
        .finalize();
    ParamsClass cls(m, "SamplingParams",
                    "How to choose tokens. Fields and defaults are llama-common's.");
    cls.def(py::init<>());
    def_int(cls, "seed", &Params::seed);
    def_int(cls, "n_prev", &Params::n_prev);
    def_int(cls, "min_keep", &Params::min_keep);
    def_int(cls, "top_k", &Params::top_k);
    def_int(cls, "penalty_last_n", &Params::penalty_last_n);
    def_int(cls, "dry_allowed_length", &Params::dry_allowed_length);
    def_int(cls, "dry_penalty_last_n", &Params::dry_penalty_last_n);
    def_int(cls, "mirostat", &Params::mirostat);
    cls.def_readwrite("top_p", &Params::top_p);
    cls.def_readwrite("min_p", &Params::min_p);
    cls.def_readwrite("xtc_probability", &Params::xtc_probability);
    cls.def_readwrite("xtc_threshold", &Params::xtc_threshold);
    cls.def_readwrite("typ_p", &Params::typ_p);
    cls.def_readwrite("temp", &Params::temp);
    cls.def_readwrite("dynatemp_range", &Params::dynatemp_range);
    cls.def_readwrite("dynatemp_exponent", &Params::dynatemp_exponent);
    cls.def_readwrite("penalty_repeat", &Params::penalty_repeat);
    cls.def_readwrite("penalty_freq", &Params::penalty_freq);
    cls.def_readwrite("penalty_present", &Params::penalty_present);
    cls.def_readwrite("dry_multiplier", &Params::dry_multiplier);
    cls.def_readwrite("dry_base", &Params::dry_base);
    def_container(cls, "dry_sequence_breakers", &Params::dry_sequence_breakers);
    cls.def_readwrite("adaptive_target", &Params::adaptive_target);
    cls.def_readwrite("adaptive_decay", &Params::adaptive_decay);
    cls.def_readwrite("mirostat_tau", &Params::mirostat_tau);
    cls.def_readwrite("mirostat_eta", &Params::mirostat_eta);
    cls.def_readwrite("top_n_sigma", &Params::top_n_sigma);
    cls.def_readwrite("ignore_eos", &Params::ignore_eos,
                      "Whether an end of generation is never chosen.");
    def_guarded<Params, std::vector<std::string>>(
        cls, "samplers", &get_samplers, &set_samplers,
        "Names of the samplers, in the order in which they apply.");
    def_guarded<Params, std::map<llama_token, float>>(
        cls, "logit_bias", &get_logit_bias, &set_logit_bias,
        "Token id -> number to add to its logit; -inf forbids the token.");
    def_grammar_fields(cls);
    def_thought_fields(cls);
}

// Calls `function()` with the GIL released, while no other thread uses the sampler.
template <typename Function>
auto with_sampler(Sampler& sampler, Function&& function) {
    GilRelease release;
    BusyLock busy(sampler.busy, "Sampler");
    return function();
}

llama_token sample(Sampler& self, const Context& context, int32_t index) {
    return with_context(context, [&](ContextHandle& handle) {
        BusyLock busy(self.busy, "Sampler");
        return self.sample(handle, index);
    });
}

llama_token sample_accept(const Context& context, Sampler& sampler) {
    return with_context(context, [&](ContextHandle& handle) {
        BusyLock busy(sampler.busy, "Sampler");
        const llama_token token = sampler.sample(handle, -1);
        sampler.accept(token, true);
        return token;
    });
}

llama_token sample_from_logits(
    Sampler& self, const py::array_t<float, py::array::c_style | py::array::forcecast>& logits) {
    if (logits.ndim() != 1 || logits.size() != self.model().n_vocab()) {
        throw py::value_error(
            format("logits must be one row of %d numbers (n_vocab)", self.model().n_vocab()));
    }
    const float* row = logits.data();
    if (std::none_of(row, row + logits.size(), [](float logit) { return logit > -INFINITY; })) {
        throw py::value_error("no token is left to choose from: every logit is -inf or NaN");
    }
    return with_sampler(self, [&] { return self.sample(row); });
}

void bind_sampler(py::module_& m) {
    py::class_<Sampler, std::shared_ptr<Sampler>> cls(m, "Sampler", R"(
        Chooses tokens.

        With temp < 0 it chooses at random after the penalties, with temp = 0 the most likely token
        after the penalties. It serves one thread at a time: a call from a second one meanwhile
        raises BusyError.
        )"_doc);
    cls.def(py::init([](const Model& model, const CopyOf<Params>& copy) {
                auto handle = model.get();
                GilRelease release;
                return make_outside_gil<Sampler>(std::move(handle), copy.params);
            }),
            py::arg("model"), py::arg("params"),
            R"(
            Creates a sampler.

            Args:
              model: Model whose tokens it chooses.
              params: Its parameters.

            Raises:
              GrammarError: The grammar is invalid. The message has line and reason.
              ValueError: Another parameter cannot be used.
            )"_doc);
    cls.def("sample", &sample, py::arg("context"), py::arg("index") = -1,
            R"(
            Chooses a token, without accepting it.

            Args:
              context: The context, after decode().
              index: Its output; -1 is the last one.
            )"_doc);
    cls.def(
        "accept",
        [](Sampler& self, llama_token token, bool is_generated) {
            with_sampler(self, [&] { self.accept(token, is_generated); });
        },
        py::arg("token"), py::arg("is_generated") = true,
        R"(
        Adds a token to those that the penalties look at.

        Args:
          token: The token id.
          is_generated: Whether the model generated it, so that the grammar advances too.

        Raises:
          GrammarError: The token does not fit the grammar. Nothing has changed.
        )"_doc);
    cls.def(
        "accept_many",
        [](Sampler& self, const Tokens& tokens, bool is_generated) {
            with_sampler(self, [&] {
                if (!is_generated) {
                    self.accept_history(tokens.ids);
                    return;
                }
                for (llama_token token : tokens.ids) {
                    self.accept(token, true);
                }
            });
        },
        py::arg("tokens"), py::arg("is_generated") = false,
        R"(
        Accepts several tokens like accept(), for instance a prompt's.

        Args:
          tokens: The token ids.
          is_generated: Whether the model generated them, so that the grammar advances too.
        )"_doc);
    cls.def("sample_from_logits", &sample_from_logits, py::arg("logits"),
            R"(
            Chooses a token from logits that Python may have changed, without accepting it.

            Args:
              logits: float32 [n_vocab].

            Raises:
              ValueError: The logits have another shape, or all of them are -inf or NaN.
            )"_doc);
    cls.def(
        "reset", [](Sampler& self) { with_sampler(self, [&] { self.reset(); }); },
        "Forgets all accepted tokens and restarts the random numbers.");
    cls.def(
        "clone",
        [](Sampler& self) {
            return with_sampler(self, [&] { return make_outside_gil<Sampler>(self); });
        },
        "Returns a copy in the same state.");
    cls.def("describe", &Sampler::describe,
            "Returns a text that lists the active samplers in their order.");
    cls.def_property_readonly(
        "seed", [](Sampler& self) { return with_sampler(self, [&] { return self.seed(); }); },
        "Seed of the random numbers.");
}

}  // namespace

void init_sampling(py::module_& m) {
    bind_params(m);
    bind_sampler(m);
    m.def("sample_accept", &sample_accept, py::arg("context"), py::arg("sampler"),
          R"(
          Chooses a token with Sampler.sample() and accepts it, in one call.

          Args:
            context: The context, after decode(). Its last output counts.
            sampler: The sampler.

          Returns:
            The token id.
          )"_doc);
}

}  // namespace core
