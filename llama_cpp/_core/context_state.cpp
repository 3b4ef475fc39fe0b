// The methods of Context that save and restore its memory.
//
// llama.cpp trusts the bytes that it restores. They are therefore wrapped: a header says how long
// they are, what they hash to and of which model they are, and nothing else reaches llama.cpp.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "llama_cpp/_core/context.h"
#include "llama_cpp/_core/gil.h"
#include "llama_cpp/_core/log.h"

namespace py = pybind11;

namespace core {
namespace {

constexpr char kMagic[8] = {'L', 'C', 'P', 'S', 'T', 'A', 'T', 'E'};
constexpr uint32_t kVersion = 1;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t reserved;
    uint64_t size;   // of what follows
    uint64_t hash;   // of what follows
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
        uint64_t word;
        std::memcpy(&word, data, sizeof(word));
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, data, size);
    return mix(hash, rest);
}

uint64_t fingerprint(const llama_model* model) {
    uint64_t hash = mix(0, llama_model_n_params(model));
    hash = mix(hash, llama_model_size(model));
    hash = mix(hash, static_cast<uint64_t>(llama_model_n_layer(model)));
    hash = mix(hash, static_cast<uint64_t>(llama_model_n_embd(model)));
    return mix(hash, static_cast<uint64_t>(llama_model_n_head_kv(model)));
}

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kState, message); }

size_t native_size(ContextHandle& context) {
    context.check_usable();
    return context.call(ErrorKind::kState, [&] { return llama_state_get_size(context.get()); });
}

size_t state_size(const Context& self) {
    return with_context(
        self, [](ContextHandle& context) { return sizeof(Header) + native_size(context); });
}

// Fills the whole of `buffer`; returns how many bytes the state took.
size_t write_state(ContextHandle& context, char* buffer, size_t capacity) {
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

py::bytes state_get(const Context& self) {
    // Held over both steps, so that the size stays true.
    const auto handle = self.get();
    BusyLock busy(handle->busy, "Context");
    const size_t capacity = [&] {
        GilRelease release;
        return sizeof(Header) + native_size(*handle);
    }();
    PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(capacity));
    if (bytes == nullptr) {
        throw py::error_already_set();
    }
    auto result = py::reinterpret_steal<py::bytes>(bytes);
    size_t written;
    {
        GilRelease release;
        written = write_state(*handle, PyBytes_AS_STRING(bytes), capacity);
    }
    if (written != capacity) {
        return py::bytes(PyBytes_AS_STRING(bytes), written);
    }
    return result;
}

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

void state_set(const Context& self, const py::bytes& state) {
    char* data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(state.ptr(), &data, &size) != 0) {
        throw py::error_already_set();
    }
    if (static_cast<size_t>(size) < sizeof(Header)) {
        refuse(format("this is not a saved state: %zd bytes are too few", size));
    }
    Header header;
    std::memcpy(&header, data, sizeof(header));
    const char* const body = data + sizeof(Header);
    const size_t body_size = static_cast<size_t>(size) - sizeof(Header);
    with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        check_header(header, body, body_size, context.model()->get());
        context.forget_outputs();
        restore(context, body, body_size);
    });
}

}  // namespace

void bind_context_state(ContextClass& cls) {
    cls.def("state_size", &state_size, "Bytes that state_get() returns now.");
    cls.def("state_get", &state_get,
            "Save the memory of all sequences; see state_set(). Logits are not part of it.");
    cls.def("state_set", &state_set, py::arg("state"),
            "Restore what state_get() returned, in a context of the same model and shape.\n\n"
            "There are no outputs afterwards until the next decode(). StateError for damaged or\n"
            "foreign bytes leaves the context as it was; for a state that does not fit, empty.");
}

}  // namespace core
