// Recursive descent over the tokens, with Jinja's precedence. Depth is limited, so hostile templates cannot exhaust the
// stack here, nor later when the tree is run or freed. Used by ast.hpp's parse() only; one per template.
#pragma once

#include "local_engine/chat_template/jinja/ast.hpp"
#include "local_engine/chat_template/jinja/lexer.hpp"

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine::jinja {

class Parser {
public:
    explicit Parser(std::string_view source) : tokens_(tokens_of(source)) {}
    Program run();

private:
    using Kind = Expression::Kind;
    using Tokens = Token::Kind;

    // One more level of blocks or brackets, while it lives.
    struct Nested {
        explicit Nested(Parser& owner);
        ~Nested() { --parser.nesting_; }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        Parser& parser;
    };

    // parser.cpp: tokens, and nodes of the tree
    const Token& peek(std::size_t ahead = 0) const;
    const Token& next();
    bool is_name(std::string_view word, std::size_t ahead = 0) const;
    bool is_operator(std::string_view word, std::size_t ahead = 0) const;
    bool take_name(std::string_view word);
    bool take_operator(std::string_view word);
    [[noreturn]] void wrong(const std::string& detail) const;
    void expect_operator(std::string_view word);
    std::string expect_name();
    void expect(Tokens kind, const char* what);
    Symbol symbol(const std::string& name);
    void count_node();
    ExpressionPtr make(Kind kind);
    void adopt(Expression& parent, ExpressionPtr part);
    ExpressionPtr join(Kind kind, std::initializer_list<ExpressionPtr*> parts);

    // parse_expressions.cpp: operators, from the loosest to the tightest
    ExpressionPtr binary(Operation operation, ExpressionPtr left, ExpressionPtr right);
    ExpressionPtr expression();
    ExpressionPtr expression_list();
    ExpressionPtr disjunction();
    ExpressionPtr conjunction();
    ExpressionPtr negation();
    std::optional<Operation> comparison_operator();
    ExpressionPtr comparison();
    ExpressionPtr sum();
    ExpressionPtr concatenation();
    ExpressionPtr product();
    ExpressionPtr power();
    ExpressionPtr unary(bool with_filters);

    // parse_operands.cpp: what operators work on
    ExpressionPtr constant(Value value);
    ExpressionPtr name_node(const std::string& name);
    ExpressionPtr primary();
    ExpressionPtr word(const std::string& name);
    ExpressionPtr integer(const std::string& digits);
    ExpressionPtr real(const std::string& digits);
    ExpressionPtr bracketed();
    ExpressionPtr postfix(ExpressionPtr value);
    ExpressionPtr subscript(ExpressionPtr value);
    void arguments(Expression& call);
    ExpressionPtr filters_and_tests(ExpressionPtr value);
    ExpressionPtr filter(ExpressionPtr value);
    ExpressionPtr test(ExpressionPtr value);

    // parse_statements.cpp: tags and the blocks between them
    std::unique_ptr<Statement> statement(Statement::Kind kind);
    bool at_tag(std::initializer_list<std::string_view> words) const;
    void end_tag();
    Block block(std::initializer_list<std::string_view> ends);
    void close(std::string_view word);
    void one(Block& body);
    void tag(Block& body);
    std::unique_ptr<Statement> condition();
    std::vector<Symbol> targets();
    std::unique_ptr<Statement> loop();
    std::unique_ptr<Statement> jump(bool leaves);
    std::unique_ptr<Statement> assignment();
    void filter_chain(Statement& owner);
    std::unique_ptr<Statement> filter_block();
    std::unique_ptr<Statement> macro();
    std::unique_ptr<Statement> with();
    void generation(Block& body);

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int nesting_ = 0;
    int loops_ = 0;
    std::size_t nodes_ = 0;
    std::unordered_map<std::string, Symbol> numbers_;
    Program program_;
};

}  // namespace sluice::local_engine::jinja
