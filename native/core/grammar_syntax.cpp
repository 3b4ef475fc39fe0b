#include "native/core/grammar_syntax.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "native/core/errors.h"
#include "unicode.h"

namespace core {
namespace {

// llama.cpp's own limit on {m,n}, and our limits on the depth of its recursive functions.
constexpr uint64_t kMostRepetitions = 2000;
constexpr int kDeepestGroup = 200;
constexpr int kLongestChain = 1000;

// llama.cpp expands repetitions to elements and named rules; these limit their size.
constexpr uint64_t kMostBytes = 1u << 28;
constexpr uint64_t kElementBytes = 8;
constexpr uint64_t kRuleBytes = 128;

constexpr uint64_t kUnbounded = UINT64_MAX;

constexpr size_t kExcerpt = 60;  // bytes of the grammar in a message

// The part of a rule that decides which rules can stand at its beginning.
struct Element {
    enum Kind { kTerminal, kReference, kAlternative };
    Kind kind;
    size_t rule;  // of a reference
};

struct Rule {
    std::string name;
    size_t position = 0;  // of the first mention
    bool is_defined = false;
    std::vector<Element> elements;
};

// A rule that stands at the beginning of another one; it `grows` the stack if something follows.
struct Beginning {
    size_t rule;
    bool grows;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

class Checker {
  public:
    Checker(const std::string& text, const llama_vocab* vocab) : text_(text), vocab_(vocab) {}

    void check(const std::string& root) {
        if (text_.find('\0') != std::string::npos) {
            fail(text_.find('\0'), "a NUL character");
        }
        check_utf8();
        skip_space(true);
        while (!at_end()) {
            parse_rule();
        }
        check_references(root);
        check_left_recursion();
        check_hidden_left_recursion();
    }

  private:
    [[noreturn]] void fail(size_t position, const std::string& reason) const {
        const size_t end = std::min(position, text_.size());
        const auto line = 1 + std::count(text_.begin(), text_.begin() + end, '\n');
        const size_t newline = end == 0 ? std::string::npos : text_.rfind('\n', end - 1);
        const size_t start = newline == std::string::npos ? 0 : newline + 1;
        const size_t excerpt = end - std::min<size_t>(end - start, kExcerpt / 2);
        const size_t length = std::min(text_.find('\n', end), text_.size()) - excerpt;
        throw Error(ErrorKind::kGrammar,
                    format("invalid grammar at line %ld, column %zu: %s, near `%s`",
                           static_cast<long>(line), end - start + 1, reason.c_str(),
                           text_.substr(excerpt, std::min<size_t>(length, kExcerpt)).c_str()));
    }

    // llama.cpp's parser takes the bytes behind the first one of a character as they are.
    void check_utf8() const {
        for (size_t at = 0; at < text_.size();) {
            const utf8_parse_result character = common_parse_utf8_codepoint(text_, at);
            if (character.status != utf8_parse_result::SUCCESS) {
                fail(at, "bytes that are not UTF-8");
            }
            at += character.bytes_consumed;
        }
    }

    bool at_end() const { return position_ >= text_.size(); }
    char peek(size_t offset = 0) const {
        return position_ + offset < text_.size() ? text_[position_ + offset] : '\0';
    }
    bool take(char c) {
        if (peek() != c) {
            return false;
        }
        ++position_;
        return true;
    }
    void expect(char c) {
        if (!take(c)) {
            fail(position_, format("expecting '%c'", c));
        }
    }

    void skip_space(bool newlines) {
        for (;; ++position_) {
            if (peek() == '#') {
                while (!at_end() && peek() != '\n' && peek() != '\r') {
                    ++position_;
                }
            }
            const bool is_newline = peek() == '\n' || peek() == '\r';
            if (peek() != ' ' && peek() != '\t' && !(newlines && is_newline)) {
                return;
            }
        }
    }

    std::string parse_name() {
        const size_t start = position_;
        while (is_word(peek())) {
            ++position_;
        }
        if (position_ == start) {
            fail(start, "expecting a rule name (letters, digits, '-')");
        }
        return text_.substr(start, position_ - start);
    }

