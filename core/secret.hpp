// A string that cannot be printed: provider keys, team keys, peppers. It has no formatter and no stream operator;
// the one way to its bytes is expose(), which is easy to search for in a review.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace sluice::core {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&&) noexcept = default;
    ~Secret();  // overwrites the bytes

    std::string_view expose() const { return value_; }
    bool empty() const { return value_.empty(); }
    // For messages: always "***".
    static std::string_view masked() { return "***"; }

private:
    std::string value_;
};

}  // namespace sluice::core
