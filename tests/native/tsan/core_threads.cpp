// The native core in many threads, without Python: run under ThreadSanitizer.
//
// It drives the core as the binding does: one BusyLock per context, sampler and stream, shared
// pointers that are closed while calls run, one log sink. Results are compared with those of a
// single thread, so it is a test without the sanitizer too.
//
//     core_threads CPU_BACKEND_LIBRARY MODEL
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ggml-backend.h"
#include "native/core/chat_templates.h"
#include "native/core/context_handle.h"
#include "native/core/grammar_syntax.h"
#include "native/core/handles.h"
#include "native/core/load_model.h"
#include "native/core/log.h"
#include "native/core/sampler.h"
#include "native/core/saved_state.h"
#include "native/core/shutdown.h"
#include "native/core/text_stream.h"
#include "native/core/tokenizer.h"

namespace {

using core::ContextHandle;
using core::Error;
using core::ErrorKind;
using core::ModelHandle;
using core::Sampler;

using Model = std::shared_ptr<ModelHandle>;
using Context = std::shared_ptr<ContextHandle>;
using Tokens = std::vector<llama_token>;

constexpr int kThreads = 4;
constexpr int kAnswerLength = 6;
const char* const kPrompts[kThreads] = {"In the beginning", "And God said", "The earth was",
                                        "Now the serpent"};

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                        \
        }                                                                        \
    } while (false)

using Function = std::function<void()>;

