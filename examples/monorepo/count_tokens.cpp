// Counts the tokens of a text: count_tokens MODEL TEXT. Needs the model's vocabulary and no
// backend.
#include <cstdio>
#include <memory>
#include <string>

#include "llama.h"

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: count_tokens MODEL TEXT\n");
        return 2;
    }
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    std::unique_ptr<llama_model, decltype(&llama_model_free)> model(
        llama_model_load_from_file(argv[1], params), llama_model_free);
    if (!model) {
        std::fprintf(stderr, "count_tokens: %s cannot be loaded\n", argv[1]);
        return 1;
    }
    const std::string text = argv[2];
    // Without a buffer it answers with the number that it needs, as a negative one.
    const int needed = -llama_tokenize(llama_model_get_vocab(model.get()), text.data(),
                                       static_cast<int>(text.size()), nullptr, 0, true, true);
    std::printf("%d tokens\n", needed);
    return needed > 0 ? 0 : 1;
}
