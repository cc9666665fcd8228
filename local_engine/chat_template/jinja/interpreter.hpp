// Runs a parsed template once. Used by template.cpp only.
#pragma once

#include "local_engine/chat_template/jinja/ast.hpp"
#include "local_engine/chat_template/jinja/filters.hpp"
#include "local_engine/chat_template/jinja/template.hpp"

#include <deque>

namespace sluice::local_engine::jinja {

class Interpreter {
public:
    Interpreter(const Program& program, std::time_t now, const Limits& limits);

    void define(Symbol symbol, Value value);
    Text run();  // throws Failure

private:
    enum class Flow { On, Break, Continue };
    struct Scope {
        Scope* outer = nullptr;
        std::vector<std::pair<Symbol, Value>> names = {};
    };
    // What "loop" offers inside of the innermost loop.
    struct Loop {
        const List* items;
        std::size_t index = 0;
        int depth = 1;
        Value changed = {};
        Loop* outer = nullptr;
    };
    class Deeper;

    Flow execute(const Block& block, Text& out);
    Flow execute(const Statement& statement, Text& out);
    Flow execute_if(const Statement& statement, Text& out);
    Flow execute_for(const Statement& statement, Text& out);
    void execute_set(const Statement& statement);
    Value captured(const Statement& statement, const Block& block);
    void assign(const std::vector<Symbol>& targets, Value value);
    void set_local(Symbol symbol, Value value);
    void write(Text& out, const Text& text);

    Value evaluate(const Expression& expression);
    Value lookup(const Expression& name);
    Value binary(const Expression& expression);
    Value conditional(const Expression& expression);
    Value sliced(const Expression& expression);
    Value loop_member(const Expression& expression);
    bool is_loop(const Expression& expression) const;
    Value list_of(const Expression& expression);
    Value dict_of(const Expression& expression);
    Arguments arguments_of(const Expression& call, std::size_t from);
    Value call(const Expression& expression);
    Value call_function(Function function, const Arguments& arguments);
    Value call_macro(const Statement& macro, const Arguments& arguments);
    Value loop_call(const std::string& name, const Arguments& arguments);
    Value range(const Arguments& arguments);
    Value date(const Arguments& arguments) const;
    Value concatenated(const Value& left, const Value& right);
    Value checked(Text text) const;

    const Program& program_;
    std::time_t now_;
    Limits limits_;
    Budget budget_;
    int depth_ = 0;
    Scope root_;
    Scope* scope_ = &root_;
    Loop* loop_ = nullptr;
    Symbol loop_symbol_ = -1;
    std::deque<Namespace> namespaces_;  // values point into it
};

// Arithmetic of +, -, *, /, //, %, ** between numbers, and of + and * where lists and texts have it too.
Value arithmetic(Operation operation, const Value& left, const Value& right, Budget& budget);

}  // namespace sluice::local_engine::jinja
