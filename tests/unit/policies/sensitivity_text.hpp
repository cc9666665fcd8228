// Made-up secrets with the shape of real ones, put together at run time so that no scanner of repositories takes them
// for real.
#pragma once

#include "policies/sensitivity/classifier.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

// `size` characters of the alphabet that look random and never change.
inline std::string made_up(std::size_t size, std::string_view alphabet = "aB3dE5fG7hJ9kL2mN4pQ6rS8tV0wXyZ1cUoIi") {
    std::string out;
    unsigned state = 12345;
    while (out.size() < size) {
        state = state * 1103515245U + 12345U;
        out += alphabet[(state >> 16U) % alphabet.size()];
    }
    return out;
}
inline std::string made_up_hex(std::size_t size) {
    return made_up(size, "0123456789abcdef");
}

inline std::vector<core::Finding> scan(std::string_view text) {
    return Classifier{{}}.scan(text);
}

// The types found, in order, separated by spaces.
inline std::string types(std::string_view text) {
    std::string out;
    for (const auto& finding : scan(text)) out += (out.empty() ? "" : " ") + finding.type;
    return out;
}

// The text of the first finding of that type; empty when there is none.
inline std::string found(std::string_view type, std::string_view text) {
    for (const auto& finding : scan(text))
        if (finding.type == type) return std::string{text.substr(finding.begin, finding.end - finding.begin)};
    return {};
}

}  // namespace sluice::policies
