// CachedReply as bytes and back. What comes back may be anything: it is checked to the last byte.
#pragma once

#include "cache/response_cache.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::cache {

std::string encode_reply(const CachedReply& reply);
std::optional<CachedReply> decode_reply(std::string_view bytes);

}  // namespace sluice::cache
