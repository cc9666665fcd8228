// Something that changes the texts of an answer while they arrive: restoring placeholders, masking what should not come
// back. One filter object per text (the content of choice 0, the arguments of its second tool call, ...).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::router {

class TextFilter {
public:
    TextFilter() = default;
    TextFilter(const TextFilter&) = delete;
    TextFilter& operator=(const TextFilter&) = delete;
    virtual ~TextFilter() = default;

    virtual std::string feed(std::string_view piece) = 0;  // what can be passed on now
    virtual std::string finish() = 0;                      // the rest
};

enum class TextKind { Plain, Json };  // Json: arguments of a tool call
using MakeFilter = std::function<std::unique_ptr<TextFilter>(TextKind kind)>;

}  // namespace sluice::router
