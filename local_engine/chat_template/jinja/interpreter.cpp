#include "local_engine/chat_template/jinja/interpreter.hpp"

#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine::jinja {

// One level of recursion, while it lives.
class Interpreter::Deeper {
public:
    explicit Deeper(Interpreter& run) : run_(run) {
        if (++run_.depth_ > run_.limits_.depth) {
            --run_.depth_;
            throw Failure(Failure::Kind::Limit, "the template calls itself too deeply");
        }
    }
    ~Deeper() { --run_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

private:
    Interpreter& run_;
};

namespace {

template <class Member, class Object>
class Restored {  // sets a member, and sets it back
public:
    Restored(Object& object, Member Object::*member, Member value)
        : object_(object), member_(member), before_(std::exchange(object.*member, value)) {}
    ~Restored() { object_.*member_ = before_; }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

private:
    Object& object_;
    Member Object::*member_;
    Member before_;
};

}  // namespace

Interpreter::Interpreter(const Program& program, std::time_t now, const Limits& limits)
    : program_(program), now_(now), limits_(limits), budget_(limits.steps) {
    constexpr std::pair<std::string_view, Function> kFunctions[] = {
        {"range", Function::Range},
        {"namespace", Function::Namespace},
        {"dict", Function::Dict},
        {"raise_exception", Function::RaiseException},
        {"strftime_now", Function::StrftimeNow},
    };
    for (const auto& [name, function] : kFunctions) {
        if (const auto symbol = program.find(name)) define(*symbol, Value(function));
    }
    loop_symbol_ = program.find("loop").value_or(-1);
}

void Interpreter::define(Symbol symbol, Value value) {
    set_local(symbol, std::move(value));
}

Text Interpreter::run() {
    Text out;
    execute(program_.body, out);
    return out;
}

void Interpreter::set_local(Symbol symbol, Value value) {
    for (auto& [known, held] : scope_->names) {
        if (known == symbol) {
            held = std::move(value);
            return;
        }
    }
    scope_->names.emplace_back(symbol, std::move(value));
}

void Interpreter::write(Text& out, const Text& text) {
    budget_.pay_bytes(text.weight());
    if (out.size() + text.size() > limits_.output_bytes) {
        throw Failure(Failure::Kind::Limit, "the template writes too much");
    }
    out.append(text);
}

Value Interpreter::checked(Text text) const {
    if (text.size() > limits_.text_bytes) throw Failure(Failure::Kind::Limit, "a string became too long");
    return Value(std::move(text));
}

Interpreter::Flow Interpreter::execute(const Block& block, Text& out) {
    for (const auto& statement : block) {
        const Flow flow = execute(*statement, out);
        if (flow != Flow::On) return flow;
    }
    return Flow::On;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, Text& out) {
    const Deeper deeper(*this);
    budget_.pay(1);
    try {
        switch (statement.kind) {
            case Statement::Kind::Data: write(out, *statement.value.text()); break;
            case Statement::Kind::Output: write(out, to_text(evaluate(*statement.expressions[0]), budget_)); break;
            case Statement::Kind::If: return execute_if(statement, out);
            case Statement::Kind::For: return execute_for(statement, out);
            case Statement::Kind::Set: execute_set(statement); break;
            case Statement::Kind::SetBlock: assign(statement.targets, captured(statement, statement.blocks[0])); break;
            case Statement::Kind::Filter: write(out, to_text(captured(statement, statement.blocks[0]), budget_)); break;
            case Statement::Kind::Macro: set_local(statement.symbol, Value(Macro{&statement})); break;
            case Statement::Kind::With: {
                Scope inner{scope_};
                for (std::size_t i = 0; i < statement.targets.size(); ++i) {
                    inner.names.emplace_back(statement.targets[i], evaluate(*statement.expressions[i]));
                }
                const Restored entered(*this, &Interpreter::scope_, &inner);
                return execute(statement.blocks[0], out);
            }
            case Statement::Kind::Break: return Flow::Break;
            case Statement::Kind::Continue: return Flow::Continue;
        }
    } catch (Failure& failure) {
        if (failure.line == 0) failure.line = statement.line;
        throw;
    }
    return Flow::On;
}

Interpreter::Flow Interpreter::execute_if(const Statement& statement, Text& out) {
    for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
        if (evaluate(*statement.expressions[i]).truthy()) return execute(statement.blocks[i], out);
    }
    if (statement.blocks.size() > statement.expressions.size()) return execute(statement.blocks.back(), out);
    return Flow::On;
}

Interpreter::Flow Interpreter::execute_for(const Statement& statement, Text& out) {
    List items = items_of(evaluate(*statement.expressions[0]), budget_);
    if (const auto& condition = statement.expressions[1]) {
        List kept;
        for (Value& item : items) {
            Scope inner{scope_};
            const Restored entered(*this, &Interpreter::scope_, &inner);
            assign(statement.targets, item);
            if (evaluate(*condition).truthy()) kept.push_back(std::move(item));
        }
        items = std::move(kept);
    }
    if (items.empty()) return execute(statement.blocks[1], out);
    Loop loop{&items, 0, loop_ != nullptr ? loop_->depth + 1 : 1, {}, loop_};
    const Restored looping(*this, &Interpreter::loop_, &loop);
    for (; loop.index < items.size(); ++loop.index) {
        budget_.pay(1);
        Scope inner{scope_};
        const Restored entered(*this, &Interpreter::scope_, &inner);
        assign(statement.targets, items[loop.index]);
        if (execute(statement.blocks[0], out) == Flow::Break) break;
    }
    return Flow::On;
}

