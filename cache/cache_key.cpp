#include "cache/cache_key.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace sluice::cache {

namespace {

using core::Json;

// Part of every key: raised when what is stored, or how keys are made, changes.
constexpr std::string_view kVersion = "sluice-cache-1";
constexpr std::size_t kKeptBytes = std::size_t{64} << 10U;

// Writes values so that different ones never look alike: every kind has its mark, every length is in front.
class Canonical {
public:
    void number(std::uint64_t value) {
        if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);  // keys outlive a machine
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(std::string_view value) {
        number(value.size());
        bytes_.append(value);
    }
    void value(const Json& json);
    const std::string& bytes() const { return bytes_; }
    // For the next request. A buffer that grew long is given back.
    void clear() {
        if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
        bytes_.clear();
    }

    // Members in the order of their names, whatever order they came in.
    template <class Keep>
    void object(const Json& json, Keep keep) {
        using Member = std::pair<std::string_view, const Json*>;
        std::vector<Member> members;
        members.reserve(json.size());
        for (auto it = json.begin(); it != json.end(); ++it)
            if (keep(it.key())) members.emplace_back(it.key(), &it.value());
        std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.first < b.first; });
        bytes_ += '{';
        number(members.size());
        for (const auto& [name, member] : members) {
            text(name);
            value(*member);
        }
    }

private:
    std::string bytes_;
};

void Canonical::value(const Json& json) {
    switch (json.type()) {
        case Json::value_t::boolean: bytes_ += json.get<bool>() ? 't' : 'f'; return;
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
            bytes_ += json.is_number_unsigned() ? 'u' : 'i';
            return number(static_cast<std::uint64_t>(json.get<std::int64_t>()));
        case Json::value_t::number_float:
            bytes_ += 'd';
            return number(std::bit_cast<std::uint64_t>(json.get<double>()));
        case Json::value_t::string: bytes_ += '"'; return text(json.get_ref<const std::string&>());
        case Json::value_t::array:
            bytes_ += '[';
            number(json.size());
            for (const auto& element : json) value(element);
            return;
        case Json::value_t::object: return object(json, [](const std::string&) { return true; });
        default: bytes_ += 'n'; return;  // null; other kinds do not come out of a parser
    }
}

}  // namespace

KeyMaker::KeyMaker(const core::Secret& secret) : hmac_(secret) {}

Key KeyMaker::make(const core::ChatRequest& request, const core::Caller& caller, core::DataClass data_class,
                   std::string_view policy_version, MayLeaveProcess reach) const {
    if (data_class > core::DataClass::Internal) reach = MayLeaveProcess::No;
    thread_local Canonical canonical;  // its memory stays in the processor's cache
    canonical.clear();  // a call that ended with an exception leaves its beginning
    canonical.text(kVersion);
    canonical.number(static_cast<std::uint64_t>(caller.team.value));
    canonical.number(static_cast<std::uint64_t>(data_class));
    canonical.number(static_cast<std::uint64_t>(reach));  // what was kept in is not found by what may go out
    canonical.text(policy_version);
    canonical.number(request.stream() ? 1 : 0);
    canonical.number(request.stream() && request.include_usage() ? 1 : 0);
    canonical.object(request.body(),
                     [](const std::string& name) { return name != "stream" && name != "stream_options"; });
    Key key(hmac_.mac(canonical.bytes()), reach);
    canonical.clear();
    return key;
}

}  // namespace sluice::cache
