#include "policies/sensitivity/redactor.hpp"

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/known_values.hpp"
#include "policies/sensitivity/maskable.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::policies {

namespace {

using core::DataClass;
using core::Errc;
using core::Error;
using core::Finding;
using core::Json;
using core::Result;

Error unmaskable(std::string why) {
    return {Errc::Refused, std::move(why)};
}

// A finding and what is left of the way to its text.
struct Placed {
    const Finding* finding;
    JsonPath way;
};

// The member or element a step leads to; null when the body has no such place.
Json* step_to(Json& at, const std::string& step) {
    if (at.is_object()) {
        const auto found = at.find(step);
        return found == at.end() ? nullptr : &*found;
    }
    if (!at.is_array()) return nullptr;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error != std::errc{} || end != step.data() + step.size() || index >= at.size()) return nullptr;
    return &at[index];
}

bool is_worse(const Finding& a, const Finding& b) {
    if (a.data_class != b.data_class) return a.data_class > b.data_class;
    return a.score > b.score;
}

// One body while it is masked.
class Masker {
public:
    Masker(Json body, const core::Secret& key, PlaceholderMap known)
        : body_(std::move(body)), map_(std::move(known)), maker_(key) {
        forbid(body_);
    }

    const Json& body() const { return body_; }
    const PlaceholderMap& map() const { return map_; }
    std::map<std::string, int>& masked() { return masked_; }

    Result<void> mask(const std::vector<const Finding*>& findings) {
        std::vector<Placed> placed;
        for (const auto* finding : findings) {
            JsonPath way = parse_pointer(finding->part);
            if (!may_hold_placeholder(way))
                return unmaskable(finding->type +
                                  " stands where nothing can be masked: " + printable_pointer(finding->part));
            placed.push_back({finding, std::move(way)});
        }
        return mask_below(body_, std::move(placed), InArguments::No);
    }

    // Values that are known are masked wherever they stand; where they cannot be, the request stays here.
    Result<bool> mask_known() {
        const detail::KnownValues known{map_};
        JsonPath path;
        changed_ = false;
        if (auto walked = walk(body_, path, known, InArguments::No); !walked) return walked.error();
        return changed_;
    }

private:
    enum class InArguments { No, Yes };

    void forbid(const Json& json) {
        if (json.is_string()) maker_.forbid_tails_of(json.get_ref<const std::string&>());
        else if (json.is_structured())
            for (const auto& element : json) forbid(element);
        if (json.is_object())
            for (const auto& [key, _] : json.items()) maker_.forbid_tails_of(key);
    }

    // Groups findings by the string they are in, then masks string by string.
    Result<void> mask_below(Json& root, std::vector<Placed> placed, InArguments inside) {
        std::vector<std::pair<Json*, std::vector<Placed>>> strings;
        for (auto& one : placed) {
            Json* at = &root;
            std::size_t used = 0;
            bool arguments = inside == InArguments::Yes;
            for (; used < one.way.size() && one.way[used] != "#" && at != nullptr; ++used) {
                arguments = arguments || one.way[used] == "arguments";
                at = step_to(*at, one.way[used]);
            }
            if (at == nullptr || !at->is_string())
                return unmaskable(one.finding->type + " is not in a text: " + printable_pointer(one.finding->part));
            one.way.erase(one.way.begin(), one.way.begin() + static_cast<std::ptrdiff_t>(used));
            auto found = std::ranges::find(strings, at, &std::pair<Json*, std::vector<Placed>>::first);
            if (found == strings.end()) found = strings.insert(strings.end(), {at, {}});
            found->second.push_back(std::move(one));
        }
        for (auto& [json, here] : strings) {
            const bool arguments = inside == InArguments::Yes || is_arguments(*here.front().finding);
            auto& text = json->get_ref<std::string&>();
            if (auto done = mask_string(text, std::move(here), arguments ? InArguments::Yes : InArguments::No); !done)
                return done;
        }
        return {};
    }

    static bool is_arguments(const Finding& finding) { return finding.part.find("/arguments") != std::string::npos; }

