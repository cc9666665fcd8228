#include "local_engine/gguf/reader.hpp"

#include "local_engine/gguf/parser.hpp"
#include "local_engine/gguf/printable.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace sluice::local_engine::gguf {
namespace {

using core::Errc;
using core::Error;
using core::Result;

#ifdef MADV_POPULATE_READ
constexpr int kPopulateRead = MADV_POPULATE_READ;
#else
constexpr int kPopulateRead = 22;  // Linux 5.14; older kernels answer EINVAL
#endif

Error missing(std::string_view key) {
    return Error{Errc::Corrupt, "the file does not have this key", std::string(key)};
}

Error wrong(std::string_view key, std::string detail) {
    return Error{Errc::Corrupt, std::move(detail), printable(key)};
}

struct Descriptor {
    int fd = -1;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::filesystem::path& path) {
    auto reader = open_file(path);
    if (!reader || (*reader)->integer("split.count").value_or(1) <= 1) return reader;
    if (auto joined = (*reader)->join_parts(path); !joined) return joined.error();
    return reader;
}

Result<void> Reader::join_parts(const std::filesystem::path& first) {
    const auto count = require_integer("split.count", 2, 1000);
    const auto number = require_integer("split.no", 0, 999);
    const auto total = require_integer("split.tensors.count", 1, 65'536);
    for (const auto* read : {&count, &number, &total}) {
        if (!*read) return read->error();
    }
    const auto ending = [&](std::int64_t part) {
        char text[40];
        std::snprintf(text, sizeof(text), "-%05d-of-%05d.gguf", static_cast<int>(part) + 1, static_cast<int>(*count));
        return std::string(text);
    };
    const std::string name = first.filename().string();
    if (*number != 0 || !name.ends_with(ending(0))) {
        return wrong("split.no", "a split model is opened by its first part, NAME" + ending(0));
    }
    const std::string stem = name.substr(0, name.size() - ending(0).size());
    for (std::int64_t part = 1; part < *count; ++part) {
        auto opened = open_file(first.parent_path() / (stem + ending(part)));
        if (!opened) return opened.error();
        if (auto joined = join(std::move(*opened), part, *count); !joined) return joined.error();
        if (std::ssize(tensors_) > *total) break;
    }
    if (std::ssize(tensors_) == *total) return {};
    return wrong("split.tensors.count",
                 "says " + std::to_string(*total) + " tensors, the parts hold " + std::to_string(tensors_.size()));
}

// Takes a part's tensors over; their bytes stay where they are, in the part.
Result<void> Reader::join(std::unique_ptr<Reader> part, std::int64_t number, std::int64_t count) {
    if (part->integer("split.no") != number || part->integer("split.count") != count) {
        return wrong("split.no", "part " + std::to_string(number + 1) + " of the split model says it is another one");
    }
    const auto by_name = [this](std::uint32_t a, std::uint32_t b) { return tensors_[a].name < tensors_[b].name; };
    for (const Tensor& tensor : part->tensors_) {
        if (find(tensor.name) != nullptr) return wrong(tensor.name, "the tensor is in two parts of the split model");
    }
    for (const Tensor& tensor : part->tensors_) {
        tensors_by_name_.push_back(static_cast<std::uint32_t>(tensors_.size()));
        tensors_.push_back(tensor);
    }
    std::sort(tensors_by_name_.begin(), tensors_by_name_.end(), by_name);
    parts_.push_back(std::move(part));
    return {};
}

std::uint64_t Reader::file_bytes() const {
    std::uint64_t bytes = bytes_.size();
    for (const auto& part : parts_) bytes += part->bytes_.size();
    return bytes;
}

Result<std::unique_ptr<Reader>> Reader::open_file(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not block the start
    if (file.fd < 0) {
        const int reason = errno;
        return Error{reason == ENOENT ? Errc::NotFound : Errc::Unavailable, std::strerror(reason), name};
    }
    struct stat status = {};
    if (::fstat(file.fd, &status) != 0) return Error{Errc::Unavailable, std::strerror(errno), name};
    if (!S_ISREG(status.st_mode)) return Error{Errc::Corrupt, "not a regular file", name};
    if (status.st_size <= 0) return Error{Errc::Corrupt, "the file is empty", name};

    std::unique_ptr<Reader> reader(new Reader);
    reader->may_be_split_ = true;
    const auto size = static_cast<std::size_t>(status.st_size);
    void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
    if (mapping == MAP_FAILED) return Error{Errc::Unavailable, std::strerror(errno), name};
    reader->mapping_ = mapping;
    reader->bytes_ = {static_cast<const std::byte*>(mapping), size};
    return parsed(std::move(reader));
}

Result<std::unique_ptr<Reader>> Reader::from_bytes(std::span<const std::byte> bytes) {
    std::unique_ptr<Reader> reader(new Reader);
    reader->copy_.resize((bytes.size() + sizeof(Line) - 1) / sizeof(Line));
    if (!bytes.empty()) std::memcpy(reader->copy_.data(), bytes.data(), bytes.size());
    reader->bytes_ = {reinterpret_cast<const std::byte*>(reader->copy_.data()), bytes.size()};
    return parsed(std::move(reader));
}

Result<std::unique_ptr<Reader>> Reader::parsed(std::unique_ptr<Reader> reader) {
    if (auto done = Parser(*reader).run(); !done) return done.error();
    return reader;
}

Reader::~Reader() {
    if (mapping_ != nullptr) ::munmap(mapping_, bytes_.size());
}

const Value* Reader::find_value(std::string_view key) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                     [](const Entry& entry, std::string_view wanted) { return entry.key < wanted; });
    return at != entries_.end() && at->key == key ? &at->value : nullptr;
}

