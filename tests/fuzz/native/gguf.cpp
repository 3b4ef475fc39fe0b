// The beginning of a model file: metadata and the list of tensors. Zeros follow, the weights.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "native/core/chat_templates.h"
#include "native/core/load_model.h"
#include "native/core/sampler.h"
#include "native/core/saved_state.h"
#include "native/core/tokenizer.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {
namespace {

// More than the weights of any file that is so small.
constexpr off_t kZeros = 64 << 20;

// A file in memory that lives as long as this object.
class MemoryFile {
  public:
    // The wheel's C library lacks memfd_create().
    explicit MemoryFile(std::string_view content)
        : descriptor_(static_cast<int>(syscall(SYS_memfd_create, "model", 0))) {
        const auto size = static_cast<ssize_t>(content.size());
        if (descriptor_ < 0 || write(descriptor_, content.data(), content.size()) != size ||
            ftruncate(descriptor_, size + kZeros) != 0) {
            throw std::runtime_error("cannot make a file in memory");
        }
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};

// As `info FILE` of the command line, and as chat formats ask.
void describe(const std::shared_ptr<core::ModelHandle>& model) {
    const llama_model* const native = model->get();
    for (int32_t i = 0; i < llama_model_meta_count(native); ++i) {
        core::read_text([&](char* buffer, size_t size) {
            return llama_model_meta_key_by_index(native, i, buffer, size);
        });
        core::read_text([&](char* buffer, size_t size) {
            return llama_model_meta_val_str_by_index(native, i, buffer, size);
        });
    }
    core::read_text(
        [&](char* buffer, size_t size) { return llama_model_desc(native, buffer, size); });
    if (llama_model_chat_template(native, nullptr) != nullptr) {
        core::ChatArguments arguments{};
        arguments.messages = R"([{"role": "user", "content": "Hi"}])";
        arguments.tool_choice = "auto";
        arguments.reasoning_format = "none";
        core::ChatTemplates(model, "", "<s>", "</s>").apply(arguments);
    }
}

void use_vocabulary(const core::ModelHandle& model) {
    for (llama_token token = 0; token < std::min(model.n_vocab(), 300); ++token) {
        core::token_to_piece(model, token, true, 0);
    }
    for (const char* text :
         {"In the beginning", "Gr\xC3\xBC\xC3\x9F\x65 \xF0\x9F\x98\x80 <s></s>", " \n\t ", ""}) {
        core::detokenize(model, core::tokenize(model, text, true, true), false, true);
    }
}

void evaluate(const std::shared_ptr<core::ModelHandle>& model) {
    const auto context = new_context(model);
    const std::vector<llama_token> tokens = {1, 2, 3, 4};
    if (llama_model_has_encoder(model->get())) {
        context->encode(tokens);
    }
    if (!llama_model_has_decoder(model->get())) {
        return;
    }
    context->decode_sequences({tokens}, false);
    core::Sampler sampler(model, common_params_sampling());
    const llama_token token = sampler.sample(*context, -1);
    core::token_to_piece(*model, token, true, 0);
    context->decode(&token, 1, static_cast<llama_pos>(tokens.size()), 0, core::Outputs::kLast);
    std::vector<char> state(core::saved_state_size(*context));
    core::save_state(*context, state.data(), state.size());
}

std::shared_ptr<core::ModelHandle> load(const MemoryFile& file, bool vocab_only) {
    core::ModelParams params;
    params.plain.vocab_only = vocab_only;
    return core::load_model(file.path(), params, {});
}

}  // namespace

void prepare() {}

void run(std::string_view input) {
    const MemoryFile file(input);
    std::exception_ptr refusal;
    const auto attempt = [&refusal](const std::function<void()>& step) {
        try {
            step();
        } catch (const core::Error&) {
            refusal = std::current_exception();
        }
    };
    attempt([&] { use_vocabulary(*load(file, true)); });
    attempt([&] {
        const auto model = load(file, false);
        attempt([&] { describe(model); });
        evaluate(model);
    });
    if (refusal) {
        std::rethrow_exception(refusal);
    }
}

}  // namespace fuzz
