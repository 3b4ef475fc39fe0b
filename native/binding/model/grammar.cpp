// Functions about grammars that need no model.
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "json-schema-to-grammar.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/core/grammar_syntax.h"
#include "native/core/json_text.h"
#include "native/core/log.h"
#include "native/core/sampler.h"

namespace py = pybind11;

namespace core {
namespace {

std::string schema_to_grammar(const std::string& schema) {
    return call_without_gil(ErrorKind::kGrammar, [&] {
        return json_schema_to_grammar(
            parse_json(schema, ErrorKind::kGrammar, "the text of the schema"));
    });
}

void check_grammar(const std::string& grammar, const std::string& root) {
    GilRelease release;
    check_grammar_syntax(grammar, root, nullptr);
    if (grammar.find('<') != std::string::npos) {
        return;  // it may name tokens, which only a vocabulary knows
    }
    LogCapture log;
    const llama_sampler_ptr sampler = call_native(ErrorKind::kGrammar, [&] {
        return llama_sampler_ptr(
            llama_sampler_init_grammar(nullptr, grammar.c_str(), root.c_str()));
    });
    if (sampler == nullptr) {
        throw Error(ErrorKind::kGrammar, "llama.cpp refuses the grammar: " + log.take());
    }
}

}  // namespace

void init_grammar(py::module_& m) {
    m.def(
        "json_schema_to_grammar",
        [](const std::string& schema) { return to_str(schema_to_grammar(schema)); },
        py::arg("schema"),
        R"(
        Converts a JSON schema into a GBNF grammar for the JSON texts that it describes.

        Args:
          schema: JSON text of the schema.

        Raises:
          GrammarError: The text is invalid JSON, or the grammar cannot express the schema.
        )"_doc);
    m.def("check_grammar", &check_grammar, py::arg("grammar"), py::arg("root") = "root",
          R"(
          Validates a GBNF grammar.

          Args:
            grammar: The grammar.
            root: Name of the rule with which it starts.

          Raises:
            GrammarError: The grammar is invalid. The message has line, column and reason.
          )"_doc);
}

}  // namespace core