    uint64_t parse_number() {
        const size_t start = position_;
        uint64_t value = 0;
        while (is_digit(peek())) {
            value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(peek() - '0'), 1u << 30);
            ++position_;
        }
        if (position_ == start) {
            fail(start, "expecting a number");
        }
        return value;
    }

    size_t rule_of(const std::string& name, size_t position) {
        const auto [entry, is_new] = names_.emplace(name, rules_.size());
        if (is_new) {
            rules_.push_back({name, position, false, {}});
        }
        return entry->second;
    }

    // A rule that the grammar does not name: a group, or a repetition.
    size_t add_hidden_rule(const std::string& owner, size_t position) {
        rules_.push_back({owner, position, true, {}});
        return rules_.size() - 1;
    }

    void parse_rule() {
        const size_t start = position_;
        const std::string name = parse_name();
        skip_space(false);
        if (text_.compare(position_, 3, "::=") != 0) {
            fail(position_, "expecting '::=' after the rule name '" + name + "'");
        }
        position_ += 3;
        skip_space(true);
        const size_t rule = rule_of(name, start);
        rules_[rule].is_defined = true;
        parse_alternatives(rule, name, 0);
        if (!at_end() && peek() != '\n' && peek() != '\r') {
            fail(position_, "expecting a newline or the end");
        }
        skip_space(true);
    }

    void parse_alternatives(size_t rule, const std::string& name, int depth) {
        if (depth > kDeepestGroup) {
            fail(position_, format("groups nest deeper than %d levels", kDeepestGroup));
        }
        std::vector<Element> elements;
        parse_sequence(elements, name, depth);
        while (take('|')) {
            skip_space(true);
            elements.push_back({Element::kAlternative, 0});
            parse_sequence(elements, name, depth);
        }
        rules_[rule].elements = std::move(elements);
    }

    void parse_sequence(std::vector<Element>& elements, const std::string& name, int depth) {
        size_t last = elements.size();  // where the item that */+/?/{} repeats begins
        uint64_t n_last = 0;            // llama.cpp's elements of that item
        for (;;) {
            const size_t start = position_;
            const char c = peek();
            if (is_word(c)) {
                const std::string reference = parse_name();
                last = elements.size();
                n_last = 1;
                elements.push_back({Element::kReference, rule_of(reference, start)});
            } else if (c == '(') {
                ++position_;
                skip_space(true);
                const size_t group = add_hidden_rule(name, start);
                parse_alternatives(group, name, depth + 1);
                expect(')');
                last = elements.size();
                n_last = 1;
                elements.push_back({Element::kReference, group});
            } else if (c == '*' || c == '+' || c == '?' || c == '{') {
                parse_repetition(elements, last, name, n_last);
            } else if (c != '\0' && std::strchr("\"[.<!", c) != nullptr) {
                last = elements.size();
                n_last = parse_terminal();
                if (n_last > 0) {
                    elements.push_back({Element::kTerminal, 0});
                }
            } else {
                return;
            }
            skip_space(depth > 0);
        }
    }

    // Returns the number of llama.cpp's elements: "" and [] have none.
    uint64_t parse_terminal() {
        const size_t start = position_;
        switch (peek()) {
            case '.':
                ++position_;
                return 1;
            case '"':
                ++position_;
                return parse_characters('"', start);
            case '[':
                ++position_;
                take('^');
                return parse_class(start);
            default:
                take('!');
                parse_token();
                return 1;
        }
    }

    size_t parse_characters(char end, size_t start) {
        size_t count = 0;
        for (; !take(end); ++count) {
            parse_character(start);
        }
        return count;
    }

    size_t parse_class(size_t start) {
        size_t count = 0;
        for (; !take(']'); ++count) {
            parse_character(start);
            if (peek() == '-' && peek(1) != ']') {
                ++position_;
                parse_character(start);
                ++count;
            }
        }
        return count;
    }

