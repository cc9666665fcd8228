#include "gateway/metrics/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::gateway {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void add(std::atomic<std::uint64_t>& counter, std::int64_t amount) {
    counter.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(amount, 0)), kRelaxed);
}

void header(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template <class... Args>
void line(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out.push_back('\n');
}

}  // namespace

void Histogram::observe(std::int64_t microseconds) {
    const auto bucket = std::ranges::lower_bound(kBounds, microseconds) - kBounds.begin();
    buckets_.at(static_cast<std::size_t>(bucket)).fetch_add(1, kRelaxed);
    add(sum_, microseconds);
}

void Histogram::write(std::string& out, const std::string& name, const std::string& labels) const {
    std::uint64_t total = 0;
    const std::string comma = labels.empty() ? "" : ",";
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
        total += buckets_[i].load(kRelaxed);
        line(out, "{}_bucket{{{}{}le=\"{}\"}} {}", name, labels, comma, static_cast<double>(kBounds[i]) / 1e6, total);
    }
    total += buckets_.back().load(kRelaxed);
    const std::string braces = labels.empty() ? "" : "{" + labels + "}";
    line(out, "{}_bucket{{{}{}le=\"+Inf\"}} {}", name, labels, comma, total);
    line(out, "{}_sum{} {}", name, braces, static_cast<double>(sum_.load(kRelaxed)) / 1e6);
    line(out, "{}_count{} {}", name, braces, total);
}

Metrics::Metrics(const std::vector<std::string>& target_names) {
    for (const auto& name : target_names) {
        targets_.push_back(std::make_unique<PerTarget>());
        targets_.back()->name = name;
    }
    targets_.push_back(std::make_unique<PerTarget>());
    targets_.back()->name = "none";
}

Metrics::PerTarget& Metrics::of(const std::string& target) {
    const auto found = std::ranges::find_if(targets_, [&](const auto& entry) { return entry->name == target; });
    return found == targets_.end() ? *targets_.back() : **found;
}

void Metrics::observe(const router::Decision& decision) {
    PerTarget& target = of(decision.target);
    target.requests.at(static_cast<std::size_t>(decision.outcome)).fetch_add(1, kRelaxed);
    target.duration.observe(decision.total_microseconds);
    if (decision.outcome != router::Outcome::CacheHit) {
        add(target.prompt_tokens, decision.usage.prompt);
        add(target.completion_tokens, decision.usage.completion);
        add(target.cost_nano_usd, decision.cost.value);
    }
    for (const auto& attempt : decision.attempts)
        if (attempt.result != "ok") of(attempt.target).failed_attempts.fetch_add(1, kRelaxed);
    classes_.at(static_cast<std::size_t>(decision.data_class)).at(static_cast<std::size_t>(decision.zone)).fetch_add(1, kRelaxed);
    cache_.at(static_cast<std::size_t>(decision.cache)).fetch_add(1, kRelaxed);
    actions_.at(static_cast<std::size_t>(decision.action)).fetch_add(1, kRelaxed);
    for (const auto& [_, places] : decision.masked) add(masked_, places);
    add(restored_, static_cast<std::int64_t>(decision.restored));
    add(response_findings_, static_cast<std::int64_t>(decision.response_findings.size()));
    if (decision.conversation) remembered_.fetch_add(1, kRelaxed);
    classify_.observe(decision.classify_microseconds);
}

std::string Metrics::render(const std::string& gauges) const {
    std::string out;
    header(out, "sluice_requests_total", "counter", "Requests by target and outcome.");
    for (const auto& target : targets_)
        for (std::size_t i = 0; i < kOutcomes; ++i)
            if (const auto count = target->requests[i].load(kRelaxed); count > 0)
                line(out, "sluice_requests_total{{target=\"{}\",outcome=\"{}\"}} {}", target->name,
                     router::to_string(static_cast<router::Outcome>(i)), count);
    header(out, "sluice_tokens_total", "counter", "Tokens settled, by target and kind.");
    for (const auto& target : targets_) {
        line(out, "sluice_tokens_total{{target=\"{}\",kind=\"prompt\"}} {}", target->name, target->prompt_tokens.load(kRelaxed));
        line(out, "sluice_tokens_total{{target=\"{}\",kind=\"completion\"}} {}", target->name, target->completion_tokens.load(kRelaxed));
    }
    header(out, "sluice_cost_nano_usd_total", "counter", "Settled cost in 1e-9 USD, by target.");
    for (const auto& target : targets_)
        line(out, "sluice_cost_nano_usd_total{{target=\"{}\"}} {}", target->name, target->cost_nano_usd.load(kRelaxed));
    header(out, "sluice_failed_attempts_total", "counter", "Attempts at a target that failed, retries included.");
    for (const auto& target : targets_)
        line(out, "sluice_failed_attempts_total{{target=\"{}\"}} {}", target->name, target->failed_attempts.load(kRelaxed));
    header(out, "sluice_data_class_total", "counter", "Requests by data class and the zone that served them.");
    for (std::size_t data_class = 0; data_class < classes_.size(); ++data_class)
        for (std::size_t zone = 0; zone < 2; ++zone)
            line(out, "sluice_data_class_total{{data_class=\"{}\",zone=\"{}\"}} {}", core::to_string(static_cast<core::DataClass>(data_class)),
                 core::to_string(static_cast<core::Zone>(zone)), classes_[data_class][zone].load(kRelaxed));
    header(out, "sluice_cache_total", "counter", "Look-ups in the prompt cache.");
    for (std::size_t i = 0; i < cache_.size(); ++i)
        line(out, "sluice_cache_total{{result=\"{}\"}} {}", router::to_string(static_cast<router::CacheStatus>(i)), cache_[i].load(kRelaxed));
    header(out, "sluice_action_total", "counter", "Requests by what policy did with them.");
    for (std::size_t i = 0; i < actions_.size(); ++i)
        line(out, "sluice_action_total{{action=\"{}\"}} {}", core::to_string(static_cast<core::Action>(i)), actions_[i].load(kRelaxed));
    const auto single = [&](std::string_view name, std::string_view help, const std::atomic<std::uint64_t>& value) {
        header(out, name, "counter", help);
        line(out, "{} {}", name, value.load(kRelaxed));
    };
    single("sluice_masked_values_total", "Places masked in requests before a cloud saw them.", masked_);
    single("sluice_restored_values_total", "Placeholders put back into answers.", restored_);
    single("sluice_response_findings_total", "Sensitive data found in answers of clouds.", response_findings_);
    single("sluice_conversation_recalled_total", "Requests that an earlier turn made more sensitive.", remembered_);
    header(out, "sluice_request_duration_seconds", "histogram", "From the parsed request to its settled result.");
    for (const auto& target : targets_) target->duration.write(out, "sluice_request_duration_seconds", "target=\"" + target->name + "\"");
    header(out, "sluice_classify_duration_seconds", "histogram", "Classification of one request.");
    classify_.write(out, "sluice_classify_duration_seconds", "");
    return out + gauges;
}

}  // namespace sluice::gateway
