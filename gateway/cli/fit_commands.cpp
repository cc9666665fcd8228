// fit: whether a model fits a graphics card, before anybody buys or loads anything.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/gpu_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;
using local_engine::GpuCard;
using local_engine::GpuFit;

constexpr std::int64_t kMostGigabytes = 100'000;

core::Error wrong(std::string field, std::string what) {
    return {core::Errc::InvalidRequest, std::move(what), std::move(field)};
}

std::string known_cards() {
    std::string names;
    for (const GpuCard& card : local_engine::gpu_cards()) names += (names.empty() ? "" : ", ") + std::string(card.name);
    return names;
}

// The cards asked for: one by name, one by its memory, or all we know.
core::Result<std::vector<GpuCard>> cards_of(const Arguments& arguments) {
    if (const auto memory = arguments.get("--memory-gb")) {
        const auto number = parse_integer(*memory);
        if (!number || *number < 1 || *number > kMostGigabytes) {
            return wrong("--memory-gb", fmt::format("\"{}\" is not a number between 1 and {}", *memory, kMostGigabytes));
        }
        return std::vector{GpuCard{"given", static_cast<std::uint64_t>(*number) * 1'000'000'000U, 0}};
    }
    const auto name = arguments.get("--gpu");
    if (!name) return std::vector(local_engine::gpu_cards().begin(), local_engine::gpu_cards().end());
    const GpuCard* card = local_engine::find_gpu_card(*name);
    if (card == nullptr) {
        return wrong("--gpu", fmt::format("\"{}\" is not one of: {}; or give --memory-gb", *name, known_cards()));
    }
    return std::vector{*card};
}

Json to_json(const GpuCard& card, const GpuFit& fit, std::int64_t context) {
    return {{"gpu", card.name},
            {"memory_bytes", fit.memory},
            {"weights_bytes", fit.weights},
            {"scratch_bytes", fit.scratch},
            {"reserve_bytes", fit.reserve},
            {"kv_bytes_per_token", fit.token_bytes},
            {"fits", fit.fits()},
            {"cache_tokens", fit.cache_tokens},
            {"context", context},
            {"concurrent_requests", fit.sequences_of(context)}};
}

std::string gigabytes(std::uint64_t bytes) {
    return fmt::format("{:.2f}", static_cast<double>(bytes) / 1e9);
}

std::vector<std::string> row_of(const GpuCard& card, const GpuFit& fit, std::int64_t context) {
    const bool fits = fit.fits();
    return {std::string(card.name),      gigabytes(fit.memory),  gigabytes(fit.weights),
            gigabytes(fit.scratch + fit.reserve), fits ? grouped(fit.cache_tokens) : "does not fit",
            fits ? grouped(fit.sequences_of(context)) : ""};
}

int fit(const Arguments& arguments, Program& program) {
    auto model = arguments.get("--model");
    if (!model) model = arguments.positional(0);
    if (!model) return fail(program.console, wrong("--model", "is needed: the model file"));
    const auto cards = cards_of(arguments);
    if (!cards) return fail(program.console, cards.error());
    local_engine::GpuFitOptions options;
    const std::string kv = arguments.get_or("--kv", "f16");
    if (kv != "f16" && kv != "f32") return fail(program.console, wrong("--kv", fmt::format("\"{}\" is not one of: f16, f32", kv)));
    options.kv_type = kv == "f16" ? local_engine::KvType::F16 : local_engine::KvType::F32;
    const auto asked = parse_integer(arguments.get_or("--context", "8192"));
    if (!asked || *asked < 1) return fail(program.console, wrong("--context", "must be a number of tokens, at least 1"));

    Json list = Json::array();
    std::vector<std::vector<std::string>> rows;
    std::int64_t context = *asked;
    std::uint64_t token_bytes = 0;
    bool any = false;
    for (const GpuCard& card : *cards) {
        options.memory = card.memory;
        const auto found = local_engine::fit_gpu(*model, options);
        if (!found) return fail(program.console, found.error());
        context = std::min(*asked, found->context);
        token_bytes = found->token_bytes;
        any = any || found->fits();
        list.push_back(to_json(card, *found, context));
        rows.push_back(row_of(card, *found, context));
    }
    if (arguments.has("--json")) {
        print_json(program.console.out, list);
        return any ? kDone : kFailed;
    }
    print_table(program.console.out,
                {{"GPU"}, {"GB", Align::Right}, {"WEIGHTS", Align::Right}, {"OTHER", Align::Right},
                 {"CACHE TOKENS", Align::Right}, {fmt::format("REQUESTS OF {}", grouped(context)), Align::Right}},
                rows, "");
    program.console.out << grouped(static_cast<std::int64_t>(token_bytes)) << " bytes of cache per token (" << kv << ")\n";
    return any ? kDone : kFailed;
}

}  // namespace

std::vector<Command> fit_commands() {
    return {{{.name = "fit",
              .summary = "Says whether a model fits a graphics card, and how much context beside it.",
              .positionals = {{"FILE.gguf", "the model file", false}},
              .options = {{"--model", "FILE.gguf", "the model file"},
                          {"--gpu", "NAME", "a card by name; default: all known ones"},
                          {"--memory-gb", "N", "a card by its memory instead"},
                          {"--context", "N", "tokens of one request, prompt and answer; default: 8192"},
                          {"--kv", "f16|f32", "key/value cache; default: f16"},
                          json_option()},
              .details = "Reads the file's structure only. An estimate: it is not yet compared with a card's own numbers.\n"
                         "Exit code 1 when the model fits none of the cards.\n"},
             fit}};
}

}  // namespace sluice::gateway::cli
