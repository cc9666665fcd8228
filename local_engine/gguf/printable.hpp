// Names come from untrusted files: messages, logs and tables show them short and without control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::local_engine::gguf {

// Printable ASCII, everything else as "?"; "..." behind what was cut.
std::string printable(std::string_view name, std::size_t most = 80);

}  // namespace sluice::local_engine::gguf
