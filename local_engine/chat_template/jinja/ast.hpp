// A parsed template. Nodes own their parts; names of variables are numbered, so that looking one up compares numbers.
#pragma once

#include "local_engine/chat_template/jinja/value.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::local_engine::jinja {

using Symbol = int;

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn
};

struct Expression {
    enum class Kind {
        Constant,   // value
        Name,       // symbol, name
        Attribute,  // parts[0].name
        Item,       // parts[0][parts[1]]
        Slice,      // parts[0][parts[1]:parts[2]:parts[3]], null where left out
        Call,       // parts[0](parts[1]..., named)
        Filter,     // parts[0] | name(parts[1]..., named)
        Test,       // parts[0] is name(parts[1]...)
        Not,        // parts[0]
        Negate,     // parts[0]
        Binary,     // parts[0] operation parts[1]
        And,
        Or,
        Conditional,  // parts[0] if parts[1] else parts[2]; the last may be null
        ListOf,       // parts
        DictOf,       // parts: name, value, name, value ...
    };
    Kind kind = Kind::Constant;
    int line = 0;
    int depth = 1;
    Symbol symbol = -1;
    Operation operation = Operation::Add;
    std::string name = {};
    Value value = {};
    std::vector<ExpressionPtr> parts = {};
    std::vector<std::pair<std::string, ExpressionPtr>> named = {};
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
    Symbol symbol;
    std::string name;
    ExpressionPtr default_value;  // may be null
};

struct Statement {
    enum class Kind {
        Data,      // value: a text
        Output,    // expressions[0]
        If,        // expressions[i] guards blocks[i]; a block without one is the else
        For,       // targets, expressions[0]: what, [1]: condition or null; blocks[0], blocks[1]: the else
        Set,       // targets or space.name = expressions[0]
        SetBlock,  // targets[0] = blocks[0], through the filters of expressions[0] (applied to a name `symbol`) if any
        Macro,     // symbol, parameters, blocks[0]
        With,      // targets = expressions, blocks[0] in a scope of its own
        Filter,    // expressions[0] applied to the text of blocks[0], which it sees as the name `symbol`
        Break,
        Continue,
    };
    Kind kind = Kind::Data;
    int line = 0;
    Symbol symbol = -1;
    std::string name = {};  // Set: member of the namespace `symbol`; else empty. Macro: its name
    Value value = {};
    std::vector<Symbol> targets = {};
    std::vector<ExpressionPtr> expressions = {};
    std::vector<Block> blocks = {};
    std::vector<Parameter> parameters = {};
};

struct Program {
    Block body;
    std::vector<std::string> symbols;
    std::optional<Symbol> find(std::string_view name) const;
};

// Throws Failure (Syntax or Limit). Unknown statements, filters and tests are refused here, by name.
Program parse(std::string_view source);

}  // namespace sluice::local_engine::jinja
