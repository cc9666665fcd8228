// Any bytes as a text: findings lie inside it, in order, and begin and end as the classifier promises.
#include "policies/sensitivity/classifier.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const policies::Classifier classifier{
        {.dictionary = {{"Project Bluefin"}, {"\xe6\x9c\xba\xe5\xaf\x86"}, {"acme"}, {"acme b c"}, {"M\xc3\xbcller"}},
         .cut = 0}};
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    std::size_t last = 0;
    for (const auto& finding : classifier.scan(text)) {
        if (finding.begin >= finding.end || finding.end > size || finding.begin < last) std::abort();
        if (!(finding.score >= 0 && finding.score <= 1) || finding.type.empty()) std::abort();
        last = finding.begin;
    }
    (void)policies::evaluate_line(classifier, text);
    return 0;
}
