#include "cache/redis_protocol.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <vector>

namespace sluice::cache {

namespace {

using core::Errc;
using core::Error;
using core::Result;

// hiredis builds its replies through these; it owns them until they are handed out.
void* make_string(const redisReadTask* task, char* bytes, std::size_t size) {
    auto reply = std::make_unique<RedisReply>();
    const bool error = task->type == REDIS_REPLY_ERROR;
    reply->kind = error ? RedisReply::Kind::Error : RedisReply::Kind::Text;
    std::string_view text(bytes, size);
    if (error) text = text.substr(0, std::min({text.find(' '), text.size(), std::size_t{32}}));
    reply->text = text;
    return reply.release();
}
void* refuse_array(const redisReadTask*, int) {
    return nullptr;
}
void* make_integer(const redisReadTask*, long long value) {
    auto reply = std::make_unique<RedisReply>();
    reply->kind = RedisReply::Kind::Integer;
    reply->integer = value;
    return reply.release();
}
void* make_nil(const redisReadTask*) {
    return std::make_unique<RedisReply>().release();
}
void free_reply(void* reply) {
    std::unique_ptr<RedisReply>{static_cast<RedisReply*>(reply)}.reset();
}

redisReplyObjectFunctions functions{make_string, refuse_array, make_integer, make_nil, free_reply};

Error not_redis() {
    return {Errc::Corrupt, "the Redis server answered with something else than Redis replies"};
}

}  // namespace

std::string format_command(std::span<const std::string_view> arguments) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto argument : arguments) {
        texts.push_back(argument.data());
        sizes.push_back(argument.size());
    }
    char* formatted = nullptr;
    const int size = redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()), texts.data(), sizes.data());
    if (size < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&redisFreeCommand)> owner(formatted, redisFreeCommand);
    return {formatted, static_cast<std::size_t>(size)};
}

void RedisReplies::FreeReader::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

RedisReplies::RedisReplies(std::size_t max_reply_bytes)
    : reader_(redisReaderCreateWithFunctions(&functions)), max_reply_bytes_(max_reply_bytes) {
    if (!reader_) throw std::bad_alloc();
}

Result<void> RedisReplies::feed(std::string_view bytes) {
    fed_ += bytes.size();
    if (fed_ > max_reply_bytes_ || redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
        return not_redis();
    return {};
}

Result<std::optional<RedisReply>> RedisReplies::next() {
    void* found = nullptr;
    if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK) return not_redis();
    if (found == nullptr) return std::optional<RedisReply>{};
    const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(found));
    fed_ = 0;
    return std::optional(std::move(*reply));
}

}  // namespace sluice::cache
