#include "cache/redis_cache.hpp"

#include <array>
#include <utility>

#include "core/json.hpp"

namespace sluice::cache {

namespace {

constexpr std::string_view kPrefix = "sluice:answer:";

std::string name_of(const Key& key) { return std::string{kPrefix} + core::to_hex(key.digest()); }

std::string to_text(const CachedReply& reply) {
    return core::dump_json(core::Json{{"body", reply.body},
                                      {"chunks", reply.chunks},
                                      {"prompt", reply.usage.prompt},
                                      {"completion", reply.usage.completion},
                                      {"cached", reply.usage.cached},
                                      {"reasoning", reply.usage.reasoning},
                                      {"estimated", reply.usage.estimated},
                                      {"target", reply.target}});
}

// The text was sealed by a gateway with our secret, perhaps of another version: a surprise in it is a miss.
std::optional<CachedReply> from_text(const std::string& text) {
    const auto json = core::parse_json(text);
    if (!json) return std::nullopt;
    try {
        return CachedReply{.body = json->at("body").get<std::string>(),
                           .chunks = json->at("chunks").get<std::vector<std::string>>(),
                           .usage = {.prompt = json->at("prompt").get<core::Tokens>(),
                                     .completion = json->at("completion").get<core::Tokens>(),
                                     .cached = json->at("cached").get<core::Tokens>(),
                                     .reasoning = json->at("reasoning").get<core::Tokens>(),
                                     .estimated = json->at("estimated").get<bool>()},
                           .target = json->at("target").get<std::string>(),
                           .zone = core::Zone::Cloud};
    } catch (const core::Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

RedisCache::RedisCache(core::net::io_context& loop, RedisConfig config, const core::Secret& secret, std::chrono::seconds time_to_live)
    : client_(loop, std::move(config)), box_(secret, "redis cache"), time_to_live_(time_to_live) {}

core::awaitable<std::optional<CachedReply>> RedisCache::find(const Key& key) {
    if (key.may_leave_process() == MayLeaveProcess::No) co_return std::nullopt;
    const std::string name = name_of(key);
    const std::array<std::string_view, 2> words{"GET", name};
    const auto reply = co_await client_.command(words);
    if (!reply || reply->kind != RedisReply::Kind::Text) co_return std::nullopt;
    const auto text = box_.open(reply->text, name);
    if (!text) co_return std::nullopt;
    co_return from_text(*text);
}

core::awaitable<void> RedisCache::store(const Key& key, CachedReply reply) {
    if (key.may_leave_process() == MayLeaveProcess::No || reply.zone == core::Zone::Local) co_return;
    const std::string name = name_of(key);
    const std::string sealed = box_.seal(to_text(reply), name);
    const std::string seconds = std::to_string(time_to_live_.count());
    const std::array<std::string_view, 5> words{"SET", name, sealed, "EX", seconds};
    co_await client_.command(words);
}

}  // namespace sluice::cache
