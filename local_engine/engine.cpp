#include "local_engine/engine.hpp"

#include "local_engine/chat_template/chat_template.hpp"
#include "local_engine/serving/answer_plan.hpp"
#include "local_engine/serving/chat_options.hpp"
#include "local_engine/serving/engine_loop.hpp"
#include "local_engine/serving/mailbox.hpp"
#include "local_engine/serving/reply_writer.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace sluice::local_engine {

using core::Errc;
using core::Error;
using core::Result;

struct Engine::Parts {
    EngineConfig config;
    ModelInfo info;
    std::int64_t context = 0;  // tokens of prompt and answer together
    std::unique_ptr<Model> model;
    Tokenizer tokenizer;
    ChatTemplate chat_template;
    AnswerFormat answer_format;
    std::unique_ptr<EngineLoop> loop;  // last: stops first
};

namespace {

Error setting(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

Result<void> check_settings(const EngineConfig& config) {
    if (config.threads < 0 || config.threads > 256) return setting("threads", "must be from 0 to 256");
    if (config.step_tokens < 8 || config.step_tokens > 8192) return setting("step_tokens", "must be from 8 to 8192");
    if (config.max_running < 1 || config.max_running > 1024) return setting("max_running", "must be from 1 to 1024");
    if (config.max_waiting < 1) return setting("max_waiting", "must be at least 1");
    if (config.context_limit < 0) return setting("context_limit", "must not be negative");
    return {};
}

// Pages of the cache: what the operator gave, else enough for one full context, within reason.
Result<std::int32_t> choose_pages(const EngineConfig& config, const ModelPlan& plan, std::int64_t context) {
    constexpr std::size_t kLeast = std::size_t{256} << 20U;
    constexpr std::size_t kMostByDefault = std::size_t{2} << 30U;
    const std::size_t page = Forward::page_bytes(plan, config.kv_type);
    const std::size_t one_context = page * static_cast<std::size_t>(pages_for(context));
    const std::size_t bytes = config.kv_bytes > 0 ? config.kv_bytes : std::clamp(one_context, kLeast, kMostByDefault);
    if (bytes < page)
        return setting("kv_bytes", "must be at least " + std::to_string(page) + ", one page of this model");
    return static_cast<std::int32_t>(std::min<std::size_t>(bytes / page, 1U << 24U));
}

ModelInfo describe_model(const EngineConfig& config, const Model& model, std::int64_t context) {
    const ModelPlan& plan = model.plan;
    ModelInfo info{.name = plan.name.empty() ? config.model.stem().string() : plan.name,
                   .architecture = plan.architecture,
                   .context_length = context,
                   .vocabulary = plan.vocabulary,
                   .layers = plan.layers,
                   .experts = plan.layer.moe ? plan.layer.moe->experts : 0,
                   .file_bytes = model.file->file_bytes(),
                   .kernels = model.kernels->name()};
    for (const gguf::Tensor& tensor : model.file->tensors()) {
        info.parameters += tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
    }
    return info;
}

bool cancelled(const core::net::cancellation_state& state) {
    return state.cancelled() != core::net::cancellation_type::none;
}

std::uint64_t fresh_seed() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32U | device();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const EngineConfig& config) {
    if (auto checked = check_settings(config); !checked) return checked.error();
    auto file = gguf::Reader::open(config.model);
    if (!file) return file.error();
    auto plan = read_plan(**file);
    if (!plan) return plan.error();
    auto tokenizer = Tokenizer::from(**file);
    if (!tokenizer) return tokenizer.error();
    if (tokenizer->size() > plan->vocabulary) {
        return Error{Errc::Corrupt, "has fewer rows than the vocabulary has tokens", "token_embd.weight"};
    }
    auto chat_template = ChatTemplate::from(**file, *tokenizer);
    if (!chat_template) return chat_template.error();
    auto kernels = make_cpu_kernels({config.threads, config.activations, config.instruction_set});
    if (!kernels) return setting("instruction_set", "this machine cannot run '" + config.instruction_set + "'");

    std::int64_t context = plan->context_length;
    if (config.context_limit > 0) context = std::min(context, config.context_limit);
    const auto pages = choose_pages(config, *plan, context);
    if (!pages) return pages.error();
    context = std::min<std::int64_t>(context, static_cast<std::int64_t>(*pages) * kPageTokens);

    const SchedulerConfig scheduling{*pages, config.step_tokens, config.max_running, config.max_waiting};
    auto model = build_model(std::move(*file), std::move(*plan), std::move(kernels),
                             {Scheduler::largest_step(scheduling), config.max_running, *pages, config.kv_type});
    if (!model) return model.error();
    auto info = describe_model(config, **model, context);
    auto answer_format = AnswerFormat::of(chat_template->source(), &*tokenizer);
    std::unique_ptr<Parts> parts(new Parts{config, std::move(info), context, std::move(*model), std::move(*tokenizer),
                                           std::move(*chat_template), std::move(answer_format), nullptr});
    parts->loop = std::make_unique<EngineLoop>(*parts->model, parts->tokenizer, scheduling);
    return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

const ModelInfo& Engine::info() const {
    return parts_->info;
}

EngineStatus Engine::status() const {
    return parts_->loop->status();
}

namespace {

// Everything about one request that the engine thread will need, one job per choice.
Result<std::vector<Job>> make_jobs(const core::ChatRequest& request, const core::ServeOptions& options,
                                   std::vector<TokenId> prompt, std::int64_t context, std::int64_t vocabulary,
                                   const ThoughtOptions& thought, const std::shared_ptr<Mailbox>& mailbox) {
    const auto wanted = read_chat_options(request, vocabulary);
    if (!wanted) return wanted.error();
    const auto length = static_cast<std::int64_t>(prompt.size());
    if (length >= context) {
        return Error{Errc::InvalidRequest,
                     "the prompt has " + std::to_string(length) + " tokens, but the context of the model is " +
                         std::to_string(context) + " tokens",
                     "messages"};
    }
    const core::Tokens asked = options.max_tokens > 0 ? options.max_tokens : request.max_tokens().value_or(context);
    const std::uint64_t seed = wanted->seed ? *wanted->seed : fresh_seed();
    std::vector<Job> jobs;
    for (std::int64_t choice = 0; choice < request.choices(); ++choice) {
        Job job{{prompt, std::min(asked, context - length), std::string(options.tenant)},
                wanted->sampling,
                wanted->stops,
                mailbox};
        job.choice = static_cast<std::size_t>(choice);
        job.thought = thought;
        // Choices of one request differ, and are the same again for the same seed.
        job.sampling.seed = seed + static_cast<std::uint64_t>(choice) * 0x9e3779b97f4a7c15U;
        jobs.push_back(std::move(job));
    }
    return jobs;
}

// The listener of one request, and the word to the engine thread when it goes.
struct Generation {
    std::shared_ptr<Mailbox> mailbox;
    EngineLoop& loop;
    std::optional<Listener> listener;

    Generation(std::shared_ptr<Mailbox> box, EngineLoop& engine, const core::Executor& executor)
        : mailbox(std::move(box)), loop(engine) {
        listener.emplace(mailbox, executor);
    }
    ~Generation() {
        listener.reset();
        loop.look_for_abandoned();
    }
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;
};

core::awaitable<Result<void>> send(core::ReplySink& reply, const std::vector<std::string>& chunks) {
    if (chunks.empty()) co_return Result<void>{};
    const std::vector<std::string_view> views(chunks.begin(), chunks.end());
    co_return co_await reply.events(views);
}

std::int64_t unix_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

core::awaitable<core::ServeOutcome> Engine::serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                                  core::ReplySink& reply) {
    core::ServeOutcome outcome;
    auto plan = plan_answer(request, parts_->answer_format, options.request_id);
    if (!plan) {
        outcome.result = plan.error();
        co_return outcome;
    }
    auto prompt = parts_->chat_template.render(request);
    if (prompt) plan->continue_from(prompt->ending);
    if (prompt && !plan->prefill.empty()) prompt = parts_->chat_template.render(request, plan->prefill);
    if (!prompt) {
        outcome.result = prompt.error();
        co_return outcome;
    }
    const auto prompt_tokens = static_cast<core::Tokens>(prompt->tokens.size());
    const auto choices = static_cast<std::size_t>(request.choices());
    const auto mailbox = std::make_shared<Mailbox>(choices);
    auto jobs = make_jobs(request, options, std::move(prompt->tokens), parts_->context, parts_->tokenizer.size(),
                          plan->thought(parts_->tokenizer), mailbox);
    if (!jobs) {
        outcome.result = jobs.error();
        co_return outcome;
    }
    Generation generation(mailbox, *parts_->loop, co_await core::net::this_coro::executor);
    if (auto submitted = parts_->loop->submit(std::move(*jobs)); !submitted) {
        outcome.result = submitted.error();
        outcome.retry_may_help = true;
        co_return outcome;
    }
    outcome.reached = true;
    outcome.usage_known = true;

    ReplyWriter writer("chatcmpl-" + std::string(options.request_id), std::string(options.model), unix_seconds(), choices);
    writer.understand(plan->options, plan->prefill);
    const auto used = [&] {
        return core::Usage{.prompt = mailbox->started() ? prompt_tokens : 0,
                           .completion = mailbox->tokens(),
                           .reasoning = mailbox->thought_tokens()};
    };
    auto heartbeat_at = core::Deadline::Clock::now() + parts_->config.heartbeat;
    while (outcome.result && !writer.complete()) {
        const News news = co_await generation.listener->next(std::min(heartbeat_at, options.deadline.at()));
        const auto state = co_await core::net::this_coro::cancellation_state;
        const bool silent = news.empty();
        if (cancelled(state) || reply.client_gone()) {
            outcome.result = Error{Errc::Cancelled, "the client has gone"};
        } else if (news.error) {
            outcome.result = *news.error;
        } else if (options.deadline.passed() && silent) {
            outcome.result = Error{Errc::Timeout, "the local engine did not finish in time"};
        } else if (!request.stream()) {
            writer.keep(news);
        } else if (!silent) {
            outcome.result = co_await send(reply, writer.chunks(news));
        } else if (core::Deadline::Clock::now() >= heartbeat_at) {
            outcome.result = co_await reply.heartbeat();
        }
        if (!silent || core::Deadline::Clock::now() >= heartbeat_at) {
            heartbeat_at = core::Deadline::Clock::now() + parts_->config.heartbeat;
        }
    }
    outcome.usage = used();
    outcome.answered = outcome.usage.completion > 0;
    outcome.answer_bytes = writer.text_bytes();
    outcome.finish_reason = writer.finish_reason();
    if (!outcome.result) co_return outcome;
    if (!request.stream()) {
        outcome.result = co_await reply.body(writer.body(outcome.usage));
    } else if (request.include_usage()) {
        const std::vector<std::string> last{writer.usage_chunk(outcome.usage)};
        outcome.result = co_await send(reply, last);
    }
    co_return outcome;
}

}  // namespace sluice::local_engine