    void parse_character(size_t start) {
        if (at_end()) {
            fail(start, "unexpected end of input: what begins here is not closed");
        }
        if (peek() != '\\') {
            ++position_;
            while ((static_cast<unsigned char>(peek()) & 0xC0) == 0x80) {
                ++position_;  // the rest of a UTF-8 character
            }
            return;
        }
        const size_t escape = position_;
        const char kind = peek(1);
        position_ += 2;
        const int n_hex = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        for (int i = 0; i < n_hex; ++i, ++position_) {
            if (!is_hex(peek())) {
                fail(escape, format("expecting %d hex digits after \\%c", n_hex, kind));
            }
        }
        if (n_hex == 0 && (kind == '\0' || std::strchr("trn\\\"[]-", kind) == nullptr)) {
            fail(escape, "unknown escape; there are \\x \\u \\U \\t \\r \\n \\\\ \\\" \\[ \\] \\-");
        }
    }

    // <text of a token> or <[id]>
    void parse_token() {
        const size_t start = position_;
        expect('<');
        if (take('[')) {
            parse_number();
            expect(']');
            expect('>');
            return;
        }
        while (!take('>')) {
            if (at_end()) {
                fail(start, "unexpected end of input: what begins here is not closed");
            }
            ++position_;
        }
        check_token_name(start);
    }

    void check_token_name(size_t start) const {
        if (vocab_ == nullptr) {
            return;
        }
        const std::string name = text_.substr(start, position_ - start);
        llama_token tokens[2];
        const int32_t n_tokens = llama_tokenize(
            vocab_, name.data(), static_cast<int32_t>(name.size()), tokens, 2, false, true);
        if (n_tokens != 1) {
            fail(start, "the vocabulary has no token " + name);
        }
    }

    void parse_repetition(std::vector<Element>& elements, size_t last, const std::string& name,
                          uint64_t& n_last) {
        const size_t start = position_;
        uint64_t least = 0;
        uint64_t most = kUnbounded;
        switch (text_[position_++]) {
            case '+':
                least = 1;
                break;
            case '?':
                most = 1;
                break;
            case '{':
                parse_bounds(least, most);
                break;
            default:
                break;
        }
        if (last == elements.size()) {
            fail(start, "expecting an item in front of * + ? {");
        }
        if (least > kMostRepetitions) {
            fail(start, format("more than %llu repetitions",
                               static_cast<unsigned long long>(kMostRepetitions)));
        }
        if (most < least) {
            fail(start, "the greatest number of repetitions is less than the least");
        }
        count_repetition(start, least, most, name, n_last);
        repeat(elements, last, least, most, add_hidden_rule(name, start));
    }

    // Afterwards `n_last` is the size of the repeated item.
    void count_repetition(size_t start, uint64_t least, uint64_t most, const std::string& name,
                          uint64_t& n_last) {
        const uint64_t n_rules = most == kUnbounded ? 1 : most - least;
        const uint64_t n_elements = least * n_last + n_rules * (n_last + 3);
        n_bytes_ += n_elements * kElementBytes + n_rules * (name.size() + kRuleBytes);
        if (n_bytes_ > kMostBytes) {
            fail(start, "the repetitions take too much memory: use fewer, or shorter items");
        }
        n_last = least * n_last + (n_rules > 0 ? 1 : 0);
    }

    void parse_bounds(uint64_t& least, uint64_t& most) {
        skip_space(true);
        least = parse_number();
        most = least;
        skip_space(true);
        if (take(',')) {
            skip_space(true);
            most = is_digit(peek()) ? parse_number() : kUnbounded;
            skip_space(true);
        }
        expect('}');
        if (most > kMostRepetitions && most >= least) {
            most = kUnbounded;  // as llama.cpp takes it
        }
    }