// Runs functions at the same time, each in a thread of its own, and waits for them.
void together(const std::vector<Function>& functions) {
    std::atomic<size_t> arrived{0};
    std::vector<std::thread> threads;
    for (const Function& function : functions) {
        threads.emplace_back([&] {
            arrived.fetch_add(1);
            while (arrived.load() < functions.size()) {
                std::this_thread::yield();
            }
            function();
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

// A function that repeats another one until `work` has been done.
Function until(std::atomic<bool>& done, Function function) {
    return [&done, function = std::move(function)] {
        while (!done.load()) {
            function();
        }
    };
}

Function then_set(std::atomic<bool>& done, Function work) {
    return [&done, work = std::move(work)] {
        work();
        done.store(true);
    };
}

// Whether the function ran; false when it failed with an error of one of these kinds.
bool attempt(std::initializer_list<ErrorKind> kinds, const Function& function) {
    try {
        function();
        return true;
    } catch (const Error& error) {
        for (ErrorKind kind : kinds) {
            if (error.kind() == kind) {
                return false;
            }
        }
        std::fprintf(stderr, "unexpected: %s\n", error.what());
        std::exit(1);
    }
}

// ---- as the binding does it

Model load(const std::string& path) { return core::load_model(path, core::ModelParams(), {}); }

Context new_context(const Model& model) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 64;
    params.n_threads = params.n_threads_batch = 1;
    return std::make_shared<ContextHandle>(model, params);
}

std::shared_ptr<Sampler> new_sampler(const Model& model, const std::string& grammar = {}) {
    common_params_sampling params;
    params.temp = 0.0f;
    if (!grammar.empty()) {
        params.grammar = common_grammar(COMMON_GRAMMAR_TYPE_USER, grammar);
    }
    return std::make_shared<Sampler>(model, params);
}

void evaluate(ContextHandle& context, const Tokens& tokens) {
    core::BusyLock busy(context.busy, "Context");
    context.decode_sequences({tokens}, false);
}

llama_token sample(ContextHandle& context, Sampler& sampler) {
    core::BusyLock context_busy(context.busy, "Context");
    core::BusyLock sampler_busy(sampler.busy, "Sampler");
    const llama_token token = sampler.sample(context, -1);
    sampler.accept(token, true);
    return token;
}

std::string generate(const Model& model, ContextHandle& context, const std::string& prompt) {
    const auto sampler = new_sampler(model);
    Tokens tokens = core::tokenize(*model, prompt, true, true);
    evaluate(context, tokens);
    core::TextStream stream(model, {}, false, {});
    std::string text;
    for (int i = 0; i < kAnswerLength; ++i) {
        const llama_token token = sample(context, *sampler);
        text += stream.push(token);
        core::BusyLock busy(context.busy, "Context");
        context.decode(&token, 1, static_cast<llama_pos>(tokens.size()), 0, core::Outputs::kLast);
        tokens.push_back(token);
    }
    return text + stream.flush();
}

// ---- the scenarios

struct World {
    std::string path;
    Model model;
    std::vector<std::string> answers;  // to kPrompts
    std::vector<Tokens> prompts;
};

void a_context_per_thread(const World& world) {
    std::vector<Function> functions;
    for (int i = 0; i < kThreads; ++i) {
        functions.push_back([&world, i] {
            const Context context = new_context(world.model);
            CHECK(generate(world.model, *context, kPrompts[i]) == world.answers[i]);
            CHECK(generate(world.model, *context, kPrompts[i]) == world.answers[i]);
        });
    }
    together(functions);
}

void one_context_fought_over(const World& world) {
    const Context context = new_context(world.model);
    std::atomic<bool> done{false};
    std::atomic<int> n_worked{0};
    std::vector<Function> functions;
    for (const Tokens& prompt : world.prompts) {
        functions.push_back([&, prompt] {
            for (int i = 0; i < 20; ++i) {
                n_worked += attempt({ErrorKind::kBusy, ErrorKind::kAborted},
                                    [&] { evaluate(*context, prompt); });
                attempt({ErrorKind::kBusy, ErrorKind::kContext}, [&] {
                    core::BusyLock busy(context->busy, "Context");
                    context->resolve_row(-1);
                    CHECK(context->logits() != nullptr);
                });
                attempt({ErrorKind::kBusy}, [&] {
                    core::BusyLock busy(context->busy, "Context");
                    context->set_n_threads(1, 1);
                });
            }
            done.store(true);
        });
    }
    functions.push_back(until(done, [&] {
        context->request_abort();
        CHECK(context->n_threads() == 1);
        std::this_thread::yield();
        context->clear_abort();
    }));
    together(functions);
    CHECK(n_worked.load() > 0);
    context->clear_abort();
    CHECK(generate(world.model, *context, kPrompts[0]) == world.answers[0]);
}

void closing_under_calls(const World& world) {
    core::Closable<ContextHandle> shared("Context");
    shared.open(new_context(world.model));
    const Function work = [&] {
        while (attempt({ErrorKind::kClosed}, [&] {
            const Context context = shared.get();
            attempt({ErrorKind::kBusy}, [&] { evaluate(*context, world.prompts[0]); });
        })) {
        }
    };
    const Function close = [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        shared.close();
        CHECK(shared.closed());
    };
    together({work, work, close, close});
}

void loading_and_freeing_while_logging_changes(const World& world) {
    std::atomic<bool> done{false};
    const Function come_and_go = [&] {
        const Model own = load(world.path);
        const Context context = new_context(own);
        CHECK(generate(own, *context, kPrompts[1]) == world.answers[1]);
    };
    const Function fail = [&] {
        CHECK(!attempt({ErrorKind::kModelLoad}, [&] { load(world.path + ".missing"); }));
        core::ModelParams params;
        int calls = 0;
        CHECK(!attempt({ErrorKind::kModelLoad}, [&] {
            core::load_model(world.path, params, [&](float) { return ++calls < 3; });
        }));
    };
    const Function change = [] {
        core::set_log_level(core::LogLevel::kDebug);
        core::set_log_level(core::LogLevel::kError);
    };
    const Function work = [&] {
        for (int i = 0; i < 3; ++i) {
            come_and_go();
        }
    };
    together({until(done, change), until(done, fail), then_set(done, work), work});
    core::set_log_level(core::LogLevel::kDebug);
}

void one_sampler_fought_over(const World& world) {
    const auto sampler = new_sampler(world.model);
    std::vector<Function> functions;
    for (const Tokens& prompt : world.prompts) {
        functions.push_back([&, prompt] {
            const Context context = new_context(world.model);
            evaluate(*context, prompt);
            const llama_token best = sample(*context, *new_sampler(world.model));
            for (int i = 0; i < 20; ++i) {
                attempt({ErrorKind::kBusy}, [&] { CHECK(sample(*context, *sampler) == best); });
                attempt({ErrorKind::kBusy}, [&] {
                    core::BusyLock busy(sampler->busy, "Sampler");
                    const Sampler copy(*sampler);
                    sampler->reset();
                    CHECK(copy.seed() == sampler->seed());
                });
                CHECK(!sampler->describe().empty());
            }
        });
    }
    together(functions);
}

void grammars_side_by_side(const World& world) {
    const Function work = [&] {
        const std::string grammar = "root ::= \"yes\" | \"no\"";
        core::check_grammar_syntax(grammar, "root", world.model->vocab());
        CHECK(!attempt({ErrorKind::kGrammar},
                       [&] { core::check_grammar_syntax("root ::= \"", "root", nullptr); }));
        const Context context = new_context(world.model);
        evaluate(*context, world.prompts[2]);
        const std::string text = core::token_to_piece(
            *world.model, sample(*context, *new_sampler(world.model, grammar)), false, 0);
        CHECK(text == "y" || text == "yes" || text == "n" || text == "no" || text == "ye");
    };
    together({work, work, work});
}

void one_stream_fought_over(const World& world) {
    core::TextStream stream(world.model, {"never there"}, false, {});
    const llama_token token = core::tokenize(*world.model, " Lord", false, false).back();
    const std::string piece = core::token_to_piece(*world.model, token, false, 0);
    std::mutex mutex;
    size_t length = 0;
    size_t n_pushed = 0;
    const Function work = [&] {
        for (int i = 0; i < 200; ++i) {
            std::string text;
            const bool worked = attempt({ErrorKind::kBusy}, [&] { text = stream.push(token); });
            attempt({ErrorKind::kBusy}, [&] { CHECK(!stream.stopped()); });
            attempt({ErrorKind::kBusy}, [&] { CHECK(stream.n_bytes() >= 0); });
            const std::lock_guard<std::mutex> lock(mutex);
            length += text.size();
            n_pushed += worked ? 1 : 0;
        }
    };
    together({work, work, work});
    length += stream.flush().size();
    CHECK(length == n_pushed * piece.size());
    CHECK(stream.n_bytes() == static_cast<int64_t>(length));
}

void tokenizing_side_by_side(const World& world) {
    std::vector<Function> functions;
    for (int i = 0; i < kThreads; ++i) {
        functions.push_back([&world, i] {
            for (int round = 0; round < 50; ++round) {
                const Tokens tokens = core::tokenize(*world.model, kPrompts[i], true, true);
                CHECK(tokens == world.prompts[i]);
                const std::string text = core::detokenize(*world.model, tokens, true, false);
                CHECK(text.find(kPrompts[i]) != std::string::npos);
            }
        });
    }
    together(functions);
}

void templates_side_by_side(const World& world) {
    const core::ChatTemplates templates(world.model, "", "", "");
    std::vector<Function> functions;
    for (int i = 0; i < kThreads; ++i) {
        functions.push_back([&templates, i] {
            const std::string prompt = kPrompts[i];
            core::ChatArguments arguments{};
            arguments.messages = R"([{"role": "user", "content": ")" + prompt + R"("}])";
            arguments.tool_choice = "auto";
            arguments.reasoning_format = "none";
            arguments.add_generation_prompt = true;
            for (int round = 0; round < 10; ++round) {
                const auto chat = templates.apply(arguments);
                CHECK(chat->params().prompt.find(prompt) != std::string::npos);
                CHECK(chat->parse("an answer", false).content == "an answer");
                const std::string variables = R"({"name": ")" + prompt + R"("})";
                CHECK(core::render_template("{{ name }}", variables, "", "") == prompt);
            }
        });
    }
    together(functions);
}

void saving_while_others_evaluate(const World& world) {
    const Context context = new_context(world.model);
    const Context other = new_context(world.model);
    std::atomic<bool> done{false};
    std::mutex mutex;
    const Function save = [&] {
        std::vector<char> state;
        const bool saved = attempt({ErrorKind::kBusy}, [&] {
            core::BusyLock busy(context->busy, "Context");
            state.resize(core::saved_state_size(*context));
            state.resize(core::save_state(*context, state.data(), state.size()));
        });
        if (saved) {
            const std::lock_guard<std::mutex> lock(mutex);
            core::restore_state(*other, state.data(), state.size());
        }
    };
    const Function work = [&] {
        for (int i = 0; i < 10; ++i) {
            for (const Tokens& prompt : world.prompts) {
                attempt({ErrorKind::kBusy}, [&] { evaluate(*context, prompt); });
            }
        }
    };
    together({until(done, save), until(done, save), then_set(done, work)});
    CHECK(generate(world.model, *other, kPrompts[3]) == world.answers[3]);
}

// ---- the log

// Leaked: threads may log until the process ends.
std::mutex& g_lines_mutex = *new std::mutex;
std::set<std::thread::id>& g_loggers = *new std::set<std::thread::id>;
size_t g_n_lines = 0;
bool g_closed = false;

void count_line(core::LogLevel level, const std::string& line) {
    CHECK(level >= core::LogLevel::kDebug && level <= core::LogLevel::kError);
    CHECK(!line.empty() && line.find('\n') == std::string::npos);
    const std::lock_guard<std::mutex> lock(g_lines_mutex);
    CHECK(!g_closed);
    ++g_n_lines;
    g_loggers.insert(std::this_thread::get_id());
}

void closing_the_log_under_loggers(const World& world) {
    const Function work = [&] { load(world.path); };
    const Function close = [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        core::close_log();
        const std::lock_guard<std::mutex> lock(g_lines_mutex);
        g_closed = true;
    };
    together({work, work, work, close});
    CHECK(g_n_lines > 100 && g_loggers.size() > 3);
}

// ---- the end of the process, as with daemon threads of Python

void exiting_under_calls(const World& world) {
    const Context context = new_context(world.model);
    std::atomic<int> n_begun{0};
    for (int i = 0; i < 3; ++i) {
        std::thread([&world, &n_begun] {
            const Context own = new_context(world.model);
            for (;;) {
                core::enter_native_call();
                ++n_begun;
                const bool worked =
                    attempt({ErrorKind::kAborted}, [&] { evaluate(*own, world.prompts[0]); });
                CHECK(worked || core::is_exiting());
                core::stay_away_if_exiting();
                core::leave_native_call();
            }
        }).detach();
    }
    while (n_begun.load() < 10) {
        std::this_thread::yield();
    }
    core::enter_native_call();
    core::begin_exit();
    core::stay_away_if_exiting();  // not in this thread
    core::leave_native_call();
    CHECK(core::is_exiting());
    CHECK(!attempt({ErrorKind::kAborted}, [&] { evaluate(*context, world.prompts[0]); }));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s CPU_BACKEND_LIBRARY MODEL\n", argv[0]);
        return 2;
    }
    core::install_abort_handler();
    core::open_log(count_line);
    core::set_log_level(core::LogLevel::kDebug);
    CHECK(ggml_backend_load(argv[1]) != nullptr);
    llama_backend_init();

    World& world = *new World{argv[2], load(argv[2]), {}, {}};  // for threads that never end
    const Context context = new_context(world.model);
    for (const char* prompt : kPrompts) {
        world.prompts.push_back(core::tokenize(*world.model, prompt, true, true));
        world.answers.push_back(generate(world.model, *context, prompt));
        CHECK(!world.answers.back().empty());
    }

    struct Scenario {
        const char* name;
        void (*run)(const World&);
    };
    const Scenario scenarios[] = {
        {"a context per thread", a_context_per_thread},
        {"one context fought over", one_context_fought_over},
        {"closing under calls", closing_under_calls},
        {"loading and freeing while logging changes", loading_and_freeing_while_logging_changes},
        {"one sampler fought over", one_sampler_fought_over},
        {"grammars side by side", grammars_side_by_side},
        {"one stream fought over", one_stream_fought_over},
        {"tokenizing side by side", tokenizing_side_by_side},
        {"templates side by side", templates_side_by_side},
        {"saving while others evaluate", saving_while_others_evaluate},
        {"closing the log under loggers", closing_the_log_under_loggers},
        {"exiting under calls", exiting_under_calls},
    };
    for (const Scenario& scenario : scenarios) {
        std::printf("%s\n", scenario.name);
        std::fflush(stdout);
        scenario.run(world);
    }
    return 0;
}
