// The organization's own words (project names, customers, hosts), found wherever they stand as whole words, in any
// case. Terms are compared by their letters and digits: "Project Blue-Fin" also finds "project  blue_fin" and "PROJECT
// BLUE FIN". A hash table over word sequences: a scan costs the same for ten terms and for a million. Immutable,
// thread-safe.
#pragma once

#include "core/data_class.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::policies {

struct DictionaryTerm {
    std::string term;
    core::DataClass data_class = core::DataClass::Confidential;
};

class Dictionary {
public:
    static constexpr std::size_t kMostTermBytes = 256;
    static constexpr std::size_t kMostTermWords = 8;

    struct Match {
        std::size_t begin = 0;  // bytes
        std::size_t end = 0;
        core::DataClass data_class = core::DataClass::Confidential;
    };

    Dictionary() = default;
    // Terms without a letter or digit, longer than kMostTermBytes or of more than kMostTermWords words are left out.
    explicit Dictionary(const std::vector<DictionaryTerm>& terms);

    bool empty() const { return terms_.empty(); }
    std::size_t size() const { return terms_.size(); }
    // Appends the matches in order of their begin; of several that begin at one word the longest.
    void find(std::string_view text, std::vector<Match>& matches) const;

private:
    struct Entry {
        std::string words;  // folded words, one space between them
        core::DataClass data_class;
    };
    const Entry* lookup(std::uint64_t hash, std::string_view text, std::size_t begin, std::size_t end) const;
    // The next place at or behind `at`, where a word ended or the text begins, at which a word has to be looked at.
    std::size_t skip(std::string_view text, std::size_t at) const;
    bool may_start(std::string_view text, std::size_t at) const;

    std::vector<bool> starts_;     // by the first three bytes of a word: whether a term begins with them
    std::vector<bool> may_begin_;  // by the low bits of the hash of a word: false where no term begins so
    std::unordered_map<std::uint64_t, std::vector<Entry>> terms_;  // by the hash of their words
    std::unordered_map<std::uint64_t, std::uint8_t>
        most_words_;  // by the hash of the first word: longest term that begins so
};

}  // namespace sluice::policies
