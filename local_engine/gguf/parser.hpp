// Fills a Reader from its bytes: header, metadata, tensor list. Used by reader.cpp only.
//
// Work and memory stay proportional to the file: counts are compared with what is left of it before anything is
// reserved, strings and arrays are views, and names are made unique by sorting, which no choice of names can slow down.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/cursor.hpp"
#include "local_engine/gguf/reader.hpp"

#include <cstdint>
#include <string_view>

namespace sluice::local_engine::gguf {

class Parser {
public:
    explicit Parser(Reader& reader) : reader_(reader), cursor_(reader.bytes_) {}
    core::Result<void> run();

private:
    core::Result<void> header();
    core::Result<void> metadata();
    core::Result<void> entry();
    core::Result<Value> value(std::string_view key, std::int32_t type_id);
    core::Result<Value> array(std::string_view key);
    core::Result<void> settle_alignment();
    core::Result<void> tensor_list();
    core::Result<void> tensor_info();
    core::Result<void> dimensions(Tensor& tensor, std::uint32_t count);
    core::Result<void> place();
    core::Result<void> check_tensor_names();

    Reader& reader_;
    Cursor cursor_;
    std::int64_t tensor_count_ = 0;
    std::int64_t entry_count_ = 0;
    std::uint64_t alignment_ = 32;
    std::vector<std::uint64_t> offsets_;  // of each tensor in the data section
};

}  // namespace sluice::local_engine::gguf
