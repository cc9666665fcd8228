// What the pipeline asks of conversation memory: what a request's earlier turns were, and to remember this one. Brings
// together the labels (policies/sensitivity/conversation_memory.hpp), the process's store, Redis where policy says so,
// and the kept placeholders. One per event loop; what it refers to is shared.
#pragma once

#include "core/async.hpp"
#include "core/caller.hpp"
#include "core/classified.hpp"
#include "policies/sensitivity/conversation_memory.hpp"
#include "policies/sensitivity/redactor.hpp"
#include "policies/team_policy.hpp"
#include "router/placeholder_vault.hpp"
#include "router/redis_memory.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::router {

// What is known of one request's conversation.
struct Recalled {
    explicit Recalled(const policies::TeamLabels& team_labels) : labels(team_labels) {}

    policies::TeamLabels labels;
    std::vector<policies::LabelledText> texts;  // of the request; empty when memory is off or has nothing of the team
    policies::Recollection recollection;
    core::DataClass unreachable = core::DataClass::Public;  // raised when the store could not be asked
    policies::ConversationId conversation = {};  // none while nothing of it is private: see Conversations::name()
    policies::PlaceholderMap known;                         // kept values of the conversation
    core::DataClass kept_values = core::DataClass::Public;  // raised so that kept values in the request are masked

    core::DataClass data_class() const {
        return core::join(core::join(recollection.data_class(), unreachable), kept_values);
    }
    core::DataClass data_class_if_masked(const policies::PlaceholderMap& map) const {
        return core::join(recollection.data_class_if_masked(map, labels), unreachable);
    }
};

class Conversations {
public:
    struct Parts {
        const core::Secret& secret;  // of labels and keys; the same on all replicas that share Redis
        policies::ProcessMemory& memory;
        PlaceholderVault& vault;
        RedisMemory* redis = nullptr;  // null: no Redis is configured
    };
    explicit Conversations(Parts parts) : parts_(parts) {}

    // Names the conversation by its first message where no earlier turn does. Only what is masked or remembered needs it.
    static void name(Recalled& recalled, const core::ChatRequest& request);

    // From this process's memory; null where policy keeps it in Redis, which has to be waited for.
    std::optional<Recalled> recall_at_once(const core::ChatRequest& request, const core::Caller& caller,
                                           const policies::TeamPolicy& policy);
    core::awaitable<Recalled> recall(const core::ChatRequest& request, const core::Caller& caller,
                                     const policies::TeamPolicy& policy);

    // Whether remember_request() would have something to do.
    static bool anything_private(const core::Classified& judged, std::optional<core::DataClass> declared,
                                 const policies::Redacted* redacted) {
        return redacted != nullptr || declared || !judged.findings().empty();
    }
    // The request's own messages. `redacted`: null when it goes nowhere masked. Before anything of it is answered.
    core::awaitable<void> remember_request(Recalled& recalled, const core::Classified& judged,
                                           std::optional<core::DataClass> declared, const policies::Redacted* redacted,
                                           const core::Caller& caller, const policies::TeamPolicy& policy);
    // What was answered, before the client has the end of it.
    core::awaitable<void> remember_answer(const Recalled& recalled, core::DataClass data_class,
                                          const policies::Redacted* redacted, const std::vector<std::string>& texts,
                                          core::TeamId team, const policies::TeamPolicy& policy);

private:
    using Entries = std::vector<std::pair<policies::MemoryLabel, policies::Remembered>>;
    core::awaitable<void> store(Entries entries, core::TeamId team, const policies::TeamPolicy& policy);
    std::vector<policies::Remembered> find(const std::vector<policies::MemoryLabel>& labels);
    void conclude(Recalled& recalled, std::vector<policies::Remembered> known, const core::ChatRequest& request,
                  const core::Caller& caller, const policies::TeamPolicy& policy);
    const policies::TeamLabels& labels_of(core::TeamId team);

    Parts parts_;
    std::unordered_map<std::int64_t, policies::TeamLabels> labels_;  // derived when a team is first seen
};

}  // namespace sluice::router
