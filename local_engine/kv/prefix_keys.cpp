#include "local_engine/kv/prefix_keys.hpp"

namespace sluice::local_engine {
namespace {

void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
}

void append_field(std::string& out, std::string_view field) {
    append_number(out, field.size(), 8);
    out += field;
}

}  // namespace

PageKey PrefixKeys::root(std::string_view tenant) const {
    std::string fields;
    append_field(fields, "sluice prefix cache");
    append_field(fields, tenant);
    append_field(fields, model_);
    return hmac_.mac(fields);
}

PageKey PrefixKeys::next(const PageKey& before, std::span<const std::int32_t> tokens) {
    std::string bytes(before.begin(), before.end());
    for (const std::int32_t token : tokens) append_number(bytes, static_cast<std::uint32_t>(token), 4);
    return core::sha256(bytes);
}

}  // namespace sluice::local_engine
