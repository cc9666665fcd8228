#include "policies/sensitivity/classifier.hpp"

#include "policies/sensitivity/detectors.hpp"
#include "policies/sensitivity/text_parts.hpp"
#include "policies/sensitivity/text_view.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::policies {

namespace {

struct ScoredHit {
    Hit hit;
    std::optional<core::DataClass> data_class;  // of a dictionary term; otherwise the type's
};

// Two views of a text often find the same thing: of overlapping hits of one type the first stays.
void drop_doubles(std::vector<ScoredHit>& hits) {
    const auto by_type = [](const ScoredHit& a, const ScoredHit& b) {
        return a.hit.type != b.hit.type ? a.hit.type < b.hit.type : a.hit.begin < b.hit.begin;
    };
    std::ranges::stable_sort(hits, by_type);
    const auto same = [](const ScoredHit& kept, const ScoredHit& next) {
        return kept.hit.type == next.hit.type && next.hit.begin < kept.hit.end;
    };
    hits.erase(std::unique(hits.begin(), hits.end(), same), hits.end());
}

}  // namespace

// The findings and the class of one request while it is read. Its buffers are used again for every text.
class Classifier::Judgement {
public:
    explicit Judgement(const Classifier& classifier) : classifier_(classifier) {}

    void read(const TextPlace& place, std::string_view text) {
        hits_.clear();
        scan(text, place.key());
        if (hits_.empty()) return;
        std::ranges::stable_sort(hits_, {}, [](const ScoredHit& scored) { return scored.hit.begin; });
        for (const auto& scored : hits_) keep(scored, place);
    }

    core::DataClass data_class() const { return data_class_; }
    const std::string& reason() const { return reason_; }
    std::vector<core::Finding> take_findings() { return std::move(findings_); }

private:
    void scan(std::string_view text, std::string_view key) {
        scan_view(text, key, [](const Hit& hit) { return hit; });
        const auto view = folded(text);
        if (!view) return;
        scan_view(view->text(), key, [&](Hit hit) {
            hit.begin = view->original_begin(hit.begin);
            hit.end = view->original_end(hit.end);
            return hit;
        });
        drop_doubles(hits_);
    }

    template <class ToOriginal>
    void scan_view(std::string_view text, std::string_view key, const ToOriginal& to_original) {
        found_.clear();
        scan_text(text, key, found_);
        for (const Hit& hit : found_)
            if (hit.score >= classifier_.config_.cut) hits_.push_back({to_original(hit), std::nullopt});
        terms_.clear();
        classifier_.dictionary_.find(text, terms_);
        for (const auto& term : terms_)
            hits_.push_back({to_original({"ORG_TERM", term.begin, term.end, 0.95, "dictionary"}), term.data_class});
    }

    void keep(const ScoredHit& scored, const TextPlace& place) {
        const Hit& hit = scored.hit;
        const core::DataClass found = scored.data_class.value_or(classifier_.class_of(hit.type));
        const bool decides = data_class_ < found;
        if (decides) {
            data_class_ = found;
            reason_ = "finding:" + std::string{hit.type};
        }
        const bool full = findings_.size() >= classifier_.config_.most_findings;
        if (full && !decides) return;
        if (full && !findings_.empty()) findings_.pop_back();  // what decides is always on record
        findings_.push_back({.type = std::string{hit.type},
                             .message = place.message(),
                             .part = place.pointer(),
                             .begin = static_cast<std::uint32_t>(hit.begin),
                             .end = static_cast<std::uint32_t>(hit.end),
                             .score = hit.score,
                             .detector = std::string{hit.detector},
                             .data_class = found});
    }

    const Classifier& classifier_;
    std::vector<core::Finding> findings_;
    core::DataClass data_class_ = core::DataClass::Public;
    std::string reason_ = "none";
    std::vector<ScoredHit> hits_;
    std::vector<Hit> found_;
    std::vector<Dictionary::Match> terms_;
};

Classifier::Classifier(SensitivityConfig config) : config_(std::move(config)), dictionary_(config_.dictionary) {
    config_.dictionary.clear();
}

core::DataClass Classifier::class_of(std::string_view type) const {
    if (config_.classes.empty()) return default_class(type);
    const auto set = config_.classes.find(type);
    return set == config_.classes.end() ? default_class(type) : set->second;
}

core::Classified Classifier::classify(std::shared_ptr<const core::ChatRequest> request,
                                      const ClassifyContext& context) const noexcept {
    try {
        if (!request) throw std::invalid_argument{"nothing to judge"};
        Judgement judgement{*this};
        for_each_text(request->body(),
                      [&](const TextPlace& place, std::string_view text) { judgement.read(place, text); });
        core::DataClass data_class = judgement.data_class();
        std::string reason = judgement.reason();
        const auto raise = [&](core::DataClass to, const char* why) {
            if (data_class < to) reason = why;
            data_class = core::join(data_class, to);
        };
        if (request->has_attachments()) raise(context.attachments, "attachment");
        if (context.declared) raise(*context.declared, "declared");
        raise(context.conversation, "conversation");
        raise(context.floor, "team floor");
        return core::Classified{std::move(request), data_class, judgement.take_findings(), std::move(reason)};
    } catch (...) {
        // Out of memory, most likely: a reason that needs memory may fail as well.
        std::string reason;
        try {
            reason = "classifier failure";
        } catch (...) {
        }
        return core::Classified{std::move(request), core::DataClass::Restricted, {}, std::move(reason)};
    }
}

std::vector<core::Finding> Classifier::scan(std::string_view text) const {
    Judgement judgement{*this};
    judgement.read(TextPlace{}, text);
    return judgement.take_findings();
}

}  // namespace sluice::policies
