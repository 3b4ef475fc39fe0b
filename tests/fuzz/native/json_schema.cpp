// The text of a JSON schema. Its grammar must be one that llama.cpp takes.
#include <string>

#include "json-schema-to-grammar.h"
#include "native/core/grammar_syntax.h"
#include "native/core/json_text.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {

void prepare() {}

void run(std::string_view input) {
    using core::ErrorKind;
    const std::string grammar = core::call_native(ErrorKind::kGrammar, [&] {
        return json_schema_to_grammar(
            core::parse_json(std::string(input), ErrorKind::kGrammar, "the schema"));
    });
    core::check_grammar_syntax(grammar, "root", nullptr);
}

}  // namespace fuzz
