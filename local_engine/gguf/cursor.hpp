// Reading position in untrusted bytes. Every read checks what is left, so nothing built on it can leave the file.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace sluice::local_engine::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF values are read as they lie in the file");

class Cursor {
public:
    explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::size_t position() const { return position_; }
    std::size_t remaining() const { return bytes_.size() - position_; }

    // False, with nothing consumed, when the bytes end before the value does.
    template <class T>
    [[nodiscard]] bool read(T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        if (remaining() < sizeof(T)) return false;
        std::memcpy(&value, bytes_.data() + position_, sizeof(T));
        position_ += sizeof(T);
        return true;
    }

    [[nodiscard]] bool take(std::uint64_t count, std::span<const std::byte>& taken) {
        if (count > remaining()) return false;
        taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
        position_ += static_cast<std::size_t>(count);
        return true;
    }

    // A 64-bit length and that many bytes.
    [[nodiscard]] bool read_string(std::string_view& text) {
        const std::size_t start = position_;
        std::uint64_t length = 0;
        std::span<const std::byte> taken;
        if (!read(length) || !take(length, taken)) {
            position_ = start;
            return false;
        }
        text = std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
        return true;
    }

private:
    std::span<const std::byte> bytes_;
    std::size_t position_ = 0;
};

}  // namespace sluice::local_engine::gguf