    Result<void> mask_string(std::string& text, std::vector<Placed> placed, InArguments inside) {
        std::vector<Placed> nested;
        std::vector<const Finding*> direct;
        for (auto& one : placed)
            if (one.way.empty()) direct.push_back(one.finding);
            else nested.push_back(std::move(one));
        // Pasted JSON in a message is a text like others and keeps its spelling; arguments must stay JSON.
        if (!nested.empty() && (inside == InArguments::Yes || direct.empty())) {
            auto json = core::parse_json(text);
            if (!json) return unmaskable("JSON inside a text cannot be read");
            for (auto& one : nested) one.way.erase(one.way.begin());
            if (auto done = mask_below(*json, std::move(nested), inside); !done) return done;
            text = core::dump_json(*json);
            return {};
        }
        const bool was_json = inside == InArguments::Yes && core::parse_json(text).has_value();
        if (auto done = mask_ranges(text, direct); !done) return done;
        if (was_json && !core::parse_json(text)) return unmaskable("a finding crosses the structure of tool arguments");
        return {};
    }

    Result<void> mask_ranges(std::string& text, const std::vector<const Finding*>& findings) {
        struct Cut {
            ByteRange range;
            const Finding* worst;
        };
        std::vector<Cut> cuts;
        for (const auto* finding : findings) {
            if (finding->begin >= finding->end || finding->end > text.size())
                return unmaskable(finding->type + " has no place in its text");
            cuts.push_back({whole_graphemes(text, {finding->begin, finding->end}), finding});
        }
        std::ranges::stable_sort(cuts, {}, [](const Cut& cut) { return cut.range.begin; });
        std::vector<Cut> merged;
        for (const auto& cut : cuts) {
            if (merged.empty() || cut.range.begin >= merged.back().range.end) {
                merged.push_back(cut);
                continue;
            }
            auto& last = merged.back();
            last.range.end = std::max(last.range.end, cut.range.end);
            if (is_worse(*cut.worst, *last.worst)) last.worst = cut.worst;
        }
        std::string out;
        std::size_t done = 0;
        for (const auto& [range, worst] : merged) {
            if (touches_placeholder(text, range))
                return unmaskable(worst->type + " is found in what was masked already");
            const auto* placeholder =
                maker_.place(worst->type, std::string_view{text}.substr(range.begin, range.end - range.begin), map_);
            if (placeholder == nullptr) return unmaskable("there is more to mask than can be kept");
            out.append(text, done, range.begin - done);
            out += placeholder->text();
            ++masked_[placeholder->type];
            done = range.end;
        }
        out.append(text, done);
        text = std::move(out);
        return {};
    }

    bool touches_placeholder(std::string_view text, ByteRange range) const {
        constexpr std::size_t kReach = 64;
        for (std::size_t at = range.begin > kReach ? range.begin - kReach : 0; at < range.end; ++at)
            if (const auto* found = detail::placeholder_at(text, at, map_);
                found != nullptr && at + found->text().size() > range.begin)
                return true;
        return false;
    }

    Result<void> walk(Json& json, JsonPath& path, const detail::KnownValues& known, InArguments inside) {
        if (json.is_string()) return walk_text(json.get_ref<std::string&>(), path, known, inside);
        if (json.is_object()) {
            for (auto it = json.begin(); it != json.end(); ++it) {
                if (known.occur_in(it.key())) return unmaskable("a masked value is also the name of a member");
                path.push_back(it.key());
                if (auto done = walk(it.value(), path, known, inside); !done) return done;
                path.pop_back();
            }
        } else if (json.is_array()) {
            for (std::size_t i = 0; i < json.size(); ++i) {
                path.push_back(std::to_string(i));
                if (auto done = walk(json[i], path, known, inside); !done) return done;
                path.pop_back();
            }
        } else if (json.is_number() && known.occur_in(json.dump())) {
            return unmaskable("a masked value is also a number of the request");
        }
        return {};
    }

    Result<void> walk_text(std::string& text, JsonPath& path, const detail::KnownValues& known, InArguments inside) {
        if (inside == InArguments::No && !may_hold_placeholder(path)) {
            if (known.occur_in(text)) return unmaskable("a masked value also stands where nothing can be masked");
            return {};
        }
        if (inside == InArguments::No && path.back() == "arguments") {
            if (auto json = core::parse_json(text); json && json->is_structured()) {
                const bool before = std::exchange(changed_, false);
                if (auto done = walk(*json, path, known, InArguments::Yes); !done) return done;
                if (changed_) text = core::dump_json(*json);
                changed_ = changed_ || before;
                return {};
            }
        }
        if (known.mask(text, masked_)) changed_ = true;
        return {};
    }

