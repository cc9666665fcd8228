#include "local_engine/gguf/printable.hpp"

namespace sluice::local_engine::gguf {

std::string printable(std::string_view name, std::size_t most) {
    std::string shown;
    for (const char c : name.substr(0, most)) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
    if (name.size() > most) shown += "...";
    return shown;
}

}  // namespace sluice::local_engine::gguf
