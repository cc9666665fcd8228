// Any bytes as rules of an organization's own. The first line is a regular expression, the rest a text that it is run on,
// a dictionary file and a file of policy cases: what is refused says why, what is accepted finds whole, non-empty places.
#include "gateway/config/policy_cases.hpp"
#include "policies/sensitivity/own_patterns.hpp"
#include "policies/sensitivity/term_file.hpp"
#include "policies/sensitivity/validators.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;
using namespace sluice::policies;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

bool continues(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
}

void run_pattern(std::string_view regex, std::string_view text, bool valid_text) {
    const OwnPattern pattern{.name = "p", .regex = std::string{regex}, .validator = regex.size() % 3 == 0 ? "mod97" : ""};
    const auto problems = OwnPatterns::check({pattern});
    if (!problems.empty()) {
        for (const auto& problem : problems) check(!problem.why.empty());
        return;
    }
    const OwnPatterns own{{pattern}};
    std::vector<OwnPatterns::Match> matches;
    own.find(text, "key", matches);
    std::size_t last = 0;
    for (const auto& [hit, data_class] : matches) {
        check(hit.begin >= last && hit.begin < hit.end && hit.end <= text.size());
        if (valid_text) check(!continues(text, hit.begin) && !continues(text, hit.end));
        last = hit.end;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t line = std::min(bytes.find('\n'), bytes.size());
    const auto text = bytes.substr(std::min(line + 1, bytes.size()));
    run_pattern(bytes.substr(0, line), text, std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    for (const char* name : {"luhn", "iban", "mod11_10", "verhoeff", "us_npi", "fr_nir", "mx_rfc", "it_codice_fiscale", "de_personalausweis"})
        (void)Validator::named(name)->passes(text.substr(0, 100));
    const auto terms = read_terms(text, core::DataClass::Confidential, 100);
    if (terms) check(terms->size() <= 100 && Dictionary{*terms}.size() <= terms->size());
    else check(!terms.error().detail.empty());
    const auto cases = gateway::parse_policy_cases(text);
    check(!cases.cases.empty() || !cases.problems.empty());
    for (const auto& problem : cases.problems) check(!problem.detail.empty());
    return 0;
}
