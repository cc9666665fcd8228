// Calls: macros, the few functions a template is given, methods, and those of "loop".
#include "local_engine/chat_template/jinja/interpreter.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace sluice::local_engine::jinja {
namespace {

constexpr std::int64_t kMostInRange = 100'000;  // as Jinja's sandbox

}  // namespace

Arguments Interpreter::arguments_of(const Expression& call, std::size_t from) {
    Arguments arguments;
    for (std::size_t i = from; i < call.parts.size(); ++i) arguments.values.push_back(evaluate(*call.parts[i]));
    for (const auto& [name, value] : call.named) arguments.named.emplace_back(name, evaluate(*value));
    return arguments;
}

Value Interpreter::call(const Expression& expression) {
    const Expression& callee = *expression.parts[0];
    if (callee.kind == Expression::Kind::Attribute) {
        if (is_loop(*callee.parts[0])) return loop_call(callee.name, arguments_of(expression, 1));
        const Value object = evaluate(*callee.parts[0]);
        const Arguments arguments = arguments_of(expression, 1);
        if (auto result = call_method(object, callee.name, arguments, budget_)) return std::move(*result);
        const Value member = member_of(object, callee.name);
        if (const auto* macro = member.as<Macro>()) return call_macro(*macro->statement, arguments);
        fail("a " + std::string(object.type_name()) + " has no method \"" + callee.name + "\"");
    }
    const Value function = evaluate(callee);
    const Arguments arguments = arguments_of(expression, 1);
    if (const auto* built_in = function.as<Function>()) return call_function(*built_in, arguments);
    if (const auto* macro = function.as<Macro>()) return call_macro(*macro->statement, arguments);
    if (function.undefined()) fail("\"" + std::string(function.as<Undefined>()->name) + "\" is not defined");
    fail("a " + std::string(function.type_name()) + " cannot be called");
}

// A macro sees its parameters and the names of the template's top level, not those of its caller.
Value Interpreter::call_macro(const Statement& macro, const Arguments& arguments) {
    if (arguments.values.size() > macro.parameters.size()) {
        fail("macro \"" + macro.name + "\" takes " + std::to_string(macro.parameters.size()) + " arguments");
    }
    Scope inner{&root_};
    Scope* const caller = std::exchange(scope_, &inner);
    Loop* const loop = std::exchange(loop_, nullptr);
    const auto restore = [&](const void*) {
        scope_ = caller;
        loop_ = loop;
    };
    const std::unique_ptr<const void, decltype(restore)> back(this, restore);
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
        const Parameter& parameter = macro.parameters[i];
        const Value* given = arguments.find(i, parameter.name);
        Value value = given != nullptr ? *given : Value(Undefined{parameter.name});
        if (given == nullptr && parameter.default_value) value = evaluate(*parameter.default_value);
        inner.names.emplace_back(parameter.symbol, std::move(value));
    }
    Text out;
    execute(macro.blocks[0], out);
    return Value(std::move(out));
}

Value Interpreter::call_function(Function function, const Arguments& arguments) {
    switch (function) {
        case Function::Range: return range(arguments);
        case Function::StrftimeNow: return date(arguments);
        case Function::RaiseException: {
            const Value* message = arguments.find(0, "message");
            throw Failure(Failure::Kind::Raised, message != nullptr
                                                     ? to_text(*message, budget_).template_bytes().substr(0, 400)
                                                     : "no reason given");
        }
        case Function::Namespace: {
            namespaces_.emplace_back();
            budget_.pay(8);
            if (const Value* start = arguments.find(0, ""); start != nullptr && start->dict() != nullptr) {
                for (const auto& [name, value] : start->dict()->members()) namespaces_.back().members.set(name, value);
            }
            for (const auto& [name, value] : arguments.named) namespaces_.back().members.set(Text(name), value);
            return Value(&namespaces_.back());
        }
        case Function::Dict: {
            Dict dict;
            if (const Value* start = arguments.find(0, ""); start != nullptr && start->dict() != nullptr) {
                budget_.pay(start->dict()->size() * 8);
                dict = *start->dict();
            }
            for (const auto& [name, value] : arguments.named) dict.set(Text(name), value);
            return Value::dict(std::move(dict));
        }
        default: fail("cannot be called here");
    }
}

Value Interpreter::loop_call(const std::string& name, const Arguments& arguments) {
    if (name == "cycle") {
        if (arguments.values.empty()) fail("loop.cycle: nothing to choose from");
        return arguments.values[loop_->index % arguments.values.size()];
    }
    if (name == "changed") {
        Value now = Value::list(arguments.values);
        const bool same = loop_->changed.list() != nullptr && equal(loop_->changed, now, budget_);
        loop_->changed = std::move(now);
        return Value(!same);
    }
    fail("loop has no \"" + name + "\" to call");
}

Value Interpreter::range(const Arguments& arguments) {
    const std::size_t given = arguments.values.size();
    if (given < 1 || given > 3) fail("range takes one to three numbers");
    const std::int64_t first = given > 1 ? arguments.integer_or(0, "", 0) : 0;
    const std::int64_t last = arguments.integer_or(given > 1 ? 1 : 0, "", 0);
    const std::int64_t step = arguments.integer_or(2, "", 1);
    if (step == 0) fail("the step of a range is zero");
    const auto distance = static_cast<double>(last) - static_cast<double>(first);
    if (distance / static_cast<double>(step) > static_cast<double>(kMostInRange)) {
        throw Failure(Failure::Kind::Limit, "a range has more than " + std::to_string(kMostInRange) + " numbers");
    }
    List numbers;
    for (std::int64_t i = first; step > 0 ? i < last : i > last;) {
        budget_.pay(1);
        numbers.emplace_back(i);
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return Value::list(std::move(numbers));
}

Value Interpreter::date(const Arguments& arguments) const {
    const std::string& format = arguments.require_text(0, "format").bytes();
    std::tm local = {};
    ::localtime_r(&now_, &local);
    if (format.size() > 64) fail("strftime_now: the format is too long");
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << std::put_time(&local, format.c_str());
    return Value(Text(out.str()));
}

}  // namespace sluice::local_engine::jinja