    Json body_;
    PlaceholderMap map_;
    PlaceholderMaker maker_;
    std::map<std::string, int> masked_;
    bool changed_ = false;
};

// A card with its security code stays here, whichever of the two a detector knows.
bool has_card_with_code(const Json& json) {
    if (json.is_string()) return gives_card_security_code(json.get_ref<const std::string&>());
    if (json.is_object())
        for (const auto& [key, member] : json.items()) {
            if (has_card_with_code(member)) return true;
            if (member.is_number_unsigned() && gives_card_security_code(key + " " + member.dump())) return true;
            if (member.is_string() && gives_card_security_code(key + " " + member.get_ref<const std::string&>()))
                return true;
        }
    if (json.is_array()) return std::ranges::any_of(json, has_card_with_code);
    return false;
}

Result<void> refuse_what_never_leaves(const Classifier& classifier, const core::Classified& judged) {
    bool has_card = false;
    for (const auto& finding : judged.findings()) {
        if (finding.data_class == DataClass::Public) continue;
        if (classifier.masking(finding.type) == Masking::Never)
            return unmaskable(finding.type + " is never sent to a cloud, masked or not");
        has_card = has_card || finding.type == "CREDIT_CARD";
    }
    // Once for all cards: it reads the whole request.
    if (has_card && has_card_with_code(judged.request().body()))
        return unmaskable("a card with its security code is never sent to a cloud, masked or not");
    return {};
}

// What has to go: what policy would not let go by itself; else, when only the sum of harmless parts is too much, all
// parts.
Result<std::vector<const Finding*>> to_mask(const Classifier& classifier, const core::Classified& judged, const TeamPolicy& policy) {
    std::vector<const Finding*> needed;
    for (const auto& finding : judged.findings()) {
        if (policy.action(finding.data_class) == core::Action::Cloud) continue;
        if (classifier.masking(finding.type) != Masking::Mask) return unmaskable(finding.type + " cannot be masked");
        needed.push_back(&finding);
    }
    if (!needed.empty() || policy.action(judged.data_class()) == core::Action::Cloud) return needed;
    for (const auto& finding : judged.findings())
        if (finding.data_class > DataClass::Public && classifier.masking(finding.type) == Masking::Mask)
            needed.push_back(&finding);
    return needed;
}

}  // namespace

Result<Redacted> Redactor::redact(const core::Classified& original, const TeamPolicy& policy,
                                  RedactContext context) const {
    if (original.request().operation() == core::Operation::Embeddings)
        return unmaskable("an embedding of masked text is not one of the text");
    try {
        Masker masker{original.request().body(), context.conversation_key, std::move(context.known)};
        std::optional<core::Classified> judged;
        for (int round = 0; round < kMostRounds; ++round) {
            const auto& current = judged ? *judged : original;
            if (auto may = refuse_what_never_leaves(classifier_, current); !may) return may.error();
            const auto needed = to_mask(classifier_, current, policy);
            if (!needed) return needed.error();
            if (judged && needed->empty() && policy.action(judged->data_class()) == core::Action::Cloud)
                return Redacted{std::move(*judged), std::make_shared<const PlaceholderMap>(masker.map()),
                                masker.masked()};
            if (auto done = masker.mask(*needed); !done) return done.error();
            const auto known = masker.mask_known();
            if (!known) return known.error();
            if (needed->empty() && !*known)
                return unmaskable("still " + std::string{core::to_string(current.data_class())} +
                                  " after masking: " + current.reason());
            auto request = core::ChatRequest::from_json(masker.body());
            if (!request) return unmaskable("what was masked is not a valid request");
            auto again = context.classify;
            if (context.conversation) again.conversation = context.conversation(masker.map());
            judged.emplace(classifier_.classify(std::make_shared<const core::ChatRequest>(std::move(*request)), again));
        }
        return unmaskable("there is more to mask than can be kept");
    } catch (const std::exception&) {
        return unmaskable("masking failed");
    }
}

}  // namespace sluice::policies
