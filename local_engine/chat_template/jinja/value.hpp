// Values of a template: what Python would hold, reduced to what templates use. Lists and dictionaries never change once
// made, so no value can contain itself; the one thing that changes, a namespace, belongs to the rendering.
#pragma once

#include "local_engine/chat_template/jinja/text.hpp"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::local_engine::jinja {

// Ends a rendering: thrown inside of this folder, and caught where it is entered (Template::parse, Template::render).
class Failure : public std::runtime_error {
public:
    enum class Kind {
        Syntax,  // the template is not one this interpreter can run
        Run,     // an operation its operands do not allow
        Raised,  // raise_exception: the template refuses the conversation
        Limit,   // too many steps, too much text, too deep
    };
    Failure(Kind failed, const std::string& detail, int at_line = 0)
        : std::runtime_error(detail), kind(failed), line(at_line) {}

    Kind kind;
    int line;  // of the template; 0: not known yet
};

class Value;
using List = std::vector<Value>;
class Dict;
struct Namespace;
struct Statement;

struct Undefined {
    std::string_view name;  // lives in the template or in a constant
};
struct None {};
enum class Function { Range, Namespace, Dict, RaiseException, StrftimeNow, Cycle, Changed };
struct Macro {
    const Statement* statement;
};
// A container and how deeply it is nested: destructors and comparisons recurse, so the depth is limited where one is
// made.
struct SharedList {
    std::shared_ptr<const List> items;
    int depth = 1;
};
struct SharedDict {
    std::shared_ptr<const Dict> items;
    int depth = 1;
};

class Value {
public:
    using Any = std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>, SharedList,
                             SharedDict, Namespace*, Function, Macro>;

    Value() : any_(Undefined{}) {}
    template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value> && std::is_constructible_v<Any, T>) Value(T value)
        : any_(std::move(value)) {}
    explicit Value(Text text) : any_(std::make_shared<const Text>(std::move(text))) {}
    static Value none() { return Value(None{}); }
    static Value word(std::string_view word) { return Value(Text(std::string(word))); }  // of the template
    static Value integer(std::size_t number) { return Value(static_cast<std::int64_t>(number)); }
    static Value list(List items);  // Failure when nested too deeply
    static Value dict(Dict items);

    template <class T>
    const T* as() const {
        return std::get_if<T>(&any_);
    }
    const Any& any() const { return any_; }
    const Text* text() const;
    const List* list() const;
    const Dict* dict() const;
    bool undefined() const { return as<Undefined>() != nullptr; }
    bool is_none() const { return as<None>() != nullptr; }
    bool number() const { return as<std::int64_t>() != nullptr || as<double>() != nullptr; }
    bool callable() const { return as<Function>() != nullptr || as<Macro>() != nullptr; }
    bool iterable() const;
    bool truthy() const;
    int depth() const;
    std::string_view type_name() const;  // "list"

private:
    Any any_;
};

// Members in the order they were added; a name given twice keeps its place and the last value.
class Dict {
public:
    struct Member {
        Text name;
        Value value;
    };
    void set(Text name, Value value);
    const Value* find(std::string_view name) const;
    const std::vector<Member>& members() const { return members_; }
    std::size_t size() const { return members_.size(); }

private:
    std::size_t position(std::string_view name) const;  // size() when there is none

    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> index_;  // of larger ones
};

struct Namespace {
    Dict members;
};

// Counts what a rendering may still do; every loop over data of a client or template pays.
class Budget {
public:
    explicit Budget(std::int64_t steps) : steps_(steps) {}
    void pay(std::size_t steps) {
        steps_ -= static_cast<std::int64_t>(steps);
        if (steps_ < 0) throw Failure(Failure::Kind::Limit, "the template takes too many steps");
    }
    void pay_bytes(std::size_t bytes) { pay(1 + bytes / 16); }

private:
    std::int64_t steps_;
};

bool equal(const Value& left, const Value& right, Budget& budget);
// -1, 0, 1; Failure for values without an order.
int compare(const Value& left, const Value& right);

// As Python's str(), and repr() for what lies in containers.
Text to_text(const Value& value, Budget& budget);
Text to_repr(const Value& value, Budget& budget);
std::string number_text(double number);

struct JsonStyle {
    int indent = -1;  // none
    std::string item_separator = ", ";
    std::string key_separator = ": ";
    bool sort_keys = false;
    bool ascii = false;
};
Text to_json(const Value& value, const JsonStyle& style, Budget& budget);

// Code points.
std::size_t length_of(std::string_view utf8);
std::vector<std::size_t> character_offsets(std::string_view utf8);  // and the end

[[noreturn]] void fail(const std::string& detail);

}  // namespace sluice::local_engine::jinja
