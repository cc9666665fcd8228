#include "local_engine/gguf/parser.hpp"

#include "local_engine/gguf/printable.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <string>

namespace sluice::local_engine::gguf {
namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::int64_t kMaxEntries = 65'536;
constexpr std::int64_t kMaxTensors = 65'536;
constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kMaxTensorNameBytes = 64;
constexpr std::uint64_t kMaxStringBytes = std::uint64_t{1} << 24U;
constexpr std::uint64_t kMaxArrayElements = std::uint64_t{1} << 24U;
constexpr std::uint64_t kMaxAlignment = 65'536;
constexpr std::uint64_t kMinAlignment = 8;  // tensors of 8-byte elements are read in place

constexpr std::size_t kMinEntryBytes = 8 + 1 + 4 + 1;           // length, a one-byte key, type, a one-byte value
constexpr std::size_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // length, a one-byte name, n_dims, ne[0], type, offset

Error corrupt(std::string_view field, std::string detail) {
    return Error{Errc::Corrupt, std::move(detail), printable(field)};
}

Error cut_short(std::string_view field) {
    return corrupt(field, "the file ends in the middle of it");
}

// Bytes of one value; 0 for strings, arrays and unknown types.
std::size_t scalar_bytes(ValueType type) {
    switch (type) {
        case ValueType::U8:
        case ValueType::I8:
        case ValueType::Bool: return 1;
        case ValueType::U16:
        case ValueType::I16: return 2;
        case ValueType::U32:
        case ValueType::I32:
        case ValueType::F32: return 4;
        case ValueType::U64:
        case ValueType::I64:
        case ValueType::F64: return 8;
        default: return 0;
    }
}

}  // namespace

Result<void> Parser::run() {
    if (auto done = header(); !done) return done;
    if (auto done = metadata(); !done) return done;
    if (auto done = settle_alignment(); !done) return done;
    if (auto done = tensor_list(); !done) return done;
    if (auto done = check_tensor_names(); !done) return done;
    return place();
}

Result<void> Parser::header() {
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    if (!cursor_.read(magic) || magic != 0x46554747U) return corrupt("magic", "not a GGUF file");
    if (!cursor_.read(version)) return cut_short("version");
    if ((version & 0xFFFFU) == 0) return Error{Errc::Unsupported, "a big-endian file", "version"};
    if (version != 2 && version != 3) {
        return Error{Errc::Unsupported, "version " + std::to_string(version) + "; 2 and 3 are known", "version"};
    }
    if (!cursor_.read(tensor_count_)) return cut_short("n_tensors");
    if (!cursor_.read(entry_count_)) return cut_short("n_kv");
    if (tensor_count_ < 0 || tensor_count_ > kMaxTensors) {
        return corrupt("n_tensors", std::to_string(tensor_count_) + " is not a number of tensors");
    }
    if (entry_count_ < 0 || entry_count_ > kMaxEntries) {
        return corrupt("n_kv", std::to_string(entry_count_) + " is not a number of keys");
    }
    const std::size_t left = cursor_.remaining();
    if (static_cast<std::size_t>(entry_count_) > left / kMinEntryBytes) {
        return corrupt("n_kv", std::to_string(entry_count_) + " keys do not fit in the file");
    }
    if (static_cast<std::size_t>(tensor_count_) > left / kMinTensorBytes) {
        return corrupt("n_tensors", std::to_string(tensor_count_) + " tensors do not fit in the file");
    }
    return {};
}

Result<void> Parser::metadata() {
    auto& entries = reader_.entries_;
    entries.reserve(static_cast<std::size_t>(entry_count_));
    for (std::int64_t i = 0; i < entry_count_; ++i) {
        if (auto done = entry(); !done) return done;
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    const auto twin =
        std::adjacent_find(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key == b.key; });
    if (twin != entries.end()) return corrupt(twin->key, "the key appears twice");
    if (const auto parts = reader_.integer("split.count"); !reader_.may_be_split_ && parts && *parts > 1) {
        return Error{Errc::Unsupported, "one of " + std::to_string(*parts) + " parts; only a file can be split",
                     "split.count"};
    }
    return {};
}

Result<void> Parser::entry() {
    const std::string number = "key " + std::to_string(reader_.entries_.size());
    std::string_view key;
    if (!cursor_.read_string(key)) return cut_short(number);
    if (key.empty()) return corrupt(number, "the key is empty");
    if (key.size() > kMaxKeyBytes)
        return corrupt(key, "the key is longer than " + std::to_string(kMaxKeyBytes) + " bytes");
    std::int32_t type = 0;
    if (!cursor_.read(type)) return cut_short(key);
    auto read = type == static_cast<std::int32_t>(ValueType::Array) ? array(key) : value(key, type);
    if (!read) return read.error();
    reader_.entries_.push_back({key, *read});
    return {};
}