void Interpreter::assign(const std::vector<Symbol>& targets, Value value) {
    if (targets.size() == 1) return set_local(targets[0], std::move(value));
    const List parts = items_of(value, budget_);
    if (parts.size() != targets.size()) fail("the number of names and of values differ");
    for (std::size_t i = 0; i < targets.size(); ++i) set_local(targets[i], parts[i]);
}

void Interpreter::execute_set(const Statement& statement) {
    Value value = evaluate(*statement.expressions[0]);
    if (statement.name.empty()) return assign(statement.targets, std::move(value));
    Expression name;
    name.symbol = statement.symbol;
    const Value target = lookup(name);
    const auto* space = target.as<Namespace*>();
    if (space == nullptr) fail("only members of a namespace can be set");
    budget_.pay_bytes(statement.name.size() + 64);
    (*space)->members.set(Text(statement.name), std::move(value));
}

// The text of a block, through the filters that the statement names.
Value Interpreter::captured(const Statement& statement, const Block& block) {
    Text text;
    {
        Scope inner{scope_};
        const Restored entered(*this, &Interpreter::scope_, &inner);
        execute(block, text);
    }
    Value value(std::move(text));
    if (statement.expressions.empty()) return value;
    Scope inner{scope_};
    inner.names.emplace_back(statement.symbol, std::move(value));
    const Restored entered(*this, &Interpreter::scope_, &inner);
    return evaluate(*statement.expressions[0]);
}

Value Interpreter::evaluate(const Expression& expression) {
    const Deeper deeper(*this);
    budget_.pay(1);
    const auto& parts = expression.parts;
    switch (expression.kind) {
        case Expression::Kind::Constant: return expression.value;
        case Expression::Kind::Name: return lookup(expression);
        case Expression::Kind::Attribute:
            return is_loop(*parts[0]) ? loop_member(expression) : member_of(evaluate(*parts[0]), expression.name);
        case Expression::Kind::Item: {
            const Value value = evaluate(*parts[0]);
            if (const Text* text = value.text()) budget_.pay_bytes(text->size());
            return item_of(value, evaluate(*parts[1]));
        }
        case Expression::Kind::Slice: return sliced(expression);
        case Expression::Kind::Call: return call(expression);
        case Expression::Kind::Filter: {
            const Value value = evaluate(*parts[0]);
            return apply_filter(expression.name, value, arguments_of(expression, 1), budget_);
        }
        case Expression::Kind::Test: {
            const Value value = evaluate(*parts[0]);
            const Arguments arguments = arguments_of(expression, 1);
            return Value(holds(expression.name, value, arguments.values, budget_));
        }
        case Expression::Kind::Not: return Value(!evaluate(*parts[0]).truthy());
        case Expression::Kind::Negate:
            return arithmetic(Operation::Subtract, Value(std::int64_t{0}), evaluate(*parts[0]), budget_);
        case Expression::Kind::Binary: return binary(expression);
        case Expression::Kind::And: {
            Value left = evaluate(*parts[0]);
            return left.truthy() ? evaluate(*parts[1]) : left;
        }
        case Expression::Kind::Or: {
            Value left = evaluate(*parts[0]);
            return left.truthy() ? left : evaluate(*parts[1]);
        }
        case Expression::Kind::Conditional: return conditional(expression);
        case Expression::Kind::ListOf: return list_of(expression);
        case Expression::Kind::DictOf: return dict_of(expression);
    }
    return {};
}

Value Interpreter::conditional(const Expression& expression) {
    if (evaluate(*expression.parts[1]).truthy()) return evaluate(*expression.parts[0]);
    return expression.parts[2] ? evaluate(*expression.parts[2]) : Value();
}

Value Interpreter::lookup(const Expression& name) {
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
        for (const auto& [symbol, value] : scope->names) {
            if (symbol == name.symbol) return value;
        }
    }
    return Value(Undefined{program_.symbols[static_cast<std::size_t>(name.symbol)]});
}

Value Interpreter::concatenated(const Value& left, const Value& right) {
    const Text* first = left.text();
    const Text* second = right.text();
    budget_.pay_bytes(first->weight() + second->weight());
    Text out = *first;
    out.append(*second);
    return checked(std::move(out));
}

