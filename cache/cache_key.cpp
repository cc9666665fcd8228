#include "cache/cache_key.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::cache {

namespace {

// Every part is preceded by its length: no two lists of parts give the same bytes.
void append(std::string& out, std::string_view part) {
    const auto size = static_cast<std::uint64_t>(part.size());
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>((size >> shift) & 0xffU);
    out += part;
}

// Canonical form: members of objects sorted by name, kinds told apart by a first byte. Depth is bounded by the parser.
void append_value(std::string& out, const core::Json& value) {
    if (value.is_object()) {
        std::vector<const std::string*> names;
        names.reserve(value.size());
        for (const auto& [name, member] : value.items()) names.push_back(&name);
        std::ranges::sort(names, {}, [](const std::string* name) -> const std::string& { return *name; });
        append(out, "{" + std::to_string(names.size()));
        for (const auto* name : names) {
            append(out, *name);
            append_value(out, value[*name]);
        }
    } else if (value.is_array()) {
        append(out, "[" + std::to_string(value.size()));
        for (const auto& element : value) append_value(out, element);
    } else if (value.is_string()) {
        out += '"';
        append(out, value.get_ref<const std::string&>());
    } else {
        out += '=';
        append(out, core::dump_json(value));
    }
}

}  // namespace

KeyMaker::KeyMaker(const core::Secret& secret) : hmac_(core::Secret{"sluice cache key:" + std::string{secret.expose()}}) {}

Key KeyMaker::make(const core::ChatRequest& request, const core::Caller& caller, core::DataClass data_class,
                   std::string_view policy_version, MayLeaveProcess reach) const {
    if (data_class > core::DataClass::Internal) reach = MayLeaveProcess::No;
    std::string text;
    text.reserve(1024);
    append(text, std::to_string(caller.team.value));
    append(text, core::to_string(data_class));
    append(text, policy_version);
    append(text, reach == MayLeaveProcess::Yes ? "shared" : "process");
    append(text, request.include_usage() ? "usage" : "");
    core::Json body = request.body();
    body.erase("stream_options");
    append_value(text, body);
    return Key{hmac_.mac(text), reach};
}

}  // namespace sluice::cache
