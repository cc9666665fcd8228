#include "local_engine/diagnostics.hpp"

#include "local_engine/measure/open_model.hpp"
#include "local_engine/model/model.hpp"
#include "local_engine/scheduler/scheduler.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

Result<std::unique_ptr<Model>> open_with_cache(const std::filesystem::path& path, const DiagnosticOptions& options,
                                               ForwardLimits limits) {
    limits.kv_type = options.kv_type;
    return open_model(path, options, limits);
}

Result<void> check_ids(std::span<const std::int32_t> ids, const ModelPlan& plan) {
    const auto known = [&](std::int32_t id) { return id >= 0 && id < plan.vocabulary; };
    if (!ids.empty() && std::ranges::all_of(ids, known)) return {};
    return Error{Errc::InvalidRequest, "token ids must be from 0 to " + std::to_string(plan.vocabulary - 1), "ids"};
}

}  // namespace

Result<std::vector<float>> logits(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                                  std::span<const std::int32_t> positions, const DiagnosticOptions& options) {
    const auto length = static_cast<std::int32_t>(ids.size());
    const std::int32_t chunk = std::max(1, options.step_tokens);
    const bool ascending = std::ranges::is_sorted(positions, std::less_equal<>{});
    if (!ascending || (!positions.empty() && (positions.front() < 0 || positions.back() >= length))) {
        return Error{Errc::InvalidRequest, "positions must ascend and lie within the ids", "positions"};
    }
    auto model = open_with_cache(path, options, {chunk, chunk, static_cast<std::int32_t>(pages_for(length))});
    if (!model) return model.error();
    const ModelPlan& plan = (*model)->plan;
    if (auto checked = check_ids(ids, plan); !checked) return checked.error();

    std::vector<std::int32_t> pages(static_cast<std::size_t>(pages_for(length)));
    std::iota(pages.begin(), pages.end(), 0);
    std::vector<float> out(positions.size() * static_cast<std::size_t>(plan.vocabulary));
    std::size_t written = 0;
    std::size_t wanted = 0;  // next of positions
    for (std::int32_t start = 0; start < length; start += chunk) {
        const auto count = static_cast<std::size_t>(std::min(chunk, length - start));
        std::vector<std::int32_t> at(count);
        std::iota(at.begin(), at.end(), start);
        const std::vector<std::int32_t> sequences(count, 0);
        std::vector<std::int32_t> rows;
        while (wanted < positions.size() && positions[wanted] < start + static_cast<std::int32_t>(count)) {
            rows.push_back(positions[wanted++] - start);
        }
        const std::size_t values = rows.size() * static_cast<std::size_t>(plan.vocabulary);
        (*model)->forward->run({ids.subspan(static_cast<std::size_t>(start), count), at, sequences, pages,
                                static_cast<std::int32_t>(pages.size()), rows},
                               std::span(out).subspan(written, values));
        written += values;
    }
    return out;
}

Result<std::vector<std::int32_t>> greedy(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                                         std::int32_t count, const DiagnosticOptions& options) {
    const std::vector<std::int32_t> prompt(ids.begin(), ids.end());
    auto answers = greedy_together(path, std::span(&prompt, 1), count, options);
    if (!answers) return answers.error();
    return std::move(answers->front());
}

Result<std::vector<std::vector<std::int32_t>>> greedy_together(const std::filesystem::path& path,
                                                               std::span<const std::vector<std::int32_t>> prompts,
                                                               std::int32_t count, const DiagnosticOptions& options) {
    SchedulerConfig config{.step_tokens = std::max(1, options.step_tokens),
                           .max_running = static_cast<std::int32_t>(prompts.size()),
                           .max_waiting = prompts.size()};
    for (const auto& prompt : prompts) config.pages += static_cast<std::int32_t>(pages_for(std::ssize(prompt) + count));
    auto model = open_with_cache(path, options, {Scheduler::largest_step(config), Scheduler::most_rows(config), config.pages});
    if (!model) return model.error();
    const ModelPlan& plan = (*model)->plan;
    Scheduler scheduler(config);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        if (auto checked = check_ids(prompts[i], plan); !checked) return checked.error();
        if (auto added = scheduler.add(i, {prompts[i], count}); !added) return added.error();
    }
    std::vector<std::vector<std::int32_t>> answers(prompts.size());
    while (const Step* step = scheduler.next_step()) {
        std::vector<float> rows(step->emitters.size() * static_cast<std::size_t>(plan.vocabulary));
        (*model)->forward->run(step->batch(), rows);
        for (std::size_t i = 0; i < step->emitters.size(); ++i) {
            const auto row = std::span(rows).subspan(i * static_cast<std::size_t>(plan.vocabulary),
                                                     static_cast<std::size_t>(plan.vocabulary));
            const auto best = static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
            auto& answer = answers[step->emitters[i].id];
            answer.push_back(best);
            if (std::ssize(answer) == count) scheduler.remove(step->emitters[i].id);
            else scheduler.append(step->emitters[i].id, best);
        }
    }
    return answers;
}

}  // namespace sluice::local_engine
