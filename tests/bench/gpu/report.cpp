#include "tests/bench/gpu/report.hpp"

#include <fmt/format.h>

namespace sluice::local_engine::bench {
namespace {

double percent(double value, double ceiling) {
    return ceiling > 0 ? 100.0 * value / ceiling : 0.0;
}
std::string percent_text(double value, double ceiling) {
    return ceiling > 0 ? fmt::format("{:5.1f} %", percent(value, ceiling)) : "      -";
}

std::string row(const Measured& m, const Ceilings& ceilings) {
    std::string text = fmt::format("  {:<20} {:5} {:7} ", m.what, m.batch, m.context);
    if (m.microseconds <= 0) return text + m.left_out + "\n";
    text += fmt::format("{:12.1f} us {:5.0f} % ", m.microseconds, 100.0 * m.spread);
    if (m.gigabytes > 0)
        text += fmt::format("{:8.1f} GB/s ", m.gb_per_second()) + percent_text(m.gb_per_second(), ceilings.copy_gb);
    if (m.flops > 0) text += fmt::format("{:8.1f} TF/s ", m.tflops()) + percent_text(m.tflops(), ceilings.bf16_tflops);
    if (m.tokens > 0) text += fmt::format(" {:10.1f} tok/s", m.tokens_per_second());
    text += fmt::format("  {} kernels", m.kernels);
    return text + (m.left_out.empty() ? "" : " (" + m.left_out + ")") + "\n";
}

core::Json json_of(const Measured& m, const Ceilings& ceilings) {
    core::Json out{{"what", m.what}, {"batch", m.batch}, {"context", m.context}};
    if (!m.left_out.empty()) out["left_out"] = m.left_out;
    if (m.microseconds <= 0) return out;
    out["microseconds"] = m.microseconds;
    out["spread"] = m.spread;
    out["kernels"] = m.kernels;
    if (m.gigabytes > 0) out["gb_per_second"] = m.gb_per_second();
    if (m.gigabytes > 0 && ceilings.copy_gb > 0) out["percent_of_copy"] = percent(m.gb_per_second(), ceilings.copy_gb);
    if (m.flops > 0) out["tflops"] = m.tflops();
    if (m.flops > 0 && ceilings.bf16_tflops > 0) out["percent_of_bf16"] = percent(m.tflops(), ceilings.bf16_tflops);
    if (m.tokens > 0) out["tokens"] = m.tokens;
    if (m.tokens > 0) out["tokens_per_second"] = m.tokens_per_second();
    return out;
}

core::Json list_of(const std::vector<Measured>& all, const Ceilings& ceilings) {
    core::Json list = core::Json::array();
    for (const Measured& one : all) list.push_back(json_of(one, ceilings));
    return list;
}

}  // namespace

std::string table_of(const Ceilings& c) {
    if (c.copy_gb <= 0) return "ceilings: not measured, so nothing is shown in percent of them\n";
    return fmt::format(
        "ceilings: copy {:.0f} GB/s, read {:.0f} GB/s, dp4a {:.1f} TOPS, int8 mma.sync {:.1f} TOPS, bf16 mma.sync {:.1f} "
        "TFLOPS\n",
        c.copy_gb, c.read_gb, c.dp4a_tops, c.int8_tops, c.bf16_tflops);
}

std::string table_of(const ModelReport& report, const Ceilings& ceilings) {
    std::string text = fmt::format("{} {} on {}: {:.1f} B parameters, {:.2f} GB, {} of {} layers, cache of {} tokens\n",
                                   report.model, report.quant, report.device, report.parameters / 1e9,
                                   report.weight_bytes / 1e9, report.layers, report.whole_layers, report.cache_tokens);
    text += "  what                 batch context        median  spread\n";
    for (const auto* list : {&report.operations, &report.steps})
        for (const Measured& one : *list) text += row(one, ceilings);
    return text;
}

core::Json to_json(const Ceilings& c) {
    return {{"copy_gb_per_second", c.copy_gb},
            {"read_gb_per_second", c.read_gb},
            {"dp4a_tops", c.dp4a_tops},
            {"int8_mma_tops", c.int8_tops},
            {"bf16_mma_tflops", c.bf16_tflops}};
}

core::Json to_json(const ModelReport& report, const Ceilings& ceilings) {
    return {{"model", report.model},
            {"quant", report.quant},
            {"device", report.device},
            {"layers", report.layers},
            {"whole_layers", report.whole_layers},
            {"parameters", report.parameters},
            {"weight_bytes", report.weight_bytes},
            {"cache_tokens", report.cache_tokens},
            {"operations", list_of(report.operations, ceilings)},
            {"steps", list_of(report.steps, ceilings)}};
}

}  // namespace sluice::local_engine::bench
