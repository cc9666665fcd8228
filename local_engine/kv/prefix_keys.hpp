// Names of cached prompt beginnings. The name of a page depends on the team, the model, and every token up to its end, so
// equal names mean equal keys and values, and no team can name another's pages: the first link is keyed with a secret of
// this process and every field is framed.
#pragma once

#include "core/crypto.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::local_engine {

using PageKey = core::Digest;

class PrefixKeys {
public:
    // model: whatever makes cached values differ (file, cache type, rope settings).
    PrefixKeys(const core::Secret& secret, std::string model) : hmac_(secret), model_(std::move(model)) {}

    PageKey root(std::string_view tenant) const;
    // The page behind `before` that holds these tokens.
    static PageKey next(const PageKey& before, std::span<const std::int32_t> tokens);

private:
    core::Hmac hmac_;
    std::string model_;
};

}  // namespace sluice::local_engine
