#include "native/core/saved_state.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "native/core/interrupt.h"
#include "native/core/log.h"

namespace core {
namespace {

constexpr char kMagic[8] = {'L', 'C', 'P', 'S', 'T', 'A', 'T', 'E'};
constexpr uint32_t kVersion = 1;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t reserved;
    uint64_t size;   // of the bytes behind the header
    uint64_t hash;   // of the bytes behind the header
    uint64_t model;  // fingerprint
};
static_assert(sizeof(Header) == 40, "the header is stored as it lies in memory");

uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
    return hash ^ (hash >> 32);
}

// Against damage, not against intent.
uint64_t hash_bytes(const char* data, size_t size) {
    uint64_t hash = mix(0, size);
    for (; size >= sizeof(uint64_t); data += sizeof(uint64_t), size -= sizeof(uint64_t)) {
        if (size % (1 << 20) < sizeof(uint64_t)) {
            poll_interrupt();
        }
        uint64_t word;
        std::memcpy(&word, data, sizeof(word));
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, data, size);
    return mix(hash, rest);
}

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kState, message); }

void check_header(const Header& header, const char* body, size_t body_size,
                  const llama_model* model) {
    if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
        refuse("this is not a saved state: pass the bytes that state_get() returned");
    }
    if (header.version != kVersion) {
        refuse(format("this state has format version %u and this build reads %u: save it again",
                      header.version, kVersion));
    }
    if (header.size != body_size || header.hash != hash_bytes(body, body_size)) {
        refuse(
            "this saved state is damaged or truncated (its length or checksum is wrong): use "
            "another copy or evaluate the prompt again");
    }
    if (header.model != fingerprint(model)) {
        refuse(
            "this state was saved with another model: load that model, or evaluate the prompt "
            "again");
    }
}

void restore(ContextHandle& context, const char* body, size_t size) {
    LogCapture log;
    const size_t read = context.call(ErrorKind::kState, [&] {
        return llama_state_set_data(context.get(), reinterpret_cast<const uint8_t*>(body), size);
    });
    if (read != size) {
        context.call(ErrorKind::kState, [&] { llama_memory_clear(context.memory(), true); });
        refuse("this state does not fit this context, which is empty now: " + log.take() +
               ". Create the context with the n_ctx, n_seq_max, kv_unified, type_k, type_v and "
               "flash_attn_type that it was saved with");
    }
}

}  // namespace

uint64_t fingerprint(const llama_model* model) {
    uint64_t hash = mix(0, llama_model_n_params(model));
    hash = mix(hash, llama_model_size(model));
    hash = mix(hash, static_cast<uint64_t>(llama_model_n_layer(model)));
    hash = mix(hash, static_cast<uint64_t>(llama_model_n_embd(model)));
    return mix(hash, static_cast<uint64_t>(llama_model_n_head_kv(model)));
}

size_t saved_state_size(ContextHandle& context) {
    context.check_usable();
    return sizeof(Header) +
           context.call(ErrorKind::kState, [&] { return llama_state_get_size(context.get()); });
}

size_t save_state(ContextHandle& context, char* buffer, size_t capacity) {
    LogCapture log;
    char* const body = buffer + sizeof(Header);
    const size_t size = context.call(ErrorKind::kState, [&] {
        return llama_state_get_data(context.get(), reinterpret_cast<uint8_t*>(body),
                                    capacity - sizeof(Header));
    });
    if (size == 0) {
        refuse("the state cannot be saved: " + log.take());
    }
    Header header{
        {}, kVersion, 0, size, hash_bytes(body, size), fingerprint(context.model()->get())};
    std::memcpy(header.magic, kMagic, sizeof(kMagic));
    std::memcpy(buffer, &header, sizeof(header));
    return sizeof(Header) + size;
}

void restore_state(ContextHandle& context, const char* state, size_t size) {
    context.check_usable();
    if (size < sizeof(Header)) {
        refuse(format("this is not a saved state: %zu bytes are too few", size));
    }
    Header header;
    std::memcpy(&header, state, sizeof(header));
    const char* const body = state + sizeof(Header);
    const size_t body_size = size - sizeof(Header);
    check_header(header, body, body_size, context.model()->get());
    context.forget_outputs();
    restore(context, body, body_size);
}

}  // namespace core
