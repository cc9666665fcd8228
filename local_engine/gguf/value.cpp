#include "local_engine/gguf/value.hpp"

#include <limits>

namespace sluice::local_engine::gguf {
namespace {

template <class T>
T load(std::span<const std::byte> bytes, std::size_t index) {
    T value;
    std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
    return value;
}

}  // namespace

bool Array::of_integers() const {
    return type_ != ValueType::F32 && type_ != ValueType::F64 && type_ != ValueType::Bool &&
           type_ != ValueType::String && type_ != ValueType::Array;
}

bool Array::of_numbers() const {
    return of_integers() || type_ == ValueType::F32 || type_ == ValueType::F64;
}

std::int64_t Array::integer(std::size_t index) const {
    switch (type_) {
        case ValueType::U8: return load<std::uint8_t>(bytes_, index);
        case ValueType::I8: return load<std::int8_t>(bytes_, index);
        case ValueType::U16: return load<std::uint16_t>(bytes_, index);
        case ValueType::I16: return load<std::int16_t>(bytes_, index);
        case ValueType::U32: return load<std::uint32_t>(bytes_, index);
        case ValueType::I32: return load<std::int32_t>(bytes_, index);
        case ValueType::Bool: return load<std::uint8_t>(bytes_, index) != 0 ? 1 : 0;
        case ValueType::I64: return load<std::int64_t>(bytes_, index);
        case ValueType::U64: {
            const auto value = load<std::uint64_t>(bytes_, index);
            return value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                       ? -1
                       : static_cast<std::int64_t>(value);
        }
        default: return -1;
    }
}

double Array::number(std::size_t index) const {
    if (type_ == ValueType::F32) return static_cast<double>(load<float>(bytes_, index));
    if (type_ == ValueType::F64) return load<double>(bytes_, index);
    return static_cast<double>(integer(index));
}

}  // namespace sluice::local_engine::gguf