Result<Value> Parser::value(std::string_view key, std::int32_t type_id) {
    const auto integer = [&]<class T>(T number) -> Result<Value> {
        if (!cursor_.read(number)) return cut_short(key);
        return Value{static_cast<std::int64_t>(number)};
    };
    const auto real = [&]<class T>(T number) -> Result<Value> {
        if (!cursor_.read(number)) return cut_short(key);
        return Value{static_cast<double>(number)};
    };
    switch (static_cast<ValueType>(type_id)) {
        case ValueType::U8: return integer(std::uint8_t{});
        case ValueType::I8: return integer(std::int8_t{});
        case ValueType::U16: return integer(std::uint16_t{});
        case ValueType::I16: return integer(std::int16_t{});
        case ValueType::U32: return integer(std::uint32_t{});
        case ValueType::I32: return integer(std::int32_t{});
        case ValueType::I64: return integer(std::int64_t{});
        case ValueType::F32: return real(float{});
        case ValueType::F64: return real(double{});
        case ValueType::U64: {
            std::uint64_t number = 0;
            if (!cursor_.read(number)) return cut_short(key);
            if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return Value{number};
            return Value{static_cast<std::int64_t>(number)};
        }
        case ValueType::Bool: {
            std::uint8_t flag = 0;
            if (!cursor_.read(flag)) return cut_short(key);
            if (flag > 1) return corrupt(key, "a boolean that is neither 0 nor 1");
            return Value{flag == 1};
        }
        case ValueType::String: {
            std::string_view text;
            if (!cursor_.read_string(text)) return corrupt(key, "a string longer than the rest of the file");
            if (text.size() > kMaxStringBytes) return corrupt(key, "a string of more than 16 MiB");
            return Value{text};
        }
        default: return corrupt(key, "unknown value type " + std::to_string(type_id));
    }
}

Result<Value> Parser::array(std::string_view key) {
    std::int32_t type_id = 0;
    std::uint64_t count = 0;
    if (!cursor_.read(type_id) || !cursor_.read(count)) return cut_short(key);
    const auto type = static_cast<ValueType>(type_id);
    if (type == ValueType::Array) return corrupt(key, "an array of arrays");
    const std::size_t element = scalar_bytes(type);
    if (element == 0 && type != ValueType::String) {
        return corrupt(key, "unknown element type " + std::to_string(type_id));
    }
    if (count > kMaxArrayElements) return corrupt(key, "an array of " + std::to_string(count) + " elements");
    if (count > cursor_.remaining() / (type == ValueType::String ? sizeof(std::uint64_t) : element)) {
        return corrupt(key, "an array longer than the rest of the file");
    }
    Cursor start = cursor_;
    std::span<const std::byte> bytes;
    if (type != ValueType::String) {
        if (!cursor_.take(count * element, bytes)) return cut_short(key);
        return Value{Array(type, static_cast<std::size_t>(count), bytes)};
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string_view text;
        if (!cursor_.read_string(text)) {
            return corrupt(key, "string " + std::to_string(i) + " is longer than the rest of the file");
        }
        if (text.size() > kMaxStringBytes) return corrupt(key, "string " + std::to_string(i) + " has more than 16 MiB");
    }
    if (!start.take(cursor_.position() - start.position(), bytes)) return cut_short(key);
    return Value{Array(type, static_cast<std::size_t>(count), bytes)};
}

Result<void> Parser::settle_alignment() {
    constexpr std::string_view kKey = "general.alignment";
    if (!reader_.has(kKey)) return {};
    const auto alignment = reader_.integer(kKey);
    if (!alignment) return corrupt(kKey, "not an integer");
    const auto wanted = static_cast<std::uint64_t>(*alignment);
    if (*alignment < 0 || wanted < kMinAlignment || wanted > kMaxAlignment || !std::has_single_bit(wanted)) {
        return corrupt(kKey, std::to_string(*alignment) + " is not a power of two from 8 to 65536");
    }
    alignment_ = wanted;
    return {};
}

Result<void> Parser::tensor_list() {
    const auto count = static_cast<std::size_t>(tensor_count_);
    if (count > cursor_.remaining() / kMinTensorBytes) {
        return corrupt("n_tensors", std::to_string(count) + " tensors do not fit in the file");
    }
    reader_.tensors_.reserve(count);
    offsets_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (auto done = tensor_info(); !done) return done;
    }
    return {};
}

