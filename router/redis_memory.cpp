#include "router/redis_memory.hpp"

#include <charconv>
#include <string>

namespace sluice::router {

namespace {

using core::Errc;
using core::Error;
using core::Result;

// Of each key its value with the length in front ("0:" for none): one reply of one kind, whatever the number of keys.
constexpr std::string_view kFind =
    "local out = {} for i, key in ipairs(KEYS) do local value = redis.call('GET', key) or '' out[i] = #value .. ':' .. "
    "value end "
    "return table.concat(out)";
constexpr std::string_view kStore =
    "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end return #KEYS";

// Classes above public; public is not kept. The braces put all keys into one slot of a cluster, as scripts need it.
constexpr int kClasses = 3;

std::string name_of(const policies::MemoryLabel& label, int data_class) {
    const std::string_view bytes{reinterpret_cast<const char*>(label.data()), label.size()};
    return "sluice:{memory}:1:" + core::to_hex(bytes) + ":" + std::to_string(data_class);
}

bool take(std::string_view& reply, std::string_view& value) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(reply.data(), reply.data() + reply.size(), size);
    const auto used = static_cast<std::size_t>(end - reply.data());
    if (error != std::errc{} || used >= reply.size() || *end != ':' || size > reply.size() - used - 1) return false;
    value = reply.substr(used + 1, size);
    reply.remove_prefix(used + 1 + size);
    return true;
}

}  // namespace

core::awaitable<Result<std::vector<policies::Remembered>>> RedisMemory::find(
    std::span<const policies::MemoryLabel> labels) {
    using Found = std::vector<policies::Remembered>;
    if (labels.empty()) co_return Found{};
    if (labels.size() > kMostLabels)
        co_return Error{Errc::TooLarge, "more texts than conversation memory can be asked for"};
    std::vector<std::string> names;
    for (const auto& label : labels)
        for (int data_class = 1; data_class <= kClasses; ++data_class) names.push_back(name_of(label, data_class));
    const std::string count = std::to_string(names.size());
    std::vector<std::string_view> words{"EVAL", kFind, count};
    words.insert(words.end(), names.begin(), names.end());
    const auto reply = co_await client_.command(words);
    if (!reply) co_return reply.error();
    if (reply->kind != cache::RedisReply::Kind::Text)
        co_return Error{Errc::Unavailable, "Redis refused to read conversation memory"};
    Found found;
    std::string_view rest = reply->text;
    for (const auto& name : names) {
        std::string_view value;
        if (!take(rest, value)) co_return Error{Errc::Corrupt, "conversation memory gave half an answer"};
        if (value.empty()) continue;
        const auto opened = box_.open(value, name);
        const auto remembered = opened ? policies::decode_remembered(*opened) : std::nullopt;
        // Something is known, but not what: somebody changed it.
        if (!remembered) co_return Error{Errc::Corrupt, "an entry of conversation memory is not ours"};
        found.push_back(*remembered);
    }
    co_return found;
}

core::awaitable<bool> RedisMemory::store(
    std::span<const std::pair<policies::MemoryLabel, policies::Remembered>> entries, std::chrono::seconds keep) {
    if (entries.empty()) co_return true;
    bool kept = true;
    for (std::size_t first = 0; first < entries.size(); first += kMostLabels) {
        std::vector<std::string> names;
        std::vector<std::string> values;
        for (std::size_t i = first; i < std::min(entries.size(), first + kMostLabels); ++i) {
            names.push_back(name_of(entries[i].first, static_cast<int>(entries[i].second.data_class)));
            values.push_back(box_.seal(policies::encode(entries[i].second), names.back()));
        }
        const std::string count = std::to_string(names.size());
        const std::string seconds = std::to_string(keep.count());
        std::vector<std::string_view> words{"EVAL", kStore, count};
        words.insert(words.end(), names.begin(), names.end());
        words.push_back(seconds);
        words.insert(words.end(), values.begin(), values.end());
        const auto reply = co_await client_.command(words);
        kept = kept && reply && reply->kind == cache::RedisReply::Kind::Integer;
    }
    co_return kept;
}

}  // namespace sluice::router