    // llama.cpp turns S{m,n} into m times S and a rule `S S' | ` for the rest. One S stands for
    // the m: more do not change the beginning.
    void repeat(std::vector<Element>& elements, size_t last, uint64_t least, uint64_t most,
                size_t rest) {
        std::vector<Element> item(elements.begin() + static_cast<std::ptrdiff_t>(last),
                                  elements.end());
        if (least == 0) {
            elements.resize(last);
        }
        if (most == kUnbounded || most > least) {
            elements.push_back({Element::kReference, rest});
            if (most == kUnbounded) {
                item.push_back({Element::kReference, rest});
            }
            item.push_back({Element::kAlternative, 0});
            rules_[rest].elements = std::move(item);
        }
    }

    void check_references(const std::string& root) const {
        for (const Rule& rule : rules_) {
            if (!rule.is_defined) {
                fail(rule.position, "the rule '" + rule.name + "' is not defined");
            }
        }
        if (names_.count(root) == 0) {
            throw Error(ErrorKind::kGrammar,
                        "the grammar does not define the rule '" + root + "', where it starts");
        }
    }

    bool may_be_empty(const Rule& rule) const {
        bool at_start = true;
        for (const Element& element : rule.elements) {
            if (element.kind == Element::kAlternative && at_start) {
                return true;
            }
            at_start = element.kind == Element::kAlternative;
        }
        return at_start;
    }

    // The rules that can stand at the beginning of a rule.
    std::vector<size_t> leftmost(const Rule& rule) const {
        std::vector<size_t> found;
        bool at_start = true;
        for (const Element& element : rule.elements) {
            if (element.kind == Element::kAlternative) {
                at_start = true;
            } else if (at_start && element.kind == Element::kReference) {
                found.push_back(element.rule);
                at_start = may_be_empty(rules_[element.rule]);
            } else {
                at_start = false;
            }
        }
        return found;
    }

    [[noreturn]] void fail_left_recursion(const Rule& rule) const {
        fail(rule.position, "left recursion: the rule '" + rule.name +
                                "' can begin with itself without taking a character");
    }

    // Walks from each rule to those it can begin with, without recursion. llama.cpp's own walk is
    // recursive, so that its depth is limited.
    void check_left_recursion() const {
        enum State : char { kNew, kOpen, kDone };
        struct Visit {
            size_t rule;
            std::vector<size_t> left;
            size_t next;
        };
        std::vector<State> states(rules_.size(), kNew);
        std::vector<int> depths(rules_.size(), 1);
        std::vector<Visit> path;
        const auto enter = [&](size_t rule) {
            states[rule] = kOpen;
            path.push_back({rule, leftmost(rules_[rule]), 0});
        };
        for (size_t first = 0; first < rules_.size(); ++first) {
            if (states[first] == kNew) {
                enter(first);
            }
            while (!path.empty()) {
                Visit& visit = path.back();
                if (visit.next == visit.left.size()) {
                    for (size_t child : visit.left) {
                        depths[visit.rule] = std::max(depths[visit.rule], depths[child] + 1);
                    }
                    check_depth(rules_[visit.rule], depths[visit.rule]);
                    states[visit.rule] = kDone;
                    path.pop_back();
                    continue;
                }
                const size_t child = visit.left[visit.next++];
                if (states[child] == kOpen) {
                    fail_left_recursion(rules_[visit.rule]);
                }
                if (states[child] == kNew) {
                    enter(child);
                }
            }
        }
    }

    void check_depth(const Rule& rule, int depth) const {
        if (depth > kLongestChain) {
            fail(rule.position, "the rule '" + rule.name +
                                    "' can begin in too many ways: use fewer or flatter rules");
        }
    }

    // Which rules can match nothing, through other rules too.
    std::vector<bool> nullable_rules() const {
        std::vector<bool> nullable(rules_.size(), false);
        std::vector<std::vector<size_t>> users(rules_.size());
        std::vector<size_t> todo;
        for (size_t i = 0; i < rules_.size(); ++i) {
            todo.push_back(i);
            for (const Element& element : rules_[i].elements) {
                if (element.kind == Element::kReference) {
                    users[element.rule].push_back(i);
                }
            }
        }
        while (!todo.empty()) {
            const size_t i = todo.back();
            todo.pop_back();
            if (!nullable[i] && matches_nothing(rules_[i], nullable)) {
                nullable[i] = true;
                todo.insert(todo.end(), users[i].begin(), users[i].end());
            }
        }
        return nullable;
    }

