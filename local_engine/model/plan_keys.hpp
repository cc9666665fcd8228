// The metadata keys of one architecture, read with their bounds. The first wrong one is kept, so that a plan reads like
// a list. Used by the plan's readers only.
#pragma once

#include "local_engine/gguf/reader.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::local_engine {

// Far above any real model, far below where products of two could overflow.
inline constexpr std::int64_t kMostLayers = 1024;
inline constexpr std::int64_t kMostWidth = 1 << 20;
inline constexpr std::int64_t kMostHeads = 4096;
inline constexpr std::int64_t kMostHeadSize = 1024;
inline constexpr std::int64_t kMostExperts = 4096;
inline constexpr std::int64_t kMostVocabulary = 1 << 24;
inline constexpr std::int64_t kMostContext = 1 << 24;

class PlanKeys {
public:
    PlanKeys(const gguf::Reader& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

    std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) {
        return keep(file_.require_integer(name(key), least, most), least);
    }
    std::int64_t integer_or(std::string_view key, std::int64_t absent, std::int64_t least, std::int64_t most) {
        return keep(file_.integer_or(name(key), absent, least, most), least);
    }
    double number_or(std::string_view key, double absent, double least, double most) {
        const double value = keep(file_.number_or(name(key), absent), least);
        if (!(value >= least && value <= most)) fail(core::Errc::Corrupt, key, "out of range");
        return std::clamp(value, least, most);
    }
    bool boolean_or(std::string_view key, bool absent) { return keep(file_.boolean_or(name(key), absent), absent); }
    std::string_view string_or(std::string_view key, std::string_view absent) {
        if (has(key) && !file_.string(name(key))) fail(core::Errc::Corrupt, key, "not a string");
        return file_.string(name(key)).value_or(absent);
    }
    bool has(std::string_view key) const { return file_.has(name(key)); }

    void fail(core::Errc code, std::string_view key, std::string detail) {
        if (!error_) error_ = core::Error{code, std::move(detail), name(key)};
    }
    const std::optional<core::Error>& error() const { return error_; }
    const gguf::Reader& file() const { return file_; }

private:
    std::string name(std::string_view key) const { return prefix_ + "." + std::string(key); }
    template <class T>
    T keep(core::Result<T> value, T otherwise) {
        if (value) return *value;
        if (!error_) error_ = value.error();
        return otherwise;
    }

    const gguf::Reader& file_;
    std::string prefix_;
    std::optional<core::Error> error_;
};

}  // namespace sluice::local_engine
