// Edits of a sound saved state: place, length, and so many bytes. The checksum is put right, so
// that llama.cpp reads the bytes; behind the edits may stand a length at which the state is cut.
#include "native/core/saved_state.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "native/core/tokenizer.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {
namespace {

constexpr size_t kHeader = 40;  // native/core/saved_state.cpp

struct World {
    std::shared_ptr<core::ModelHandle> model;
    std::shared_ptr<core::ContextHandle> context;
    std::string body;  // of the sound state
};

World& world() {
    static World one;
    return one;
}

std::string save(core::ContextHandle& context) {
    std::string state(core::saved_state_size(context), '\0');
    state.resize(core::save_state(context, state.data(), state.size()));
    return state;
}

// Edits: a place, a length, and the bytes. The place counts from the end of the last edit.
std::string edited(std::string body, Parts& parts) {
    size_t place = 0;
    while (!parts.rest().empty()) {
        place += parts.number();
        const std::string_view bytes = parts.bytes(parts.byte());
        if (bytes.empty()) {
            body.resize(std::min(place, body.size()));
            break;
        }
        if (place >= body.size()) {
            break;
        }
        const size_t size = std::min(bytes.size(), body.size() - place);
        body.replace(place, size, bytes.substr(0, size));
        place += size;
    }
    return body;
}

void restore(core::ContextHandle& context, const std::string& body) {
    const size_t read = context.call(core::ErrorKind::kState, [&] {
        return llama_state_set_data(context.get(), reinterpret_cast<const uint8_t*>(body.data()),
                                    body.size());
    });
    if (read != body.size()) {
        context.call(core::ErrorKind::kState, [&] { llama_memory_clear(context.memory(), true); });
        throw core::Error(core::ErrorKind::kState, "the state does not fit");
    }
}

}  // namespace

void prepare() {
    world().model = open_model(environment("MODEL"));
    world().context = new_context(world().model);
    const auto tokens = core::tokenize(*world().model, "In the beginning", true, true);
    world().context->decode_sequences({tokens}, false);
    world().body = save(*world().context).substr(kHeader);
}

void run(std::string_view input) {
    Parts parts(input);
    core::ContextHandle& context = *world().context;
    try {
        restore(context, edited(world().body, parts));
        const llama_pos next = llama_memory_seq_pos_max(context.memory(), 0) + 1;
        const llama_token token = 5;
        context.decode(&token, 1, next, 0, core::Outputs::kLast);
        save(context);
    } catch (const core::Error&) {
        world().context = new_context(world().model);
        throw;
    }
}

}  // namespace fuzz