    static bool matches_nothing(const Rule& rule, const std::vector<bool>& nullable) {
        bool nothing = true;
        for (const Element& element : rule.elements) {
            if (element.kind == Element::kAlternative) {
                if (nothing) {
                    return true;
                }
                nothing = true;
            } else if (element.kind == Element::kTerminal || !nullable[element.rule]) {
                nothing = false;
            }
        }
        return nothing;
    }

    static std::vector<Beginning> beginnings(const Rule& rule, const std::vector<bool>& nullable) {
        std::vector<Beginning> found;
        bool at_start = true;
        for (size_t i = 0; i < rule.elements.size(); ++i) {
            const Element& element = rule.elements[i];
            if (element.kind == Element::kAlternative) {
                at_start = true;
            } else if (at_start && element.kind == Element::kReference) {
                const bool is_last = i + 1 == rule.elements.size() ||
                                     rule.elements[i + 1].kind == Element::kAlternative;
                found.push_back({element.rule, !is_last});
                at_start = nullable[element.rule];
            } else {
                at_start = false;
            }
        }
        return found;
    }

    // Left recursion behind rules that can match nothing, which llama.cpp does not notice: its
    // stacks grow for ever where something follows the recursion. Else it stops by itself.
    void check_hidden_left_recursion() const {
        const std::vector<bool> nullable = nullable_rules();
        std::vector<std::vector<Beginning>> edges;
        for (const Rule& rule : rules_) {
            edges.push_back(beginnings(rule, nullable));
        }
        const std::vector<size_t> component = components(edges);
        for (size_t rule = 0; rule < rules_.size(); ++rule) {
            for (const Beginning& edge : edges[rule]) {
                if (edge.grows && component[edge.rule] == component[rule]) {
                    fail_left_recursion(rules_[rule]);
                }
            }
        }
    }

    // Tarjan's strongly connected components, without recursion.
    static std::vector<size_t> components(const std::vector<std::vector<Beginning>>& edges) {
        struct Visit {
            size_t rule;
            size_t next;
        };
        size_t n_seen = 0;
        std::vector<size_t> order(edges.size(), 0);  // 0: not seen
        std::vector<size_t> low(edges.size(), 0);
        std::vector<size_t> component(edges.size(), 0);  // 0: not known
        std::vector<size_t> open;
        std::vector<Visit> path;
        const auto enter = [&](size_t rule) {
            order[rule] = low[rule] = ++n_seen;
            open.push_back(rule);
            path.push_back({rule, 0});
        };
        for (size_t first = 0; first < edges.size(); ++first) {
            if (order[first] == 0) {
                enter(first);
            }
            while (!path.empty()) {
                const size_t rule = path.back().rule;
                if (path.back().next < edges[rule].size()) {
                    const size_t child = edges[rule][path.back().next++].rule;
                    if (order[child] == 0) {
                        enter(child);
                    } else if (component[child] == 0) {
                        low[rule] = std::min(low[rule], order[child]);
                    }
                    continue;
                }
                path.pop_back();
                if (!path.empty()) {
                    low[path.back().rule] = std::min(low[path.back().rule], low[rule]);
                }
                while (low[rule] == order[rule] && component[rule] == 0) {
                    component[open.back()] = order[rule];
                    open.pop_back();
                }
            }
        }
        return component;
    }

    const std::string& text_;
    const llama_vocab* vocab_;  // null: not known
    size_t position_ = 0;
    uint64_t n_bytes_ = 0;
    std::vector<Rule> rules_;
    std::map<std::string, size_t> names_;
};

}  // namespace

void check_grammar_syntax(const std::string& grammar, const std::string& root,
                          const llama_vocab* vocab) {
    Checker(grammar, vocab).check(root);
}

}  // namespace core
