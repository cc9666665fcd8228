// The interpreter's front door: a chat template, parsed once when its model is loaded, run for every request.
//
// It is a subset of Jinja2, with the settings of Hugging Face's transformers. A template sees the variables it is given
// and nothing of the machine but the date; it cannot loop without paying for each step, nor write more than its
// limits allow, nor nest deeper than the stack holds. Immutable after parse(): any thread may render.
#pragma once

#include "core/result.hpp"
#include "local_engine/chat_template/jinja/value.hpp"

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::local_engine::jinja {

struct Program;

struct Limits {
    std::int64_t steps = 4'000'000;  // about one per node of the tree that is run, and per 16 bytes moved
    std::size_t output_bytes = std::size_t{16} << 20U;
    std::size_t text_bytes = std::size_t{16} << 20U;  // of one string
    int depth = 400;                                  // of calls and nested expressions together
};

using Variables = std::vector<std::pair<std::string, Value>>;

class Template {
public:
    // Unsupported (a statement, filter or test it does not know, by name; wrong syntax) or TooLarge; both say the line.
    static core::Result<Template> parse(std::string_view source);

    // InvalidRequest with what the template said when it refuses the conversation (without the client's own words), or
    // with what it could not do; TooLarge when a limit is reached. `now` is what strftime_now tells.
    core::Result<Text> render(const Variables& variables, std::time_t now, const Limits& limits = {}) const;

    // Whether a variable of that name is read or set anywhere.
    bool mentions(std::string_view variable) const;

private:
    explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_;
};

}  // namespace sluice::local_engine::jinja
