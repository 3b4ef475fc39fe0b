#include "native/engine/engine.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "arg.h"
#include "common.h"
#include "llama.h"
#include "native/core/errors.h"
#include "server-common.h"
#include "server-context.h"
#include "server-http.h"

struct llama_engine {
    common_params params;
    server_context context;
    std::unique_ptr<server_routes> routes;
    std::unordered_map<std::string, server_http_context::handler_t> handlers;
    std::future<void> loop;
};

struct llama_engine_call {
    explicit llama_engine_call(server_http_context::handler_t handler)
        : handler(std::move(handler)),
          should_stop([this] { return cancelled.load(); }),
          request{{}, {}, {}, {}, {}, {}, should_stop} {}

    server_http_context::handler_t handler;
    std::atomic<bool> cancelled{false};
    std::function<bool()> should_stop;
    server_http_req request;
    server_http_res_ptr response;  // it refers to the request
    std::string piece;
    bool ended = false;
};

namespace {

constexpr std::chrono::milliseconds kAskAgain{10};

char* copy_of(const std::string& text) {
    char* copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy != nullptr) {
        std::memcpy(copy, text.c_str(), text.size() + 1);
    }
    return copy;
}

// Collects the errors that llama.cpp logs in this thread, since its functions return none.
class ErrorLines {
  public:
    ErrorLines() {
        llama_log_get(&next_, &next_data_);
        llama_log_set(&ErrorLines::take, this);
    }
    ~ErrorLines() { llama_log_set(next_, next_data_); }
    ErrorLines(const ErrorLines&) = delete;
    ErrorLines& operator=(const ErrorLines&) = delete;

    const std::string& text() const { return text_; }

  private:
    static void take(ggml_log_level level, const char* text, void* self) {
        auto* lines = static_cast<ErrorLines*>(self);
        if (level == GGML_LOG_LEVEL_ERROR) {
            const std::lock_guard<std::mutex> lock(lines->mutex_);
            lines->text_ += text;
        }
        lines->next_(level, text, lines->next_data_);
    }

    ggml_log_callback next_ = nullptr;
    void* next_data_ = nullptr;
    std::mutex mutex_;
    std::string text_;
};

common_params parse(int32_t n_options, const char** options) {
    std::vector<std::string> texts = {"llama-engine"};
    texts.insert(texts.end(), options, options + n_options);
    std::vector<char*> pointers;
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    common_params params;
    if (!common_params_parse(static_cast<int>(pointers.size()), pointers.data(), params,
                             LLAMA_EXAMPLE_SERVER)) {
        throw std::invalid_argument("an option of llama.cpp is wrong");
    }
    return params;
}

// As llama-server's (tools/server/server.cpp).
void complete(common_params& params) {
    if (params.embedding && params.n_batch > params.n_ubatch) {
        params.n_batch = params.n_ubatch;
    }
    if (params.model_alias.empty()) {
        params.model_alias.insert(params.model.get_name());
    }
}

// Without those that reach the server's files, other servers and programs: tools, MCP, the proxy,
// its web page, downloads. Slots are saved below the directory of --slot-save-path only.
void add_handlers(llama_engine& engine) {
    const server_routes& routes = *engine.routes;
    engine.handlers = {
        {"GET /health", routes.get_health},
        {"GET /metrics", routes.get_metrics},
        {"GET /props", routes.get_props},
        {"GET /v1/models", routes.get_models},
        {"GET /slots", routes.get_slots},
        {"POST /slots/:id_slot", routes.post_slots},
        {"GET /lora-adapters", routes.get_lora_adapters},
        {"POST /lora-adapters", routes.post_lora_adapters},
        {"POST /completion", routes.post_completions},
        {"POST /v1/completions", routes.post_completions_oai},
        {"POST /v1/chat/completions", routes.post_chat_completions},
        {"POST /v1/chat/completions/input_tokens", routes.post_chat_completions_tok},
        {"POST /v1/responses", routes.post_responses_oai},
        {"POST /v1/responses/input_tokens", routes.post_responses_tok_oai},
        {"POST /v1/messages", routes.post_anthropic_messages},
        {"POST /v1/messages/count_tokens", routes.post_anthropic_count_tokens},
        {"POST /v1/audio/transcriptions", routes.post_transcriptions_oai},
        {"POST /infill", routes.post_infill},
        {"POST /embedding", routes.post_embeddings},
        {"POST /v1/embeddings", routes.post_embeddings_oai},
        {"POST /v1/rerank", routes.post_rerank},
        {"POST /tokenize", routes.post_tokenize},
        {"POST /detokenize", routes.post_detokenize},
        {"POST /apply-template", routes.post_apply_template},
    };
}

