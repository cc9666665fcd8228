// The Redis protocol without I/O, by hiredis. Replies may be anything: arrays, which no command of ours asks for, and
// oversized replies are refused before memory is taken for them.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct redisReader;

namespace sluice::cache {

struct RedisReply {
    enum class Kind { Nil, Text, Integer, Error };
    Kind kind = Kind::Nil;
    std::string text = {};  // bulk strings, status lines; of an error only its first word, "WRONGTYPE"
    std::int64_t integer = 0;
};

std::string format_command(std::span<const std::string_view> arguments);

class RedisReplies {
public:
    explicit RedisReplies(std::size_t max_reply_bytes);

    // Errors: Corrupt; nothing can be read any more then.
    core::Result<void> feed(std::string_view bytes);
    // The next complete reply, if there is one.
    core::Result<std::optional<RedisReply>> next();

private:
    struct FreeReader {
        void operator()(redisReader* reader) const;
    };
    std::unique_ptr<redisReader, FreeReader> reader_;
    std::size_t max_reply_bytes_;
    std::size_t fed_ = 0;  // since the last complete reply
};

}  // namespace sluice::cache
