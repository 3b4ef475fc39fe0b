// Generates a few words with llama.cpp's C API: generate BACKEND_FILE MODEL PROMPT.
//
// BACKEND_FILE is any file in the folder of ggml's CPU variants. Exit status 0 means that text came
// out.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ggml-backend.h"
#include "llama.h"

namespace {

constexpr int kMaxTokens = 16;

using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;
using Sampler = std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)>;

// ggml's threads wait for each other by spinning: more of them than cores costs a hundredfold.
llama_context_params context_params() {
    llama_context_params params = llama_context_default_params();
    params.n_threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency() / 2));
    params.n_threads_batch = params.n_threads;
    return params;
}

std::vector<llama_token> tokenize(const llama_vocab* vocab, const std::string& text) {
    std::vector<llama_token> tokens(text.size() + 2);
    const int count = llama_tokenize(vocab, text.data(), static_cast<int>(text.size()),
                                     tokens.data(), static_cast<int>(tokens.size()), true, false);
    tokens.resize(count > 0 ? count : 0);
    return tokens;
}

std::string piece(const llama_vocab* vocab, llama_token token) {
    char buffer[128];
    const int size = llama_token_to_piece(vocab, token, buffer, sizeof buffer, 0, false);
    return std::string(buffer, size > 0 ? size : 0);
}

std::string generate(llama_model* model, llama_context* context, const std::string& prompt) {
    const llama_vocab* vocab = llama_model_get_vocab(model);
    const Sampler greedy(llama_sampler_init_greedy(), llama_sampler_free);
    std::vector<llama_token> tokens = tokenize(vocab, prompt);
    std::string text;
    for (int i = 0; i < kMaxTokens; ++i) {
        if (llama_decode(context,
                         llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size())))) {
            break;
        }
        const llama_token next = llama_sampler_sample(greedy.get(), context, -1);
        if (llama_vocab_is_eog(vocab, next)) {
            break;
        }
        text += piece(vocab, next);
        tokens = {next};
    }
    return text;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s BACKEND_FILE MODEL PROMPT\n", argv[0]);
        return 2;
    }
    const auto folder = std::filesystem::u8path(argv[1]).parent_path();
    ggml_backend_load_all_from_path(folder.u8string().c_str());
    const Model model(llama_model_load_from_file(argv[2], llama_model_default_params()),
                      llama_model_free);
    if (!model) {
        std::fprintf(stderr, "%s can't be loaded\n", argv[2]);
        return 1;
    }
    const Context context(llama_init_from_model(model.get(), context_params()), llama_free);
    const std::string text = context ? generate(model.get(), context.get(), argv[3]) : "";
    std::printf("%s%s\n", argv[3], text.c_str());
    return text.empty() ? 1 : 0;
}
