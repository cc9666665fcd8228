// A GGUF file, mapped read-only: its metadata and where its tensors lie. The file is untrusted: open() checks every
// length, count, offset and type before use, so that everything handed out afterwards lies inside the file.
// Views, arrays and tensor data stay valid while the Reader lives. Immutable after open(): any thread may read.
// A file that somebody truncates while it is mapped ends the process (SIGBUS), unless populate() comes upon it first: replace
// model files, never rewrite them.
#pragma once

#include "core/result.hpp"
#include "local_engine/gguf/tensor_type.hpp"
#include "local_engine/gguf/value.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine::gguf {

struct Tensor {
    std::string name;
    TensorType type = TensorType::F32;
    std::array<std::int64_t, 4> ne{1, 1, 1, 1};  // fastest first: ne[0] is the length of a row; each at least 1
    int n_dims = 0;                              // 1 to 4
    const std::byte* data = nullptr;             // aligned to general.alignment, 32 unless the file says otherwise
    std::size_t bytes = 0;
};

class Reader {
public:
    // A model split into NAME-00001-of-0000N.gguf and so on is opened by its first part, the others beside it.
    // Errors: NotFound or Unavailable (the file cannot be opened), Corrupt (what is wrong with it; Error::field names
    // the metadata key or the tensor), Unsupported (a big-endian file, an obsolete version; from_bytes: a split file).
    static core::Result<std::unique_ptr<Reader>> open(const std::filesystem::path& path);
    static core::Result<std::unique_ptr<Reader>> from_bytes(std::span<const std::byte> bytes);  // copies them
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Metadata, or nothing when the key is absent or its value has another type.
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;  // integers too
    std::optional<std::string_view> string(std::string_view key) const;
    const Array* array(std::string_view key) const;
    bool has(std::string_view key) const { return find_value(key) != nullptr; }

    // The same for keys a model cannot do without: Corrupt, with the key as field, when absent, of another type or out
    // of [least, most].
    core::Result<std::int64_t> require_integer(std::string_view key, std::int64_t least = 0,
                                               std::int64_t most = std::numeric_limits<std::int32_t>::max()) const;
    core::Result<double> require_number(std::string_view key) const;  // finite
    core::Result<std::string_view> require_string(std::string_view key) const;
    core::Result<const Array*> require_strings(std::string_view key) const;
    // And for keys with a default: an absent key gives it, a wrong value is still an error.
    core::Result<std::int64_t> integer_or(std::string_view key, std::int64_t absent, std::int64_t least = 0,
                                          std::int64_t most = std::numeric_limits<std::int32_t>::max()) const;
    core::Result<double> number_or(std::string_view key, double absent) const;
    core::Result<bool> boolean_or(std::string_view key, bool absent) const;

    const Tensor* find(std::string_view name) const;
    std::span<const Tensor> tensors() const { return tensors_; }  // in the order of the file

    std::uint64_t file_bytes() const;  // of all parts

    // Reads the pages of a part of the file, at loading time rather than at the first request. Blocking. Unavailable
    // when the disk fails. `part` lies in a tensor of this file.
    core::Result<void> populate(std::span<const std::byte> part) const;

private:
    friend class Parser;
    struct Entry {
        std::string_view key;
        Value value;
    };

    Reader() = default;
    static core::Result<std::unique_ptr<Reader>> open_file(const std::filesystem::path& path);
    static core::Result<std::unique_ptr<Reader>> parsed(std::unique_ptr<Reader> reader);
    core::Result<void> join_parts(const std::filesystem::path& first);
    core::Result<void> join(std::unique_ptr<Reader> part, std::int64_t number, std::int64_t count);
    const Value* find_value(std::string_view key) const;

    struct alignas(64) Line {
        std::array<std::byte, 64> bytes;
    };

    std::span<const std::byte> bytes_;  // the whole file, in one of the two below
    void* mapping_ = nullptr;
    std::vector<Line> copy_;
    std::vector<Entry> entries_;  // sorted by key
    std::vector<Tensor> tensors_;
    std::vector<std::uint32_t> tensors_by_name_;
    bool may_be_split_ = false;
    std::vector<std::unique_ptr<Reader>> parts_;  // after this one, of a split model; their tensors are listed here
};

}  // namespace sluice::local_engine::gguf
