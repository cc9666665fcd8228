// Template source to tokens: text between tags (with Jinja's rules for white space applied), and what stands in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine::jinja {

struct Token {
    enum class Kind {
        Data,         // text outside of tags
        OutputBegin,  // {{
        OutputEnd,    // }}
        BlockBegin,   // {%
        BlockEnd,     // %}
        Name,
        String,  // escapes resolved
        Integer,
        Float,
        Operator,
        End,
    };
    Kind kind = Kind::End;
    std::string text;
    int line = 0;
};

// Templates of published models hold up to 20 KB.
inline constexpr std::size_t kMaxSource = 256 * 1024;

// As Hugging Face sets Jinja up: trim_blocks and lstrip_blocks on, one newline at the very end dropped. Throws Failure.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace sluice::local_engine::jinja
