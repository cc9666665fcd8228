// Model files with one fault each. Each is refused with the key or tensor that is wrong, or does no harm.
#pragma once

#include "tests/support/tiny_model.hpp"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace sluice::local_engine::testing {

struct HostileFile {
    std::string name;
    std::string kind;  // of test::TinyModel
    std::function<void(test::TinyModel&)> change;
    std::string field = {};  // what the refusal names; empty: the model loads and answers
};

inline std::ostream& operator<<(std::ostream& out, const HostileFile& file) {
    return out << file.name << " of " << file.kind;
}

std::vector<HostileFile> hostile_numbers();       // of the plan: counts, sizes, positions
std::vector<HostileFile> hostile_tensors();       // missing, of another shape, type or place
std::vector<HostileFile> hostile_vocabularies();  // tokens, merges, special tokens
std::vector<HostileFile> hostile_texts();         // chat templates and names
std::vector<HostileFile> hostile_weights();       // values that are not numbers, and other values that are legal

// Cuts, and whole-file faults.
std::vector<HostileFile> hostile_headers();

}  // namespace sluice::local_engine::testing
