// sample_chain(): drawing a token with a sampler chain that Python made through ctypes.
#include "llama.h"
#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/init.h"

namespace py = pybind11;

namespace core {
namespace {

llama_token sample_chain(uintptr_t chain, const Context& context, int32_t index) {
    return with_context(context, [&](ContextHandle& handle) {
        return handle.call(ErrorKind::kLlama, [&] {
            if (llama_get_logits_ith(handle.get(), index) == nullptr) {
                throw Error(ErrorKind::kIndex, format("the context has no logits at %d", index));
            }
            return llama_sampler_sample(reinterpret_cast<llama_sampler*>(chain), handle.get(),
                                        index);
        });
    });
}

}  // namespace

void init_sampler_chain(py::module_& m) {
    m.def("sample_chain", &sample_chain, py::arg("chain"), py::arg("context"), py::arg("index"),
          R"(
          Draws a token and accepts it.

          Args:
            chain: Address of a ``llama_sampler``. Its last sampler selects a token.
            context: The context.
            index: Place of the token in the last batch whose logits count; -1: the last output.

          Raises:
            IndexError: There are no logits of that token.
            LlamaError: llama.cpp fails.
          )"_doc);
}

}  // namespace core
