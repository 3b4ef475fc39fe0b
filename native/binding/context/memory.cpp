// The methods of Context about its memory: which positions of which sequence it holds.
#include <pybind11/pybind11.h>

#include <climits>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/doc.h"

namespace py = pybind11;

namespace core {
namespace {

void memory_clear(const Context& self, bool data) {
    with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        context.call(ErrorKind::kContext, [&] { llama_memory_clear(context.memory(), data); });
    });
}

bool seq_rm(const Context& self, llama_seq_id seq_id, llama_pos p0, llama_pos p1) {
    return with_context(self,
                        [&](ContextHandle& context) { return context.seq_rm(seq_id, p0, p1); });
}

// Between sequences with a cache of their own each, llama.cpp copies whole sequences only.
void check_whole_sequence(const ContextHandle& context, llama_seq_id src, llama_pos p0,
                          llama_pos p1) {
    const llama_pos last = llama_memory_seq_pos_max(context.memory(), src);
    const bool is_whole = p0 <= 0 && (p1 < 0 || p1 > last);
    if (!context.kv_unified() && !is_whole) {
        throw Error(ErrorKind::kContext,
                    "without kv_unified only whole sequences can be copied: pass p0=-1, p1=-1, or "
                    "create the context with kv_unified");
    }
}

void seq_cp(const Context& self, llama_seq_id src, llama_seq_id dst, llama_pos p0, llama_pos p1) {
    with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        context.check_seq_id(src);
        context.check_seq_id(dst);
        if (src == dst || context.memory() == nullptr) {
            return;
        }
        check_whole_sequence(context, src, p0, p1);
        const bool copy_all = !context.kv_unified();
        context.call(ErrorKind::kContext, [&] {
            llama_memory_seq_cp(context.memory(), src, dst, copy_all ? -1 : p0, copy_all ? -1 : p1);
        });
    });
}

void seq_keep(const Context& self, llama_seq_id seq_id) {
    with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        context.check_seq_id(seq_id);
        context.call(ErrorKind::kContext, [&] { llama_memory_seq_keep(context.memory(), seq_id); });
    });
}

void seq_add(const Context& self, llama_seq_id seq_id, llama_pos p0, llama_pos p1,
             llama_pos delta) {
    with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        context.check_seq_id(seq_id);
        if (delta == 0) {
            return;
        }
        if (!llama_memory_can_shift(context.memory())) {
            throw Error(ErrorKind::kContext,
                        "the positions of this model cannot be shifted (memory_can_shift() is "
                        "False): remove the sequence and evaluate it again");
        }
        const long long last = llama_memory_seq_pos_max(context.memory(), seq_id);
        if (last + delta > INT_MAX) {
            throw Error(ErrorKind::kContext,
                        format("delta = %d moves positions out of range", delta));
        }
        context.call(ErrorKind::kContext,
                     [&] { llama_memory_seq_add(context.memory(), seq_id, p0, p1, delta); });
    });
}

template <typename Getter>
llama_pos seq_pos(const Context& self, llama_seq_id seq_id, Getter getter) {
    return with_context(self, [&](ContextHandle& context) {
        context.check_usable();
        context.check_seq_id(seq_id);
        return context.call(ErrorKind::kContext, [&] { return getter(context.memory(), seq_id); });
    });
}

}  // namespace

void bind_context_memory(ContextClass& cls) {
    cls.def("memory_clear", &memory_clear, py::arg("data") = true,
            R"(
            Removes all sequences.

            Args:
              data: Whether to overwrite the buffers too.
            )"_doc);
    cls.def("seq_rm", &seq_rm, py::arg("seq_id"), py::arg("p0"), py::arg("p1"),
            R"(
            Removes the positions p0 <= p < p1 of a sequence.

            Args:
              seq_id: The sequence; -1: all of them.
              p0: First position; -1: 0.
              p1: Position after the last one; -1: no limit.

            Returns:
              False if the model cannot remove this part of the sequence (recurrent models, which
              with ContextParams.n_rs_seq can take back the last tokens of the last decode() but its
              first one). Then nothing is removed.
            )"_doc);
    cls.def("seq_cp", &seq_cp, py::arg("src"), py::arg("dst"), py::arg("p0"), py::arg("p1"),
            R"(
            Adds the positions p0 <= p < p1 of one sequence to another one.

            Args:
              src: Sequence to copy from.
              dst: Sequence to copy to.
              p0: First position; -1: 0.
              p1: Position after the last one; -1: no limit.

            Raises:
              ContextError: There is no such sequence, or without ContextParams.kv_unified the range
                is only a part of a sequence.
            )"_doc);
    cls.def("seq_keep", &seq_keep, py::arg("seq_id"), "Removes all other sequences.");
    cls.def("seq_add", &seq_add, py::arg("seq_id"), py::arg("p0"), py::arg("p1"), py::arg("delta"),
            R"(
            Adds a number to the positions p0 <= p < p1 of a sequence.

            Args:
              seq_id: The sequence.
              p0: First position; -1: 0.
              p1: Position after the last one; -1: no limit.
              delta: Number to add. Positions that become negative are removed.

            Raises:
              ContextError: memory_can_shift() is False, or a position becomes too great.
            )"_doc);
    cls.def(
        "seq_pos_min",
        [](const Context& self, llama_seq_id seq_id) {
            return seq_pos(self, seq_id, &llama_memory_seq_pos_min);
        },
        py::arg("seq_id"), "Returns the first position of a sequence, or -1.");
    cls.def(
        "seq_pos_max",
        [](const Context& self, llama_seq_id seq_id) {
            return seq_pos(self, seq_id, &llama_memory_seq_pos_max);
        },
        py::arg("seq_id"), "Returns the last position of a sequence, or -1.");
    cls.def(
        "memory_can_shift",
        [](const Context& self) {
            return with_context(self, [](ContextHandle& context) {
                return llama_memory_can_shift(context.memory());
            });
        },
        "Returns whether seq_add() works with this model.");
}

}  // namespace core
