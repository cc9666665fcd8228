// Constants, names, brackets, and what follows them: members, subscripts, calls, filters and tests.
#include "local_engine/chat_template/jinja/filters.hpp"
#include "local_engine/chat_template/jinja/parser.hpp"
#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::local_engine::jinja {

ExpressionPtr Parser::constant(Value value) {
    auto made = make(Kind::Constant);
    made->value = std::move(value);
    return made;
}

ExpressionPtr Parser::name_node(const std::string& name) {
    auto made = make(Kind::Name);
    made->name = name;
    made->symbol = symbol(name);
    return made;
}

ExpressionPtr Parser::primary() {
    const Token& token = peek();
    switch (token.kind) {
        case Tokens::Name: return word(next().text);
        case Tokens::String: {
            std::string text = next().text;
            while (peek().kind == Tokens::String) text += next().text;
            return constant(Value(Text(std::move(text))));
        }
        case Tokens::Integer: return integer(next().text);
        case Tokens::Float: return real(next().text);
        case Tokens::Operator: return bracketed();
        default: wrong("expected an expression");
    }
}

ExpressionPtr Parser::word(const std::string& name) {
    if (name == "true" || name == "True") return constant(Value(true));
    if (name == "false" || name == "False") return constant(Value(false));
    if (name == "none" || name == "None" || name == "null") return constant(Value::none());
    return name_node(name);
}

ExpressionPtr Parser::integer(const std::string& digits) {
    std::int64_t number = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) {
        wrong("a number is too large");
    }
    return constant(Value(number));
}

ExpressionPtr Parser::real(const std::string& digits) {
    double number = 0.0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) {
        wrong("a number is too large or too small");
    }
    return constant(Value(number));
}

ExpressionPtr Parser::bracketed() {
    if (take_operator("(")) {
        if (take_operator(")")) return make(Kind::ListOf);
        auto value = expression_list();
        expect_operator(")");
        return value;
    }
    if (take_operator("[")) {
        auto list = make(Kind::ListOf);
        while (!is_operator("]")) {
            adopt(*list, expression());
            if (!take_operator(",")) break;
        }
        expect_operator("]");
        return list;
    }
    expect_operator("{");
    auto dict = make(Kind::DictOf);
    while (!is_operator("}")) {
        adopt(*dict, expression());
        expect_operator(":");
        adopt(*dict, expression());
        if (!take_operator(",")) break;
    }
    expect_operator("}");
    return dict;
}

ExpressionPtr Parser::postfix(ExpressionPtr value) {
    for (;;) {
        if (take_operator(".")) {
            if (peek().kind == Tokens::Integer) {
                auto index = integer(next().text);
                value = join(Kind::Item, {&value, &index});
                continue;
            }
            auto attribute = join(Kind::Attribute, {&value});
            attribute->name = expect_name();
            value = std::move(attribute);
        } else if (take_operator("[")) {
            value = subscript(std::move(value));
        } else if (is_operator("(")) {
            auto call = join(Kind::Call, {&value});
            arguments(*call);
            value = std::move(call);
        } else {
            return value;
        }
    }
}

ExpressionPtr Parser::subscript(ExpressionPtr value) {
    ExpressionPtr first, last, step;
    if (!is_operator(":")) first = expression_list();
    if (take_operator("]")) return join(Kind::Item, {&value, &first});
    expect_operator(":");
    if (!is_operator(":") && !is_operator("]")) last = expression();
    if (take_operator(":") && !is_operator("]")) step = expression();
    expect_operator("]");
    return join(Kind::Slice, {&value, &first, &last, &step});
}

void Parser::arguments(Expression& call) {
    expect_operator("(");
    while (!is_operator(")")) {
        if (peek().kind == Tokens::Name && is_operator("=", 1)) {
            std::string name = next().text;
            next();
            auto value = expression();
            call.depth = std::max(call.depth, value->depth + 1);
            call.named.emplace_back(std::move(name), std::move(value));
        } else {
            if (is_operator("*") || is_operator("**")) wrong("unpacked arguments are not supported");
            adopt(call, expression());
        }
        if (!take_operator(",")) break;
    }
    expect_operator(")");
}

ExpressionPtr Parser::filters_and_tests(ExpressionPtr value) {
    for (;;) {
        if (take_operator("|")) value = filter(std::move(value));
        else if (take_name("is")) value = test(std::move(value));
        else if (is_operator("(")) value = postfix(std::move(value));
        else return value;
    }
}

ExpressionPtr Parser::filter(ExpressionPtr value) {
    auto made = join(Kind::Filter, {&value});
    made->name = expect_name();
    if (!is_filter(made->name)) wrong("no filter is called \"" + made->name + "\"");
    if (is_operator("(")) arguments(*made);
    return made;
}

ExpressionPtr Parser::test(ExpressionPtr value) {
    const bool negated = take_name("not");
    auto made = join(Kind::Test, {&value});
    made->name = expect_name();
    if (!is_predicate(made->name)) wrong("no test is called \"" + made->name + "\"");
    const Token& token = peek();
    const bool operand = token.kind == Tokens::String || token.kind == Tokens::Integer || token.kind == Tokens::Float ||
                         is_operator("[") || is_operator("{") ||
                         (token.kind == Tokens::Name && !is_name("else") && !is_name("or") && !is_name("and") &&
                          !is_name("is") && !is_name("if") && !is_name("in") && !is_name("not"));
    if (is_operator("(")) {
        arguments(*made);
    } else if (operand) {
        adopt(*made, postfix(primary()));
    }
    return negated ? join(Kind::Not, {&made}) : std::move(made);
}

}  // namespace sluice::local_engine::jinja
