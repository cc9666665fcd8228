#include "policies/sensitivity/term_file.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <fstream>
#include <string>
#include <system_error>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;

// Whether a dictionary would keep the term, judged without building one: a million lines are read.
bool can_be_found(std::string_view term) {
    if (term.size() > Dictionary::kMostTermBytes) return false;
    bool plain = false;
    for (const char c : term) {
        if (static_cast<unsigned char>(c) >= 0x80) return !Dictionary({{std::string{term}}}).empty();
        plain = plain || detail::is_alnum(c);
    }
    if (!plain) return false;
    std::size_t words = 0;
    for (std::size_t i = 0; i < term.size(); ++i)
        if (detail::is_alnum(term[i]) && (i == 0 || !detail::is_alnum(term[i - 1]))) ++words;
    return words <= Dictionary::kMostTermWords;
}

}  // namespace

core::Result<std::vector<DictionaryTerm>> read_terms(std::string_view bytes, core::DataClass data_class, std::size_t most) {
    std::vector<DictionaryTerm> terms;
    if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
    std::size_t number = 0;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        ++number;
        while (!line.empty() && detail::is_space(line.back())) line.remove_suffix(1);
        while (!line.empty() && detail::is_space(line.front())) line.remove_prefix(1);
        if (line.empty() || line.front() == '#') continue;
        if (!can_be_found(line))
            return Error{Errc::InvalidRequest, "line " + std::to_string(number) + ": a term needs a letter or digit, and at most " +
                                                   std::to_string(Dictionary::kMostTermBytes) + " bytes and " +
                                                   std::to_string(Dictionary::kMostTermWords) + " words"};
        if (terms.size() == most)
            return Error{Errc::TooLarge, "line " + std::to_string(number) + ": more than " + std::to_string(kMostDictionaryTerms) +
                                             " terms in all dictionaries together"};
        terms.push_back({std::string{line}, data_class});
    }
    return terms;
}

core::Result<std::vector<DictionaryTerm>> read_term_file(const std::filesystem::path& file, core::DataClass data_class, std::size_t most) {
    std::error_code wrong;
    const bool regular = std::filesystem::is_regular_file(file, wrong);
    const auto size = regular ? std::filesystem::file_size(file, wrong) : 0;
    if (!regular || wrong) return Error{Errc::NotFound, file.string() + " is not a readable file"};
    if (size > kMostTermFileBytes) return Error{Errc::TooLarge, file.string() + " is larger than " + std::to_string(kMostTermFileBytes) + " bytes"};
    std::ifstream stream{file, std::ios::binary};
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!stream || !stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
        return Error{Errc::NotFound, file.string() + " cannot be read"};
    auto terms = read_terms(bytes, data_class, most);
    if (!terms) return Error{terms.error().code, file.string() + ": " + terms.error().detail};
    return terms;
}

}  // namespace sluice::policies
