// GBNF grammars.
#ifndef LLAMA_CPP_CORE_GRAMMAR_H_
#define LLAMA_CPP_CORE_GRAMMAR_H_

#include <string>

namespace core {

// Fails with GrammarError, which names line and reason, unless llama.cpp will take the grammar.
//
// llama.cpp's own parser writes its complaint to stderr and returns nothing, overflows the stack on
// deep nesting, and names no line. It runs after this one.
void check_grammar_syntax(const std::string& grammar, const std::string& root);

// Fails with `kind` when brackets nest so deep that a recursive parser would overflow the stack.
// Text in double or single quotes does not count.
void check_nesting(const std::string& text, const char* what);

}  // namespace core

#endif  // LLAMA_CPP_CORE_GRAMMAR_H_