std::unique_ptr<llama_engine> load(int32_t n_options, const char** options, void** devices) {
    auto engine = std::make_unique<llama_engine>();
    engine->params = parse(n_options, options);
    complete(engine->params);
    for (; *devices != nullptr; ++devices) {
        engine->params.devices.push_back(static_cast<ggml_backend_dev_t>(*devices));
    }
    if (!engine->params.devices.empty()) {
        engine->params.devices.push_back(nullptr);
    }
    engine->routes = std::make_unique<server_routes>(engine->params, engine->context);
    if (!engine->context.load_model(engine->params)) {
        throw std::runtime_error("the model cannot be loaded");
    }
    engine->routes->update_meta(engine->context);
    add_handlers(*engine);
    engine->loop =
        std::async(std::launch::async, [pointer = engine.get()] { pointer->context.start_loop(); });
    return engine;
}

// The answer to an exception. Its form is that of llama-server's ex_wrapper().
server_http_res_ptr failure(const std::string& message, error_type type) {
    const json error = format_error_response(message, type);
    auto response = std::make_unique<server_http_res>();
    response->status = json_value(error, "code", 500);
    response->data = safe_json_to_str({{"error", error}});
    return response;
}

// A handler reads the request and queues its tasks, whose errors come as results: the request is to
// blame for an exception. llama-server answers most of them with 500, which clients send again.
server_http_res_ptr answer(llama_engine_call& call) {
    try {
        return call.handler(call.request);
    } catch (const std::bad_alloc&) {
        return failure("out of memory", ERROR_TYPE_SERVER);
    } catch (const std::exception& error) {
        return failure(error.what(), ERROR_TYPE_INVALID_REQUEST);
    } catch (...) {
        return failure("the request cannot be read", ERROR_TYPE_INVALID_REQUEST);
    }
}

}  // namespace

llama_engine* llama_engine_load(int32_t n_options, const char** options, void** devices,
                                char** error) {
    ErrorLines lines;
    try {
        return load(n_options, options, devices).release();
    } catch (...) {
        *error = copy_of(core::describe_current_exception() + "\n" + lines.text());
    }
    return nullptr;
}

void llama_engine_stop(llama_engine* engine) {
    // A loop that has not begun yet does not know of an end that was asked for before.
    do {
        engine->context.terminate();
    } while (engine->loop.wait_for(kAskAgain) != std::future_status::ready);
}

void llama_engine_free(llama_engine* engine) { delete engine; }

void llama_engine_free_text(char* text) { std::free(text); }

llama_engine_call* llama_engine_call_new(llama_engine* engine, const char* route) {
    const auto found = engine->handlers.find(route);
    return found == engine->handlers.end() ? nullptr : new llama_engine_call(found->second);
}

void llama_engine_call_set(llama_engine_call* call, const char* name, const char* value) {
    call->request.params[name] = value;
}

void llama_engine_call_add_file(llama_engine_call* call, const char* name, const char* filename,
                                const char* data, size_t size) {
    call->request.files[name] = {raw_buffer(data, data + size), filename, {}};
}

int32_t llama_engine_call_run(llama_engine_call* call, const char* body, size_t size) {
    call->request.body.assign(body, size);
    call->response = answer(*call);
    return call->cancelled ? 0 : call->response->status;
}

int32_t llama_engine_call_is_stream(llama_engine_call* call) {
    return call->response->is_stream() ? 1 : 0;
}

const char* llama_engine_call_content_type(llama_engine_call* call) {
    return call->response->content_type.c_str();
}

int32_t llama_engine_call_next(llama_engine_call* call, const char** data, size_t* size) {
    if (call->ended) {
        return 0;
    }
    call->piece.clear();
    if (call->response->is_stream()) {
        call->ended = !call->response->next(call->piece);
    } else {
        call->piece = std::move(call->response->data);
        call->ended = true;
    }
    *data = call->piece.data();
    *size = call->piece.size();
    return 1;
}

void llama_engine_call_cancel(llama_engine_call* call) { call->cancelled = true; }

void llama_engine_call_free(llama_engine_call* call) {
    if (call->response != nullptr) {
        call->response->on_complete();
    }
    delete call;
}
