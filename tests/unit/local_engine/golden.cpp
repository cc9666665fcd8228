#include "golden.hpp"

#include "core/json.hpp"
#include "tests/support/read_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>

namespace sluice::local_engine::testing {
namespace {

std::vector<float> read_floats(const std::filesystem::path& path) {
    const std::string bytes = test::read_file(path);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

using Row = std::span<const float>;

double mean(Row row) {
    return std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
}

// Squared error over the reference's variance; both rows centred first.
double nmse(Row got, Row reference) {
    const double got_mean = mean(got);
    const double reference_mean = mean(reference);
    double error = 0.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double r = static_cast<double>(reference[i]) - reference_mean;
        const double g = static_cast<double>(got[i]) - got_mean;
        error += (g - r) * (g - r);
        variance += r * r;
    }
    return error / variance;
}

std::vector<double> log_softmax(Row row) {
    const auto highest = static_cast<double>(*std::ranges::max_element(row));
    double total = 0.0;
    for (const float value : row) total += std::exp(static_cast<double>(value) - highest);
    std::vector<double> out;
    for (const float value : row) out.push_back(static_cast<double>(value) - highest - std::log(total));
    return out;
}

// Reference against got, in nats.
double divergence(Row got, Row reference) {
    const auto p = log_softmax(reference);
    const auto q = log_softmax(got);
    double sum = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) sum += std::exp(p[i]) * (p[i] - q[i]);
    return sum;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

struct Measures {
    std::vector<double> nmse, divergence;
    std::vector<bool> top1_kept;
};

Measures measure(const GoldenCase& golden, const std::vector<float>& logits) {
    Measures all;
    const auto width = static_cast<std::size_t>(golden.vocabulary);
    for (std::size_t i = 0; i < golden.positions.size(); ++i) {
        const Row got = Row(logits).subspan(i * width, width);
        const Row reference = Row(golden.logits).subspan(i * width, width);
        all.nmse.push_back(nmse(got, reference));
        all.divergence.push_back(divergence(got, reference));
        all.top1_kept.push_back(std::ranges::max_element(got) - got.begin() == golden.top1[i]);
    }
    return all;
}

std::string unusable(const GoldenCase& golden, const std::vector<float>& logits) {
    if (logits.size() != golden.logits.size()) return "wrong number of logits";
    const bool finite = std::ranges::all_of(logits, [](float value) { return std::isfinite(value); });
    return finite ? "" : "a logit is not finite";
}

std::string over(const std::string& what, double value, double limit) {
    if (value <= limit) return "";
    return what + " " + std::to_string(value / limit) + " times its limit; ";
}

struct Limits {
    double median, settled, margin, gap, share;
};

std::string judge(const GoldenCase& golden, const std::vector<float>& logits, const Limits& limits) {
    std::string complaint = unusable(golden, logits);
    if (!complaint.empty()) return complaint;
    const Measures all = measure(golden, logits);
    complaint = over("median NMSE", median(all.nmse), limits.median);
    std::size_t calm = 0;
    std::size_t off = 0;
    std::string positions;
    for (std::size_t i = 0; i < all.nmse.size(); ++i) {
        if (golden.router_margin[i] < limits.margin) continue;
        ++calm;
        if (all.nmse[i] <= limits.settled && (all.top1_kept[i] || golden.top1_gap[i] < limits.gap)) continue;
        ++off;
        positions += " " + std::to_string(golden.positions[i]);
    }
    if (static_cast<double>(off) > (1.0 - limits.share) * static_cast<double>(calm))
        complaint += "off at positions" + positions;
    return complaint;
}

std::vector<std::string> all_names() {
    return {"llama3-n-F16",      "llama3-n-Q8_0",      "llama3-k-Q8_0",  "llama3-k-Q6_K",    "llama3-k-Q5_K_M",
            "llama3-k-Q4_K_M",   "llama3-k-Q3_K_M",    "llama3-k-Q2_K",  "llama3-k-Q4_0",    "llama3-k-IQ4_XS",
            "mixtral-n-F16",     "mixtral-n-Q8_0",     "mixtral-n-Q5_0", "mixtral-k-Q4_K_M", "qwen3-n-F16",
            "qwen3-n-Q8_0",      "qwen3-k-Q4_K_M",     "qwen3moe-n-F16", "qwen3moe-n-Q8_0",  "qwen3moe-n-IQ4_NL",
            "qwen3moe-k-Q4_K_M", "qwen2-n-BF16",       "qwen2-k-Q6_K",   "qwen2-k-Q4_K_M",   "deepseek2-n-F16",
            "deepseek2-n-Q8_0",  "deepseek2-k-Q4_K_M", "llama4-n-F16",   "llama4-n-Q8_0",    "llama4-k-Q4_K_M",
            "gptoss-n-F16",      "gptoss-n-MXFP4",     "gemma3-n-F16",   "gemma3-n-Q8_0",    "gemma3-k-Q4_K_M"};
}

}  // namespace

std::vector<GoldenCase> read_golden(const std::filesystem::path& folder, const std::string& name) {
    const auto document = core::parse_json(test::read_file(folder / (name + ".json"))).value();
    std::vector<GoldenCase> cases;
    for (const auto& entry : document.at("cases")) {
        GoldenCase golden;
        golden.model = folder / document.at("model").get<std::string>();
        golden.name = entry.at("name").get<std::string>();
        golden.architecture = document.at("arch").get<std::string>();
        golden.vocabulary = entry.at("n_vocab").get<std::int64_t>();
        entry.at("tokens").get_to(golden.tokens);
        entry.at("positions").get_to(golden.positions);
        entry.at("top1").get_to(golden.top1);
        entry.at("greedy").get_to(golden.greedy);
        entry.at("top1_gap").get_to(golden.top1_gap);
        entry.at("router_margin").get_to(golden.router_margin);
        entry.at("greedy_gap").get_to(golden.greedy_gap);
        golden.router_margin.resize(golden.positions.size(), std::numeric_limits<double>::infinity());
        golden.logits = read_floats(folder / entry.at("logits").get<std::string>());
        const auto& native = entry.at("native");
        golden.native_nmse = native.at("nmse_median").get<double>();
        golden.native_kl = native.at("kl_median").get<double>();
        golden.native_top1 = native.at("top1_agreement").get<double>();
        cases.push_back(std::move(golden));
    }
    return cases;
}

std::filesystem::path bundled_goldens() {
    return std::filesystem::path(SLUICE_SOURCE_DIR) / "tests" / "data" / "engine";
}

std::optional<std::filesystem::path> shared_goldens() {
    const char* set = std::getenv("SLUICE_SHARED");
    const auto shared =
        set != nullptr ? std::filesystem::path(set) : std::filesystem::path(SLUICE_SOURCE_DIR) / ".." / "shared";
    const auto folder = shared / "engine-goldens";
    if (!std::filesystem::exists(folder / "README.md")) return std::nullopt;
    return folder;
}

std::vector<std::string> golden_names() {
    return all_names();
}

std::vector<std::string> bundled_names() {
    return {"llama3-n-Q8_0",  "mixtral-n-Q8_0", "qwen3-n-Q8_0",     "qwen3moe-n-Q8_0", "qwen3moe-k-Q4_K_M",
            "qwen2-k-Q4_K_M", "gptoss-n-MXFP4", "deepseek2-n-Q8_0", "llama4-n-Q8_0",   "gemma3-n-Q8_0"};
}

std::string judge_exact(const GoldenCase& golden, const std::vector<float>& logits) {
    // The reference takes GELU from a 16-bit table, so that exactness ends earlier there.
    if (golden.architecture == "gemma3") {
        return judge(golden, logits, {.median = 2e-5, .settled = 2e-4, .margin = 1e-4, .gap = 1e-2, .share = 1.0});
    }
    return judge(golden, logits, {.median = 1e-7, .settled = 1e-5, .margin = 1e-4, .gap = 1e-3, .share = 1.0});
}

std::string judge_half(const GoldenCase& golden, const std::vector<float>& logits) {
    return judge(golden, logits, {.median = 1e-4, .settled = 2e-3, .margin = 2e-2, .gap = 0.1, .share = 0.95});
}

std::string judge_quantised(const GoldenCase& golden, const std::vector<float>& logits) {
    std::string complaint = unusable(golden, logits);
    if (!complaint.empty()) return complaint;
    const Measures all = measure(golden, logits);
    const double kept =
        static_cast<double>(std::ranges::count(all.top1_kept, true)) / static_cast<double>(all.top1_kept.size());
    complaint = over("median NMSE", median(all.nmse), 2.0 * golden.native_nmse);
    complaint += over("median divergence", median(all.divergence), 2.0 * golden.native_kl);
    complaint += over("top-1 disagreement", 1.0 - kept, 1.0 - golden.native_top1 + 0.05 + 1e-9);
    return complaint;
}

std::string judge_greedy(const GoldenCase& golden, const std::vector<std::int32_t>& tokens, double gap) {
    for (std::size_t i = 0; i < golden.greedy.size(); ++i) {
        if (golden.greedy_gap[i] < gap) return "";
        if (i >= tokens.size() || tokens[i] != golden.greedy[i]) return "token " + std::to_string(i) + " differs";
    }
    return "";
}

}  // namespace sluice::local_engine::testing