const Tensor* Reader::find(std::string_view name) const {
    const auto at = std::lower_bound(
        tensors_by_name_.begin(), tensors_by_name_.end(), name,
        [this](std::uint32_t index, std::string_view wanted) { return tensors_[index].name < wanted; });
    return at != tensors_by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

std::optional<bool> Reader::boolean(std::string_view key) const {
    const Value* value = find_value(key);
    const bool* flag = value != nullptr ? std::get_if<bool>(value) : nullptr;
    return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

std::optional<std::int64_t> Reader::integer(std::string_view key) const {
    const Value* value = find_value(key);
    const std::int64_t* number = value != nullptr ? std::get_if<std::int64_t>(value) : nullptr;
    return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::optional<double> Reader::number(std::string_view key) const {
    if (const auto whole = integer(key)) return static_cast<double>(*whole);
    const Value* value = find_value(key);
    const double* real = value != nullptr ? std::get_if<double>(value) : nullptr;
    return real != nullptr ? std::optional(*real) : std::nullopt;
}

std::optional<std::string_view> Reader::string(std::string_view key) const {
    const Value* value = find_value(key);
    const std::string_view* text = value != nullptr ? std::get_if<std::string_view>(value) : nullptr;
    return text != nullptr ? std::optional(*text) : std::nullopt;
}

const Array* Reader::array(std::string_view key) const {
    const Value* value = find_value(key);
    return value != nullptr ? std::get_if<Array>(value) : nullptr;
}

Result<std::int64_t> Reader::require_integer(std::string_view key, std::int64_t least, std::int64_t most) const {
    if (!has(key)) return missing(key);
    const auto number = integer(key);
    if (!number) return wrong(key, "not an integer");
    if (*number < least || *number > most) {
        return wrong(key,
                     std::to_string(*number) + " is not from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return *number;
}

Result<double> Reader::require_number(std::string_view key) const {
    if (!has(key)) return missing(key);
    const auto real = number(key);
    if (!real || !std::isfinite(*real)) return wrong(key, "not a finite number");
    return *real;
}

Result<std::string_view> Reader::require_string(std::string_view key) const {
    if (!has(key)) return missing(key);
    const auto text = string(key);
    if (!text) return wrong(key, "not a string");
    return *text;
}

Result<const Array*> Reader::require_strings(std::string_view key) const {
    if (!has(key)) return missing(key);
    const Array* strings = array(key);
    if (strings == nullptr || strings->element_type() != ValueType::String)
        return wrong(key, "not an array of strings");
    return strings;
}

Result<std::int64_t> Reader::integer_or(std::string_view key, std::int64_t absent, std::int64_t least,
                                        std::int64_t most) const {
    if (!has(key)) return absent;
    return require_integer(key, least, most);
}

Result<double> Reader::number_or(std::string_view key, double absent) const {
    if (!has(key)) return absent;
    return require_number(key);
}

Result<bool> Reader::boolean_or(std::string_view key, bool absent) const {
    if (!has(key)) return absent;
    const auto flag = boolean(key);
    if (!flag) return wrong(key, "not a boolean");
    return *flag;
}

Result<void> Reader::populate(std::span<const std::byte> part) const {
    for (const auto& other : parts_) {
        if (part.data() >= other->bytes_.data() && part.data() < other->bytes_.data() + other->bytes_.size()) {
            return other->populate(part);
        }
    }
    if (mapping_ == nullptr || part.empty()) return {};
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto first = static_cast<std::size_t>(part.data() - bytes_.data()) / page * page;
    const auto end = static_cast<std::size_t>(part.data() - bytes_.data()) + part.size();
    std::byte* start = static_cast<std::byte*>(mapping_) + first;
    int result = 0;
    do {
        result = ::madvise(start, end - first, kPopulateRead);
    } while (result != 0 && (errno == EINTR || errno == EAGAIN));
    if (result == 0) return {};
    if (errno == EFAULT) return Error{Errc::Unavailable, "reading the model: the disk fails, or the file has become shorter"};
    if (errno != EINVAL) return Error{Errc::Unavailable, std::string("reading the model: ") + std::strerror(errno)};
    volatile std::byte sink{};  // an old kernel: touch the pages one by one
    for (std::size_t at = 0; at < end - first; at += page) sink = start[at];
    static_cast<void>(sink);
    return {};
}

}  // namespace sluice::local_engine::gguf
