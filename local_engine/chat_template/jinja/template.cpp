#include "local_engine/chat_template/jinja/template.hpp"

#include "local_engine/chat_template/jinja/interpreter.hpp"

#include <algorithm>

namespace sluice::local_engine::jinja {
namespace {

using core::Errc;
using core::Error;

std::string with_line(const Failure& failure) {
    std::string detail;
    if (failure.line > 0) detail = "line " + std::to_string(failure.line) + ": ";
    for (const char c : std::string_view(failure.what()))
        detail.push_back(static_cast<unsigned char>(c) < ' ' ? ' ' : c);
    return detail;
}

Error error_of(const Failure& failure) {
    switch (failure.kind) {
        case Failure::Kind::Syntax: return {Errc::Unsupported, with_line(failure), "tokenizer.chat_template"};
        case Failure::Kind::Raised:
            return {Errc::InvalidRequest,
                    "the model's chat template refuses this conversation: " + std::string(failure.what()), "messages"};
        case Failure::Kind::Limit: return {Errc::TooLarge, "chat template, " + with_line(failure), "messages"};
        case Failure::Kind::Run: break;
    }
    return {Errc::InvalidRequest, "the model's chat template cannot write this conversation: " + with_line(failure),
            "messages"};
}

}  // namespace

core::Result<Template> Template::parse(std::string_view source) {
    try {
        return Template(std::make_shared<const Program>(jinja::parse(source)));
    } catch (const Failure& failure) {
        return Error{failure.kind == Failure::Kind::Limit ? Errc::TooLarge : Errc::Unsupported, with_line(failure),
                     "tokenizer.chat_template"};
    }
}

core::Result<Text> Template::render(const Variables& variables, std::time_t now, const Limits& limits) const {
    try {
        Interpreter interpreter(*program_, now, limits);
        for (const auto& [name, value] : variables) {
            if (const auto symbol = program_->find(name)) interpreter.define(*symbol, value);
        }
        return interpreter.run();
    } catch (const Failure& failure) {
        return error_of(failure);
    }
}

bool Template::mentions(std::string_view variable) const {
    return program_->find(variable).has_value();
}

}  // namespace sluice::local_engine::jinja
