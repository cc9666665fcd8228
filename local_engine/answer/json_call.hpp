// Reads one call written as a JSON object, {"name": ..., "arguments": {...}}, character by character: the arguments can
// leave before they are complete, in the model's own spelling.
#pragma once

#include <cstddef>
#include <string>

namespace sluice::local_engine {

// Follows one JSON value: knows where it ends. Anything goes in between; no recursion.
class JsonExtent {
public:
    bool feed(char c);  // true: `c` was the value's last character
    bool started() const { return started_; }
    // Numbers and words end at what follows them: the character given last is not part of the value.
    bool overran() const { return overran_; }

private:
    bool started_ = false, scalar_ = false, string_ = false, escaped_ = false, overran_ = false;
    std::size_t depth_ = 0;
};

class JsonCall {
public:
    enum class State { Reading, Done, Broken };

    State feed(char c);
    bool fresh() const { return at_ == At::Object; }  // not begun
    bool named() const { return named_; }             // the name is complete
    const std::string& name() const { return name_; }
    const std::string& id() const { return id_; }
    std::string take_arguments();  // since the last time; whole JSON text once all are put together

private:
    enum class At { Object, Key, Colon, Value, Next };
    enum class Member { Name, Arguments, Id, Other };
    State value(char c);
    void finish_value();

    At at_ = At::Object;
    Member member_ = Member::Other;
    JsonExtent extent_;
    std::string key_, value_;
    std::size_t wrapped_ = 0;  // objects around the call: {"type": "function", "function": {...}}
    bool streams_ = false;     // the arguments are an object: they leave as they come
    bool named_ = false;
    std::string name_, id_, arguments_;
};

}  // namespace sluice::local_engine
