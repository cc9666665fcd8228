// Calls in the manner of Python, which Llama 4 writes: [name(key="text", other=3), name2()].
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

struct PythonCall {
    std::string name;
    std::string arguments;  // a JSON object
};

// Empty when the text is not such a list, all of it.
std::vector<PythonCall> parse_python_calls(std::string_view text);

}  // namespace sluice::local_engine
