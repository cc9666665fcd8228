// Little-endian fields of journal records, whatever the machine.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::policies {

template <std::unsigned_integral Integer>
void store(char* at, Integer value) {
    for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<char>(value >> (8 * i));
}

template <std::unsigned_integral Integer>
Integer load(const char* at) {
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value = static_cast<Integer>(value | Integer{static_cast<unsigned char>(at[i])} << (8 * i));
    return value;
}

class ByteWriter {
public:
    explicit ByteWriter(std::string& out) : out_(out) {}
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value) { put(value); }
    void u64(std::uint64_t value) { put(value); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value)); }
    void text(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size()));
        out_.append(value);
    }

private:
    template <class Integer>
    void put(Integer value) {
        char bytes[sizeof value];
        store(bytes, value);
        out_.append(bytes, sizeof bytes);
    }
    std::string& out_;
};

// Reads past the end give zeros and make ok() false: one check at the end of a record is enough.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t u8() { return get<std::uint8_t>(); }
    std::uint32_t u32() { return get<std::uint32_t>(); }
    std::uint64_t u64() { return get<std::uint64_t>(); }
    std::int64_t i64() { return static_cast<std::int64_t>(get<std::uint64_t>()); }
    std::string_view text() {
        const std::uint32_t size = u32();
        if (size > rest_.size()) return fail(), std::string_view{};
        const auto value = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return value;
    }
    bool ok() const { return ok_; }
    bool finished() const { return ok_ && rest_.empty(); }

private:
    void fail() {
        ok_ = false;
        rest_ = {};
    }
    template <class Integer>
    Integer get() {
        if (rest_.size() < sizeof(Integer)) return fail(), Integer{0};
        const auto value = load<Integer>(rest_.data());
        rest_.remove_prefix(sizeof(Integer));
        return value;
    }
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace sluice::policies
