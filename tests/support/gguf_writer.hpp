// Builds GGUF files in memory for tests: correct ones, and, because every field can be overridden, wrong ones.
#pragma once

#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/gguf/value.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice::test {

class GgufWriter {
public:
    using ValueType = local_engine::gguf::ValueType;
    using TensorType = local_engine::TensorType;

    // Overrides of what build() would write.
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::uint64_t alignment = 32;                // of the data section; does not write the key
    std::optional<std::int64_t> tensor_count{};  // instead of the true one
    std::optional<std::int64_t> entry_count{};

    // One metadata entry each; the C++ type decides the type in the file.
    template <class T>
    GgufWriter& set(std::string_view key, T value) {
        if constexpr (std::is_convertible_v<T, std::string_view>) {
            begin_entry(key, ValueType::String);
            put_string(entries_, value);
        } else {
            begin_entry(key, type_of<T>());
            put(entries_, value);
        }
        return *this;
    }
    template <class T>
    GgufWriter& set_array(std::string_view key, const std::vector<T>& values) {
        begin_entry(key, ValueType::Array);
        if constexpr (std::is_convertible_v<T, std::string_view>) {
            put(entries_, static_cast<std::int32_t>(ValueType::String));
        } else {
            put(entries_, static_cast<std::int32_t>(type_of<T>()));
        }
        put(entries_, static_cast<std::uint64_t>(values.size()));
        for (const auto& value : values) {
            if constexpr (std::is_convertible_v<T, std::string_view>) {
                put_string(entries_, value);
            } else {
                put(entries_, value);
            }
        }
        return *this;
    }
    // An entry whose type and value bytes are given as they are.
    GgufWriter& set_raw(std::string_view key, std::int32_t type, std::string_view bytes) {
        begin_entry(key, static_cast<ValueType>(type));
        entries_ += bytes;
        return *this;
    }

    // A tensor with its bytes, placed after the ones before.
    GgufWriter& tensor(std::string_view name, TensorType type, const std::vector<std::int64_t>& ne,
                       std::string_view bytes) {
        const std::uint64_t offset = aligned(data_.size());
        data_.resize(offset, '\0');
        data_ += bytes;
        return tensor_raw(name, static_cast<std::uint32_t>(ne.size()), ne, static_cast<std::int32_t>(type), offset);
    }
    GgufWriter& tensor(std::string_view name, const std::vector<std::int64_t>& ne, const std::vector<float>& values) {
        std::string bytes(values.size() * sizeof(float), '\0');
        if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
        return tensor(name, TensorType::F32, ne, bytes);
    }
    // Only the entry of the tensor list, with any number in any field.
    GgufWriter& tensor_raw(std::string_view name, std::uint32_t dims, const std::vector<std::int64_t>& ne,
                           std::int32_t type, std::uint64_t offset) {
        put_string(tensors_, name);
        put(tensors_, dims);
        for (const std::int64_t extent : ne) put(tensors_, extent);
        put(tensors_, type);
        put(tensors_, offset);
        ++tensors_written_;
        return *this;
    }
    GgufWriter& data(std::string_view bytes) {  // appended to the data section
        data_ += bytes;
        return *this;
    }

    std::string build() const {
        std::string file = magic;
        put(file, version);
        put(file, tensor_count.value_or(tensors_written_));
        put(file, entry_count.value_or(entries_written_));
        file += entries_;
        file += tensors_;
        if (tensors_written_ > 0) file.resize(aligned(file.size()), '\0');
        return file + data_;
    }

    template <class T>
    static constexpr ValueType type_of() {
        if constexpr (std::is_same_v<T, bool>) return ValueType::Bool;
        if constexpr (std::is_same_v<T, std::uint8_t>) return ValueType::U8;
        if constexpr (std::is_same_v<T, std::int8_t>) return ValueType::I8;
        if constexpr (std::is_same_v<T, std::uint16_t>) return ValueType::U16;
        if constexpr (std::is_same_v<T, std::int16_t>) return ValueType::I16;
        if constexpr (std::is_same_v<T, std::uint32_t>) return ValueType::U32;
        if constexpr (std::is_same_v<T, std::int32_t>) return ValueType::I32;
        if constexpr (std::is_same_v<T, std::uint64_t>) return ValueType::U64;
        if constexpr (std::is_same_v<T, std::int64_t>) return ValueType::I64;
        if constexpr (std::is_same_v<T, float>) return ValueType::F32;
        if constexpr (std::is_same_v<T, double>) return ValueType::F64;
        return ValueType::Array;
    }
    template <class T>
    static void put(std::string& to, T value) {
        char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        to.append(bytes, sizeof(T));
    }
    static void put_string(std::string& to, std::string_view text) {
        put(to, static_cast<std::uint64_t>(text.size()));
        to += text;
    }

private:
    void begin_entry(std::string_view key, ValueType type) {
        put_string(entries_, key);
        put(entries_, static_cast<std::int32_t>(type));
        ++entries_written_;
    }
    std::uint64_t aligned(std::uint64_t size) const { return (size + alignment - 1) / alignment * alignment; }

    std::string entries_;
    std::string tensors_;
    std::string data_;
    std::int64_t entries_written_ = 0;
    std::int64_t tensors_written_ = 0;
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace sluice::test
