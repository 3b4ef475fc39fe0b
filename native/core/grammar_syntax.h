// The GBNF checker.
#ifndef NATIVE_CORE_GRAMMAR_SYNTAX_H_
#define NATIVE_CORE_GRAMMAR_SYNTAX_H_

#include <string>

#include "llama.h"

namespace core {

// Fails with GrammarError, which names line, column and reason, if llama.cpp's parser would refuse
// the grammar.
//
// That parser follows this one. It is not enough alone: it writes its error to stderr, where nobody
// can read it back, names no line, and overflows the stack on deep nesting.
//
// Without a vocabulary the names of tokens, as in <think>, are taken as they are.
void check_grammar_syntax(const std::string& grammar, const std::string& root,
                          const llama_vocab* vocab);

}  // namespace core

#endif  // NATIVE_CORE_GRAMMAR_SYNTAX_H_
