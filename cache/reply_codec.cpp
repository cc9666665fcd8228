#include "cache/reply_codec.hpp"

#include <cstdint>

namespace sluice::cache {

namespace {

// Numbers are eight bytes, least significant first; texts have their length in front.
constexpr std::uint64_t kVersion = 1;

void write_number(std::string& out, std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xFFU);
}
void write_text(std::string& out, std::string_view text) {
    write_number(out, text.size());
    out.append(text);
}

// Reads until something is missing; then every further read fails too.
class Cursor {
public:
    explicit Cursor(std::string_view bytes) : rest_(bytes) {}

    std::uint64_t number() {
        if (rest_.size() < 8) return fail();
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i)
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
        rest_.remove_prefix(8);
        return value;
    }
    std::string text() {
        const std::uint64_t size = number();
        if (size > rest_.size()) {
            fail();
            return {};
        }
        std::string out(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return out;
    }
    std::uint64_t fail() {
        failed_ = true;
        rest_ = {};
        return 0;
    }
    std::size_t left() const { return rest_.size(); }
    bool ended_well() const { return !failed_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace

std::string encode_reply(const CachedReply& reply) {
    std::string out;
    write_number(out, kVersion);
    for (const core::Tokens count :
         {reply.usage.prompt, reply.usage.completion, reply.usage.cached, reply.usage.reasoning})
        write_number(out, static_cast<std::uint64_t>(count));
    write_number(out, reply.usage.estimated ? 1 : 0);
    write_number(out, reply.zone == core::Zone::Cloud ? 1 : 0);
    write_text(out, reply.target);
    write_text(out, reply.body);
    write_number(out, reply.chunks.size());
    for (const auto& chunk : reply.chunks) write_text(out, chunk);
    return out;
}

std::optional<CachedReply> decode_reply(std::string_view bytes) {
    Cursor in(bytes);
    if (in.number() != kVersion) return std::nullopt;
    CachedReply reply;
    for (core::Tokens* const count :
         {&reply.usage.prompt, &reply.usage.completion, &reply.usage.cached, &reply.usage.reasoning}) {
        *count = static_cast<core::Tokens>(in.number());
        if (*count < 0) return std::nullopt;
    }
    reply.usage.estimated = in.number() != 0;
    reply.zone = in.number() == 1 ? core::Zone::Cloud : core::Zone::Local;
    reply.target = in.text();
    reply.body = in.text();
    const std::uint64_t chunks = in.number();
    if (chunks > in.left() / 8) return std::nullopt;  // each has a length of eight bytes
    for (std::uint64_t i = 0; i < chunks; ++i) reply.chunks.push_back(in.text());
    if (!in.ended_well()) return std::nullopt;
    return reply;
}

}  // namespace sluice::cache
