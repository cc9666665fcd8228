#include "local_engine/chat_template/jinja/parser.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine::jinja {
namespace {

constexpr int kMaxExpression = 100;
constexpr int kMaxNesting = 100;  // blocks in blocks, brackets in brackets
constexpr std::size_t kMaxNodes = 100'000;

}  // namespace

Parser::Nested::Nested(Parser& owner) : parser(owner) {
    if (++parser.nesting_ > kMaxNesting) {
        throw Failure(Failure::Kind::Limit, "the template is nested too deeply", parser.peek().line);
    }
}

Program Parser::run() {
    program_.body = block({});
    return std::move(program_);
}

const Token& Parser::peek(std::size_t ahead) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& Parser::next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
}

bool Parser::is_name(std::string_view word, std::size_t ahead) const {
    return peek(ahead).kind == Tokens::Name && peek(ahead).text == word;
}

bool Parser::is_operator(std::string_view word, std::size_t ahead) const {
    return peek(ahead).kind == Tokens::Operator && peek(ahead).text == word;
}

bool Parser::take_name(std::string_view word) {
    const bool there = is_name(word);
    if (there) next();
    return there;
}

bool Parser::take_operator(std::string_view word) {
    const bool there = is_operator(word);
    if (there) next();
    return there;
}

void Parser::wrong(const std::string& detail) const {
    throw Failure(Failure::Kind::Syntax, detail, peek().line);
}

void Parser::expect_operator(std::string_view word) {
    if (!take_operator(word)) wrong("expected \"" + std::string(word) + "\"");
}

std::string Parser::expect_name() {
    if (peek().kind != Tokens::Name) wrong("expected a name");
    return next().text;
}

void Parser::expect(Tokens kind, const char* what) {
    if (peek().kind != kind) wrong("expected " + std::string(what));
    next();
}

Symbol Parser::symbol(const std::string& name) {
    const auto [place, fresh] = numbers_.try_emplace(name, static_cast<Symbol>(program_.symbols.size()));
    if (fresh) program_.symbols.push_back(name);
    return place->second;
}

void Parser::count_node() {
    if (++nodes_ > kMaxNodes) throw Failure(Failure::Kind::Limit, "the template is too large", peek().line);
}

ExpressionPtr Parser::make(Kind kind) {
    count_node();
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = peek().line;
    return made;
}

void Parser::adopt(Expression& parent, ExpressionPtr part) {
    if (part) parent.depth = std::max(parent.depth, part->depth + 1);
    if (parent.depth > kMaxExpression) {
        throw Failure(Failure::Kind::Limit, "an expression is nested too deeply", peek().line);
    }
    parent.parts.push_back(std::move(part));
}

ExpressionPtr Parser::join(Kind kind, std::initializer_list<ExpressionPtr*> parts) {
    auto made = make(kind);
    for (ExpressionPtr* part : parts) adopt(*made, std::move(*part));
    return made;
}

std::optional<Symbol> Program::find(std::string_view name) const {
    const auto found = std::find(symbols.begin(), symbols.end(), name);
    if (found == symbols.end()) return std::nullopt;
    return static_cast<Symbol>(found - symbols.begin());
}

Program parse(std::string_view source) {
    return Parser(source).run();
}

}  // namespace sluice::local_engine::jinja
