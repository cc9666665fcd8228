#include "router/conversations.hpp"

#include "policies/sensitivity/known_values.hpp"

#include <algorithm>
#include <memory>

namespace sluice::router {

namespace {

using core::DataClass;
using policies::MemoryRules;
using policies::Remembered;

bool is_none(const policies::ConversationId& id) {
    return id == policies::ConversationId{};
}

// Keyed hashes of the masked values that stand in a text.
class ValuesIn {
public:
    ValuesIn(const policies::Redacted* redacted, const policies::TeamLabels& labels) : labels_(labels) {
        if (redacted != nullptr) values_ = std::make_unique<policies::detail::KnownValues>(*redacted->map);
    }
    std::vector<std::uint64_t> operator()(std::string_view text) const {
        std::vector<std::uint64_t> out;
        if (values_)
            for (const auto* placeholder : values_->in(text)) out.push_back(labels_.of_value(placeholder->value));
        return out;
    }

private:
    const policies::TeamLabels& labels_;
    std::unique_ptr<policies::detail::KnownValues> values_;  // 8 KB: not in a coroutine's frame
};

// The least sensitive class that policy masks.
std::optional<DataClass> masked_class(const policies::TeamPolicy& policy) {
    for (const auto data_class : {DataClass::Internal, DataClass::Confidential, DataClass::Restricted})
        if (policy.action(data_class) == core::Action::Redact) return data_class;
    return std::nullopt;
}

// What a text is that holds `values` of a masked request: with too many of them, nothing that masking could help.
Remembered remembered(DataClass as_it_is, DataClass masked, std::vector<std::uint64_t> values,
                      const policies::ConversationId& conversation) {
    if (values.empty() || values.size() > Remembered::kMostValues) return {as_it_is, as_it_is, {}, conversation};
    return {as_it_is, std::min(as_it_is, masked), std::move(values), conversation};
}

bool kept_values_occur(const Recalled& recalled, const core::ChatRequest& request) {
    const policies::detail::KnownValues kept{recalled.known};
    return std::ranges::any_of(recalled.labels.of_request(request), [&](const auto& text) { return kept.occur_in(text.text); });
}

std::vector<policies::MemoryLabel> labels_in(const std::vector<policies::LabelledText>& texts) {
    std::vector<policies::MemoryLabel> labels;
    labels.reserve(texts.size());
    for (const auto& text : texts) labels.push_back(text.label);
    return labels;
}

bool is_instruction(const core::Json& message) {
    const auto& role = message.at("role").get_ref<const std::string&>();
    return role == "system" || role == "developer";
}

}  // namespace

const policies::TeamLabels& Conversations::labels_of(core::TeamId team) {
    constexpr std::size_t kMostTeams = 4096;
    if (const auto found = labels_.find(team.value); found != labels_.end()) return found->second;
    if (labels_.size() >= kMostTeams) labels_.clear();
    return labels_.try_emplace(team.value, parts_.secret, team).first->second;
}

void Conversations::name(Recalled& recalled, const core::ChatRequest& request) {
    if (is_none(recalled.conversation)) recalled.conversation = recalled.labels.conversation_of(request);
}

std::vector<Remembered> Conversations::find(const std::vector<policies::MemoryLabel>& labels) {
    std::vector<Remembered> known;
    for (auto& found : parts_.memory.find(labels))
        if (found) known.push_back(std::move(*found));
    return known;
}

std::optional<Recalled> Conversations::recall_at_once(const core::ChatRequest& request, const core::Caller& caller,
                                                      const policies::TeamPolicy& policy) {
    if (policy.memory.store == MemoryRules::Store::Redis) return std::nullopt;
    std::optional<Recalled> out{std::in_place, labels_of(caller.team)};
    std::vector<Remembered> known;
    if (policy.memory.store != MemoryRules::Store::Off && parts_.memory.may_know(caller.team)) {
        out->texts = out->labels.of_request(request);
        known = find(labels_in(out->texts));
    }
    conclude(*out, std::move(known), request, caller, policy);
    return out;
}

core::awaitable<Recalled> Conversations::recall(const core::ChatRequest& request, const core::Caller& caller,
                                                const policies::TeamPolicy& policy) {
    if (auto here = recall_at_once(request, caller, policy)) co_return std::move(*here);
    Recalled out{labels_of(caller.team)};
    out.texts = out.labels.of_request(request);
    const auto asked = labels_in(out.texts);
    auto known = find(asked);
    bool reached = false;
    if (parts_.redis != nullptr) {
        const auto shared = co_await parts_.redis->find(asked);
        reached = shared.has_value();
        if (shared) known.insert(known.end(), shared->begin(), shared->end());
    }
    if (!reached) out.unreachable = policy.memory.unreachable;
    conclude(out, std::move(known), request, caller, policy);
    co_return out;
}

void Conversations::conclude(Recalled& recalled, std::vector<Remembered> known, const core::ChatRequest& request,
                             const core::Caller& caller, const policies::TeamPolicy& policy) {
    recalled.recollection = policies::Recollection{std::move(known)};
    recalled.conversation = recalled.recollection.conversation();
    if (!policy.redact.sticky) return;
    name(recalled, request);
    recalled.known = parts_.vault.find(caller.team, recalled.conversation,
                                       recalled.labels.conversation_key(recalled.conversation, "values"));
    if (recalled.known.empty()) return;
    // Values of earlier turns are masked even where nothing else would be.
    if (kept_values_occur(recalled, request)) recalled.kept_values = masked_class(policy).value_or(DataClass::Public);
}

core::awaitable<void> Conversations::remember_request(Recalled& recalled, const core::Classified& judged,
                                                      std::optional<DataClass> declared,
                                                      const policies::Redacted* redacted, const core::Caller& caller,
                                                      const policies::TeamPolicy& policy) {
    if (redacted != nullptr) name(recalled, judged.request());
    if (redacted != nullptr && policy.redact.sticky)
        parts_.vault.store(caller.team, recalled.conversation,
                           recalled.labels.conversation_key(recalled.conversation, "values"), *redacted->map,
                           policy.memory.keep);
    if (!anything_private(judged, declared, redacted)) co_return;
    const auto& request = judged.request();
    const auto& body = request.body();
    const ValuesIn values_in{redacted, recalled.labels};
    if (recalled.texts.empty() && policy.memory.store != MemoryRules::Store::Off) recalled.texts = recalled.labels.of_request(request);
    Entries entries;
    for (const auto& text : recalled.texts) {
        auto own = DataClass::Public;
        for (const auto& finding : judged.findings())
            // Of a line only its own findings would count, and those are found again with the line.
            if (text.whole && finding.message == text.message) own = core::join(own, finding.data_class);
        auto values = values_in(text.text);
        // What the header says, it says of the whole conversation so far, but not of instructions that others share.
        // Nor of short phrases, which are everybody's too; the answer, which is remembered, carries the talk on.
        constexpr std::size_t kOwnWords = 40;
        const bool instruction =
            text.message >= 0 && is_instruction(body.at("messages").at(static_cast<std::size_t>(text.message)));
        if (declared && text.text.size() >= kOwnWords && !instruction)
            own = core::join(own, *declared);
        if (own == DataClass::Public) continue;
        name(recalled, request);
        const auto masked = redacted == nullptr ? own : redacted->request.data_class();
        entries.emplace_back(text.label, remembered(own, masked, std::move(values), recalled.conversation));
    }
    co_await store(std::move(entries), caller.team, policy);
}

core::awaitable<void> Conversations::remember_answer(const Recalled& recalled, DataClass data_class,
                                                     const policies::Redacted* redacted,
                                                     const std::vector<std::string>& texts, core::TeamId team,
                                                     const policies::TeamPolicy& policy) {
    Entries entries;
    if (policy.memory.store != MemoryRules::Store::Off) {
        const ValuesIn values_in{redacted, recalled.labels};
        for (const auto& text : texts)
            for (const auto& part : recalled.labels.of_answer(text)) {
                auto values = values_in(part.text);
                // A model that saw placeholders only says nothing private where none of the values stands.
                const auto masked = redacted == nullptr ? data_class : redacted->request.data_class();
                const auto as_it_is = redacted != nullptr && values.empty() ? masked : data_class;
                if (as_it_is == DataClass::Public) continue;
                entries.emplace_back(part.label,
                                     remembered(as_it_is, masked, std::move(values), recalled.conversation));
            }
    }
    co_await store(std::move(entries), team, policy);
}

core::awaitable<void> Conversations::store(Entries entries, core::TeamId team, const policies::TeamPolicy& policy) {
    if (entries.empty() || policy.memory.store == MemoryRules::Store::Off) co_return;
    for (const auto& [label, known] : entries) parts_.memory.store(team, label, known, policy.memory.keep);
    if (policy.memory.store == MemoryRules::Store::Redis && parts_.redis != nullptr)
        co_await parts_.redis->store(entries, policy.memory.keep);
}

}  // namespace sluice::router
