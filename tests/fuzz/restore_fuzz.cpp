// Any answer in any pieces: the same comes out whatever the pieces are, little is ever held back, JSON stays JSON.
// Bytes 1 to 4 of the input stand for placeholders; the first byte says how the text is cut.
#include "core/json.hpp"
#include "policies/sensitivity/restore.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;

namespace {

std::shared_ptr<const policies::PlaceholderMap> values() {
    auto map = std::make_shared<policies::PlaceholderMap>();
    const policies::PlaceholderMaker maker{core::Secret{"fuzz"}};
    maker.place("EMAIL", "anna@berg.net", *map);
    maker.place("CREDIT_CARD", "4111 1111 1111 1111", *map);
    maker.place("ORG_TERM", "\"quoted\\\n[EMAIL_1_", *map);
    maker.place("PERSON", "Zo\xc3\xab", *map);
    return map;
}

std::string in_pieces(const std::string& text, std::size_t step, policies::RestoreIn kind,
                      const std::shared_ptr<const policies::PlaceholderMap>& map) {
    policies::Restorer restorer{map, kind};
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        out += restorer.feed(std::string_view{text}.substr(at, step));
        if (restorer.held() > policies::Restorer::kLongest + 12) std::abort();
    }
    return out + restorer.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto map = values();
    if (size == 0) return 0;
    std::string text;
    for (std::size_t i = 1; i < size; ++i) {
        if (data[i] >= 1 && data[i] <= 4) text += map->at(data[i] - 1U).text();
        else text += static_cast<char>(data[i]);
    }
    for (const auto kind : {policies::RestoreIn::Text, policies::RestoreIn::Json}) {
        const std::string whole = in_pieces(text, text.size() + 1, kind, map);
        if (in_pieces(text, 1 + data[0] % 16U, kind, map) != whole || in_pieces(text, 1, kind, map) != whole)
            std::abort();
        if (kind == policies::RestoreIn::Json && core::parse_json(text) && !core::parse_json(whole)) std::abort();
    }
    policies::PlaceholderMap decoded;
    (void)policies::PlaceholderMap::decode(text, decoded);
    return 0;
}