Value Interpreter::binary(const Expression& expression) {
    const Value left = evaluate(*expression.parts[0]);
    const Value right = evaluate(*expression.parts[1]);
    switch (expression.operation) {
        case Operation::Equal: return Value(equal(left, right, budget_));
        case Operation::NotEqual: return Value(!equal(left, right, budget_));
        case Operation::Less: return Value(compare(left, right) < 0);
        case Operation::LessEqual: return Value(compare(left, right) <= 0);
        case Operation::Greater: return Value(compare(left, right) > 0);
        case Operation::GreaterEqual: return Value(compare(left, right) >= 0);
        case Operation::In: return Value(contains(right, left, budget_));
        case Operation::NotIn: return Value(!contains(right, left, budget_));
        case Operation::Concat: return concatenated(Value(to_text(left, budget_)), Value(to_text(right, budget_)));
        case Operation::Add:
            if (left.text() != nullptr && right.text() != nullptr) return concatenated(left, right);
            break;
        default: break;
    }
    Value result = arithmetic(expression.operation, left, right, budget_);
    if (const Text* text = result.text(); text != nullptr && text->size() > limits_.text_bytes) {
        throw Failure(Failure::Kind::Limit, "a string became too long");
    }
    return result;
}

// As Python slices: bounds are clamped, a negative step goes backwards.
Value Interpreter::sliced(const Expression& expression) {
    const Value value = evaluate(*expression.parts[0]);
    const bool text = value.text() != nullptr;
    if (!text && value.list() == nullptr) fail("a " + std::string(value.type_name()) + " has no parts");
    const auto bound = [&](std::size_t part) -> std::optional<std::int64_t> {
        if (!expression.parts[part]) return std::nullopt;
        const Value given = evaluate(*expression.parts[part]);
        if (given.is_none()) return std::nullopt;
        const auto* number = given.as<std::int64_t>();
        if (number == nullptr) fail("the bounds of a slice are whole numbers");
        return std::clamp<std::int64_t>(*number, -(std::int64_t{1} << 40), std::int64_t{1} << 40);
    };
    const auto first = bound(1);
    const auto last = bound(2);
    const std::int64_t step = bound(3).value_or(1);
    if (step == 0) fail("the step of a slice is zero");
    if (text) budget_.pay_bytes(value.text()->weight());
    const std::vector<std::size_t> offsets =
        text ? character_offsets(value.text()->bytes()) : std::vector<std::size_t>();
    const auto size = static_cast<std::int64_t>(text ? offsets.size() - 1 : value.list()->size());
    const auto place = [&](std::int64_t at) { return at < 0 ? at + size : at; };
    const std::int64_t low = step > 0 ? 0 : -1;
    const std::int64_t high = step > 0 ? size : size - 1;
    std::int64_t at = first ? std::clamp(place(*first), low, high) : (step > 0 ? 0 : size - 1);
    const std::int64_t end = last ? std::clamp(place(*last), low, high) : (step > 0 ? size : -1);
    if (text && step == 1) {
        const std::int64_t stop = std::max(at, end);
        return Value(
            value.text()->part(offsets[static_cast<std::size_t>(at)], offsets[static_cast<std::size_t>(stop)]));
    }
    Text characters;
    List items;
    for (; step > 0 ? at < end : at > end; at += step) {
        budget_.pay(1);
        const auto i = static_cast<std::size_t>(at);
        if (text) characters.append(*value.text(), offsets[i], offsets[i + 1]);
        else items.push_back((*value.list())[i]);
    }
    return text ? Value(std::move(characters)) : Value::list(std::move(items));
}

bool Interpreter::is_loop(const Expression& expression) const {
    return loop_ != nullptr && expression.kind == Expression::Kind::Name && expression.symbol == loop_symbol_;
}

Value Interpreter::loop_member(const Expression& expression) {
    const std::string& name = expression.name;
    const std::size_t count = loop_->items->size();
    const std::size_t index = loop_->index;
    if (name == "index0") return Value::integer(index);
    if (name == "index") return Value::integer(index + 1);
    if (name == "first") return Value(index == 0);
    if (name == "last") return Value(index + 1 == count);
    if (name == "length") return Value::integer(count);
    if (name == "revindex") return Value::integer(count - index);
    if (name == "revindex0") return Value::integer(count - index - 1);
    if (name == "previtem") return index > 0 ? (*loop_->items)[index - 1] : Value();
    if (name == "nextitem") return index + 1 < count ? (*loop_->items)[index + 1] : Value();
    if (name == "depth") return Value(static_cast<std::int64_t>(loop_->depth));
    if (name == "depth0") return Value(static_cast<std::int64_t>(loop_->depth - 1));
    fail("loop has no \"" + name + "\"");
}

Value Interpreter::list_of(const Expression& expression) {
    List items;
    items.reserve(expression.parts.size());
    for (const auto& part : expression.parts) items.push_back(evaluate(*part));
    return Value::list(std::move(items));
}

Value Interpreter::dict_of(const Expression& expression) {
    Dict dict;
    for (std::size_t i = 0; i < expression.parts.size(); i += 2) {
        const Value name = evaluate(*expression.parts[i]);
        if (name.text() == nullptr) fail("names in a dictionary are strings");
        budget_.pay_bytes(name.text()->weight());
        dict.set(*name.text(), evaluate(*expression.parts[i + 1]));
    }
    return Value::dict(std::move(dict));
}

}  // namespace sluice::local_engine::jinja
