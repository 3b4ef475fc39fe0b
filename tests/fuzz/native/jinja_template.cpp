// A Jinja template, a NUL, and its variables as JSON.
#include <string>

#include "native/core/chat_templates.h"
#include "tests/fuzz/native/target.h"

namespace fuzz {

void prepare() {}

void run(std::string_view input) {
    Parts parts(input);
    const std::string source = parts.text();
    const std::string variables(parts.rest());
    core::render_template(source, variables.empty() ? "{}" : variables, "<s>", "</s>");
}

}  // namespace fuzz