Result<void> Parser::tensor_info() {
    const std::string number = "tensor " + std::to_string(reader_.tensors_.size());
    std::string_view name;
    if (!cursor_.read_string(name)) return cut_short(number);
    if (name.empty()) return corrupt(number, "the name is empty");
    if (name.size() > kMaxTensorNameBytes) {
        return corrupt(name, "a tensor name of more than " + std::to_string(kMaxTensorNameBytes) + " bytes");
    }
    Tensor tensor;
    tensor.name = name;
    std::uint32_t dims = 0;
    if (!cursor_.read(dims)) return cut_short(name);
    if (auto done = dimensions(tensor, dims); !done) return done;

    std::uint64_t offset = 0;
    std::int32_t type_id = 0;
    if (!cursor_.read(type_id) || !cursor_.read(offset)) return cut_short(name);
    tensor.type = static_cast<TensorType>(type_id);
    const TypeTraits* block = traits(tensor.type);
    if (block == nullptr) return Error{Errc::Unsupported, "tensor type " + std::to_string(type_id), printable(name)};
    if (tensor.ne[0] % block->block_elements != 0) {
        return corrupt(name, "rows of " + std::to_string(tensor.ne[0]) + " values are not whole blocks of " +
                                 std::string(block->name));
    }
    auto bytes = static_cast<std::uint64_t>(tensor.ne[0] / block->block_elements);
    bool overflow = __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(block->block_bytes), &bytes);
    for (std::size_t i = 1; i < 4; ++i) {
        overflow = __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(tensor.ne[i]), &bytes) || overflow;
    }
    if (overflow || bytes > reader_.bytes_.size()) return corrupt(name, "the tensor is larger than the file");
    tensor.bytes = static_cast<std::size_t>(bytes);
    reader_.tensors_.push_back(std::move(tensor));
    offsets_.push_back(offset);
    return {};
}

Result<void> Parser::dimensions(Tensor& tensor, std::uint32_t count) {
    if (count < 1 || count > tensor.ne.size()) {
        return corrupt(tensor.name, std::to_string(count) + " dimensions; 1 to 4 are possible");
    }
    tensor.n_dims = static_cast<int>(count);
    std::int64_t elements = 1;
    for (std::size_t i = 0; i < count; ++i) {
        std::int64_t& extent = tensor.ne[i];
        if (!cursor_.read(extent)) return cut_short(tensor.name);
        if (extent < 1) return corrupt(tensor.name, "dimension " + std::to_string(i) + " is " + std::to_string(extent));
        if (__builtin_mul_overflow(elements, extent, &elements)) {
            return corrupt(tensor.name, "the number of elements overflows");
        }
    }
    return {};
}

// Names are looked up through an index sorted by name; neighbours that are equal are the same name twice.
Result<void> Parser::check_tensor_names() {
    const auto& tensors = reader_.tensors_;
    auto& order = reader_.tensors_by_name_;
    order.resize(tensors.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return tensors[a].name < tensors[b].name; });
    const auto twin = std::adjacent_find(order.begin(), order.end(),
                                         [&](auto a, auto b) { return tensors[a].name == tensors[b].name; });
    if (twin != order.end()) return corrupt(tensors[*twin].name, "the tensor appears twice");
    return {};
}

// Gives every tensor its bytes: aligned, inside the file, and apart from all others.
Result<void> Parser::place() {
    auto& tensors = reader_.tensors_;
    if (tensors.empty()) return {};
    const std::uint64_t file = reader_.bytes_.size();
    const std::uint64_t data_start = (cursor_.position() + alignment_ - 1) / alignment_ * alignment_;
    if (data_start > file) return corrupt(tensors.front().name, "the file ends before the tensor data");
    const std::uint64_t data_bytes = file - data_start;

    std::vector<std::uint32_t> order(tensors.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return offsets_[a] < offsets_[b]; });
    std::uint64_t used = 0;  // end of the tensor before
    for (const std::uint32_t index : order) {
        Tensor& tensor = tensors[index];
        const std::uint64_t offset = offsets_[index];
        if (offset % alignment_ != 0) {
            return corrupt(tensor.name,
                           "offset " + std::to_string(offset) + " is not a multiple of " + std::to_string(alignment_));
        }
        if (offset > data_bytes || tensor.bytes > data_bytes - offset) {
            return corrupt(tensor.name, "the data ends outside of the file");
        }
        if (offset < used) return corrupt(tensor.name, "the data overlaps another tensor");
        used = offset + tensor.bytes;
        tensor.data = reader_.bytes_.data() + data_start + offset;
    }
    return {};
}

}  // namespace sluice::local_engine::gguf
