// Masks a request reversibly: every finding that keeps it out of the cloud becomes a placeholder, and the result is
// judged again by the classifier. Only a result that policy would let go as it is counts: what cannot be masked (a
// name, a number, a credential), what is sensitive for another reason (declared, the team's floor, attachments, an
// earlier turn) and whatever the second look still finds makes the whole request unmaskable.
//
// Values are masked wherever they stand, also where no detector sees them ("my number is 555 0134 ... 555 0134?").
// Immutable, shared by all event loops. Cost: two classifications and a pass over the text.
#pragma once

#include "core/classified.hpp"
#include "core/result.hpp"
#include "policies/sensitivity/classifier.hpp"
#include "policies/sensitivity/placeholder.hpp"
#include "policies/team_policy.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace sluice::policies {

struct Redacted {
    core::Classified request;  // judged anew; its class is one that policy sends to the cloud
    std::shared_ptr<const PlaceholderMap> map;
    std::map<std::string, int> masked;  // places replaced, by type
};

struct RedactContext {
    ClassifyContext classify;       // as for the original
    core::Secret conversation_key;  // of the placeholders
    PlaceholderMap known = {};      // values of earlier turns, when policy keeps them
    // What earlier turns make of the request once these values are masked; replaces classify.conversation.
    std::function<core::DataClass(const PlaceholderMap&)> conversation = {};
};

class Redactor {
public:
    explicit Redactor(const Classifier& classifier) : classifier_(classifier) {}

    static constexpr int kMostRounds = 8;

    // Refused: it cannot be masked; the detail says why, in types and places, never in text.
    core::Result<Redacted> redact(const core::Classified& original, const TeamPolicy& policy,
                                  RedactContext context) const;

private:
    const Classifier& classifier_;
};

}  // namespace sluice::policies
