// Judges a request: every text of its body is scanned, and what was found is joined with what is known beforehand.
// Only this class makes a core::Classified. Immutable after construction, shared by all event loops without a lock.
#pragma once

#include "core/chat.hpp"
#include "core/classified.hpp"
#include "core/data_class.hpp"
#include "core/finding.hpp"
#include "policies/sensitivity/dictionary.hpp"
#include "policies/sensitivity/finding_rules.hpp"
#include "policies/sensitivity/maskable.hpp"
#include "policies/sensitivity/own_patterns.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

struct SensitivityConfig {
    std::vector<DictionaryTerm> dictionary;  // the organization's own words
    std::map<std::string, core::DataClass, std::less<>> classes =
        {};                           // finding type -> class, instead of the built-in one
    double cut = 0.5;                 // findings that score less are dropped
    std::size_t most_findings = 256;  // kept per request; all of them count for the class
    std::vector<OwnPattern> patterns = {};
    FindingRules rules = {};  // of all teams; a team's own come on top (ClassifyContext)
    AllowedValues allow = {};
};

// What is known about a request besides its text. The result is never less sensitive than any of them.
struct ClassifyContext {
    core::DataClass floor = core::DataClass::Public;         // of the team
    std::optional<core::DataClass> declared = std::nullopt;  // x-sluice-data-class
    core::DataClass attachments =
        core::DataClass::Restricted;  // of content parts that cannot be read; only if there are any
    core::DataClass conversation = core::DataClass::Public;  // what earlier turns were (conversation_memory.hpp)
    const FindingRules* rules = nullptr;  // of the team; outlives the call
};

class Classifier {
public:
    // A dictionary term that is empty or longer than Dictionary::kMostTermBytes is ignored, a pattern that
    // OwnPatterns::check() refuses throws std::invalid_argument: configuration refuses both.
    explicit Classifier(SensitivityConfig config);

    // Never throws: whatever goes wrong inside makes the request restricted, with the reason "classifier failure".
    // Cost: about a microsecond and 3 ns per byte of text.
    core::Classified classify(std::shared_ptr<const core::ChatRequest> request,
                              const ClassifyContext& context) const noexcept;

    // Findings of one text, in order of their begin; `message` is -1 and `part` empty. For `sluice classify` and tests.
    // `rules`: of the team whose text it is, if any.
    std::vector<core::Finding> scan(std::string_view text, const FindingRules* rules = nullptr) const;

    // masking_of(), and what the organization's own patterns say of their types.
    Masking masking(std::string_view type) const;

private:
    class Judgement;

    core::DataClass class_of(std::string_view type) const;

    SensitivityConfig config_;
    Dictionary dictionary_;
    OwnPatterns patterns_;
    FindingFilter filter_;
};

}  // namespace sluice::policies
