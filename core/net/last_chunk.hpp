// Beast 1.81 (basic_parser.ipp, parse_chunk_header) asserts that five bytes are there when it looks at a last chunk for
// the second time. An empty body has no line end in front of it: cut inside "0\r\n\r\n" it leaves three or four, and
// the program ends. So whoever calls put() in the body of a chunked message waits for the fifth: no message that is
// whole ends sooner.
#pragma once

#include <string_view>

namespace sluice::core {

inline bool last_chunk_is_cut(std::string_view rest) {
    return rest.size() < 5 && rest.starts_with('0');
}

}  // namespace sluice::core
