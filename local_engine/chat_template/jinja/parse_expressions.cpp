// Operators, from the loosest to the tightest.
#include "local_engine/chat_template/jinja/parser.hpp"

#include <utility>

namespace sluice::local_engine::jinja {

ExpressionPtr Parser::binary(Operation operation, ExpressionPtr left, ExpressionPtr right) {
    auto made = join(Kind::Binary, {&left, &right});
    made->operation = operation;
    return made;
}

ExpressionPtr Parser::expression() {
    const Nested level(*this);
    auto value = disjunction();
    while (take_name("if")) {
        auto condition = disjunction();
        ExpressionPtr otherwise;
        if (take_name("else")) otherwise = expression();
        value = join(Kind::Conditional, {&value, &condition, &otherwise});
    }
    return value;
}

// "a, b" is a list too.
ExpressionPtr Parser::expression_list() {
    auto first = expression();
    if (!is_operator(",")) return first;
    auto list = join(Kind::ListOf, {&first});
    while (take_operator(",")) {
        if (peek().kind == Tokens::BlockEnd || peek().kind == Tokens::OutputEnd || is_operator(")")) break;
        adopt(*list, expression());
    }
    return list;
}

ExpressionPtr Parser::disjunction() {
    auto left = conjunction();
    while (take_name("or")) {
        auto right = conjunction();
        left = join(Kind::Or, {&left, &right});
    }
    return left;
}

ExpressionPtr Parser::conjunction() {
    auto left = negation();
    while (take_name("and")) {
        auto right = negation();
        left = join(Kind::And, {&left, &right});
    }
    return left;
}

ExpressionPtr Parser::negation() {
    if (!take_name("not")) return comparison();
    const Nested level(*this);
    auto operand = negation();
    return join(Kind::Not, {&operand});
}

std::optional<Operation> Parser::comparison_operator() {
    if (take_operator("==")) return Operation::Equal;
    if (take_operator("!=")) return Operation::NotEqual;
    if (take_operator("<=")) return Operation::LessEqual;
    if (take_operator(">=")) return Operation::GreaterEqual;
    if (take_operator("<")) return Operation::Less;
    if (take_operator(">")) return Operation::Greater;
    if (take_name("in")) return Operation::In;
    if (is_name("not") && is_name("in", 1)) {
        next();
        next();
        return Operation::NotIn;
    }
    return std::nullopt;
}

ExpressionPtr Parser::comparison() {
    auto left = sum();
    const auto operation = comparison_operator();
    if (!operation) return left;
    left = binary(*operation, std::move(left), sum());
    if (comparison_operator()) wrong("chained comparisons are not supported");
    return left;
}

ExpressionPtr Parser::sum() {
    auto left = concatenation();
    for (;;) {
        if (take_operator("+")) left = binary(Operation::Add, std::move(left), concatenation());
        else if (take_operator("-")) left = binary(Operation::Subtract, std::move(left), concatenation());
        else return left;
    }
}

ExpressionPtr Parser::concatenation() {
    auto left = product();
    while (take_operator("~")) left = binary(Operation::Concat, std::move(left), product());
    return left;
}

ExpressionPtr Parser::product() {
    auto left = power();
    for (;;) {
        if (take_operator("*")) left = binary(Operation::Multiply, std::move(left), power());
        else if (take_operator("/")) left = binary(Operation::Divide, std::move(left), power());
        else if (take_operator("//")) left = binary(Operation::FloorDivide, std::move(left), power());
        else if (take_operator("%")) left = binary(Operation::Modulo, std::move(left), power());
        else return left;
    }
}

ExpressionPtr Parser::power() {
    auto left = unary(true);
    while (take_operator("**")) left = binary(Operation::Power, std::move(left), unary(true));
    return left;
}

ExpressionPtr Parser::unary(bool with_filters) {
    const Nested level(*this);
    ExpressionPtr value;
    if (take_operator("-")) {
        auto operand = unary(false);
        value = join(Kind::Negate, {&operand});
    } else if (take_operator("+")) {
        value = unary(false);
    } else {
        value = primary();
    }
    value = postfix(std::move(value));
    return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

}  // namespace sluice::local_engine::jinja
