// A metadata value of a GGUF file, as it lies in the file: strings and arrays are views, checked when the file was
// opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <variant>

namespace sluice::local_engine::gguf {

enum class ValueType : std::int32_t {  // values are the ids of the file format
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
};

// An array inside the mapped file. Strings have no index (a hostile file could make it large): read them in order.
class Array {
public:
    Array(ValueType type, std::size_t size, std::span<const std::byte> bytes)
        : type_(type), size_(size), bytes_(bytes) {}

    ValueType element_type() const { return type_; }
    std::size_t size() const { return size_; }
    bool of_integers() const;  // any integer type: integer() works
    bool of_numbers() const;   // integers and floats: number() works

    std::int64_t integer(std::size_t index) const;  // index < size(); U64 above the range of the result gives -1
    double number(std::size_t index) const;

    // Calls use(std::string_view) for each string, in order; nothing when the elements are not strings.
    template <class Use>
    void for_each_string(Use&& use) const {
        if (type_ != ValueType::String) return;
        const std::byte* at = bytes_.data();
        for (std::size_t i = 0; i < size_; ++i) {
            std::uint64_t length = 0;
            std::memcpy(&length, at, sizeof(length));
            use(std::string_view(reinterpret_cast<const char*>(at + sizeof(length)), length));
            at += sizeof(length) + length;
        }
    }

private:
    ValueType type_;
    std::size_t size_;
    std::span<const std::byte> bytes_;
};

// Booleans are bool, every integer type is int64_t or (U64 only) uint64_t when too large for it, floats are double.
using Value = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view, Array>;

}  // namespace sluice::local_engine::gguf
