#include "local_engine/engine.hpp"

#include "core/crypto.hpp"
#include "local_engine/chat_template/chat_template.hpp"
#include "local_engine/gpu_fit.hpp"
#include "local_engine/model/memory_plan.hpp"
#include "local_engine/serving/answer_plan.hpp"
#include "local_engine/serving/chat_options.hpp"
#include "local_engine/serving/embeddings.hpp"
#include "local_engine/serving/engine_kernels.hpp"
#include "local_engine/serving/engine_loop.hpp"
#include "local_engine/serving/engine_shape.hpp"
#include "local_engine/serving/forced_calls.hpp"
#include "local_engine/serving/grammar_compiler.hpp"
#include "local_engine/serving/mailbox.hpp"
#include "local_engine/serving/model_device.hpp"
#include "local_engine/serving/reply_writer.hpp"
#include "local_engine/serving/structured_output.hpp"

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
    std::optional<ChatTemplate> chat_template;  // none: a model for embeddings
    AnswerFormat answer_format;
    EmbeddingStyle embedding = {};
    std::unique_ptr<VocabularyTrie> trie = nullptr;  // for grammars
    std::unique_ptr<GrammarCompiler> grammars = nullptr;
    std::unique_ptr<ModelDevice> device = nullptr;
    std::unique_ptr<EngineLoop> loop = nullptr;  // last: stops first
};

namespace {

ModelInfo describe_model(const EngineConfig& config, const BackendChoice& choice, const Model& model, std::int64_t context) {
    const ModelPlan& plan = model.plan;
    ModelInfo info{.name = plan.name.empty() ? config.model.stem().string() : plan.name,
                   .architecture = plan.architecture,
                   .context_length = context,
                   .vocabulary = plan.vocabulary,
                   .layers = static_cast<std::int64_t>(plan.layers.size()),
                   .experts = plan.experts(),
                   .file_bytes = model.file->file_bytes(),
                   .kernels = model.kernels->name(),
                   .on_card = choice.backend == EngineBackend::Cuda,
                   .chosen_because = choice.because};
    for (const gguf::Tensor& tensor : model.file->tensors()) {
        info.parameters += tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
    }
    return info;
}

// The secret is made anew: kept pages do not outlive the process, so neither need their names.
std::shared_ptr<const PrefixKeys> make_prefix_keys(const EngineConfig& config, const ModelPlan& plan) {
    std::string model = config.model.string() + '\n' + plan.architecture;
    model += config.kv_type == KvType::F16 ? "\nf16" : "\nf32";
    return std::make_shared<const PrefixKeys>(core::Secret(core::random_bytes(32)), std::move(model));
}

bool cancelled(const core::net::cancellation_state& state) {
    return state.cancelled() != core::net::cancellation_type::none;
}

std::uint64_t fresh_seed() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32U | device();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const EngineConfig& config, const LoadProgress& progress) {
    auto file = gguf::Reader::open(config.model);
    if (!file) return file.error();
    auto plan = read_plan(**file);
    if (!plan) return plan.error();
    if (auto checked = check_weights(**file, *plan); !checked) return checked.error();
    auto tokenizer = Tokenizer::from(**file);
    if (!tokenizer) return tokenizer.error();
    if (tokenizer->size() > plan->vocabulary) {
        return Error{Errc::Corrupt, "has fewer rows than the vocabulary has tokens", "token_embd.weight"};
    }
    auto chat_template = ChatTemplate::from(**file, *tokenizer);
    const bool embeds = (*file)->integer(plan->architecture + ".pooling_type").value_or(0) > 0;
    if (!chat_template && !embeds) return chat_template.error();
    const auto shape = shape_of(config, *plan);
    if (!shape) return shape.error();
    const std::int64_t context = shape->context;
    SchedulerConfig scheduling = shape->scheduling;
    if (config.prefix_cache) scheduling.prefix_keys = make_prefix_keys(config, *plan);
    const ForwardLimits limits{Scheduler::largest_step(scheduling), Scheduler::most_rows(scheduling), scheduling.pages, config.kv_type};
    const std::uint64_t of_card = plan_memory(**file, *plan, limits).total() + card_scratch_bytes(*plan, limits.step_tokens, limits.logit_rows);
    const BackendChoice choice = choose_backend(config, of_card);
    auto kernels = make_engine_kernels(config, choice.backend, of_card);
    if (!kernels) return kernels.error();
    auto model = build_model(std::move(*file), std::move(*plan), std::move(*kernels), limits, progress);
    if (!model) return model.error();
    auto info = describe_model(config, choice, **model, context);
    auto answer_format = AnswerFormat::of(chat_template ? chat_template->source() : std::string(), &*tokenizer);
    std::unique_ptr<Parts> parts(new Parts{config, std::move(info), context, std::move(*model), std::move(*tokenizer),
                                           std::nullopt, std::move(answer_format)});
    if (chat_template) parts->chat_template.emplace(std::move(*chat_template));
    parts->embedding = EmbeddingStyle::of(*parts->model->file, parts->tokenizer, context, parts->model->plan.width);
    parts->trie = std::make_unique<VocabularyTrie>(VocabularyTrie::of(parts->tokenizer, parts->answer_format.spelled));
    parts->grammars = std::make_unique<GrammarCompiler>(*parts->trie);
    parts->device = std::make_unique<ModelDevice>(*parts->model, limits,
                                                  [config, choice, of_card] { return make_engine_kernels(config, choice.backend, of_card); });
    parts->loop = std::make_unique<EngineLoop>(
        *parts->device, parts->tokenizer, parts->trie.get(),
        LoopConfig{scheduling, config.longest_step, config.first_restart_wait, config.longest_restart_wait});
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
        job.top_logprobs = wanted->top_logprobs;
        job.ignore_eos = wanted->ignore_eos;
        // What can wait gives way to everybody; what is urgent goes first among the team's own requests only.
        job.sequence.priority = std::min(0, -wanted->priority);
        job.sequence.rank = -wanted->priority;
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

// Compiling knows no field names.
Error name_grammar(const core::ChatRequest& request, const AnswerPlan& plan, Error error) {
    error.field = plan.must_call ? "tools" : request.body().contains("grammar") ? "grammar" : "response_format";
    return error;
}

// What the answer must look like; a call that must come is the whole answer.
Result<std::optional<Structure>> structure_of(const core::ChatRequest& request, const AnswerPlan& plan, const Tokenizer& tokenizer) {
    auto asked = read_structure(request.body());
    if (!asked || !plan.must_call) return asked;
    auto calls = forced_calls(plan, tokenizer);
    if (!calls) return calls.error();
    return std::optional<Structure>(std::move(*calls));
}

std::int64_t unix_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

core::awaitable<core::ServeOutcome> Engine::serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                                  core::ReplySink& reply) {
    if (request.operation() == core::Operation::Embeddings) {
        co_return co_await serve_embeddings(*parts_->loop, parts_->tokenizer, parts_->embedding, request, options, reply);
    }
    core::ServeOutcome outcome;
    if (!parts_->chat_template) {
        outcome.result = Error{Errc::InvalidRequest, "is a model for embeddings: it has no chat template", "model"};
        outcome.retry_may_help = true;  // another model of the plan may have one
        co_return outcome;
    }
    auto plan = plan_answer(request, parts_->answer_format, options.request_id);
    if (!plan) {
        outcome.result = plan.error();
        co_return outcome;
    }
    auto prompt = parts_->chat_template->render(request);
    if (!prompt) {
        outcome.result = prompt.error();
        co_return outcome;
    }
    plan->continue_from(prompt->ending);
    const auto choices = static_cast<std::size_t>(request.choices());
    auto structure = structure_of(request, *plan, parts_->tokenizer);
    if (!structure) {
        outcome.result = structure.error();
        co_return outcome;
    }
    ConstraintPlan constraint;
    if (*structure) {
        std::string tenant(options.tenant);
        auto grammar = co_await parts_->grammars->compile(std::move(tenant), std::move(**structure), options.deadline);
        if (!grammar) {
            outcome.result = grammar.error();
            if (grammar.error().code == Errc::InvalidRequest) outcome.result = name_grammar(request, *plan, grammar.error());
            co_return outcome;
        }
        const bool at_once = plan->must_call && plan->options.format.thought_open.empty();  // no thoughts before a call
        constraint = at_once ? ConstraintPlan{.grammar = std::move(*grammar)}
                             : plan_constraint(std::move(*grammar), prompt->tokens, parts_->tokenizer, plan->options.format);
        if (plan->must_call && constraint.grammar && !constraint.opens_free) {
            plan->begin_call();
            constraint.begun = with_markers(plan->begun, plan->options.format, parts_->tokenizer);
            prompt = parts_->chat_template->render(request, plan->prefill);
        }
        if (!prompt) {
            outcome.result = prompt.error();
            co_return outcome;
        }
    }
    const auto prompt_tokens = static_cast<core::Tokens>(prompt->tokens.size());
    const auto mailbox = std::make_shared<Mailbox>(choices);
    auto jobs = make_jobs(request, options, std::move(prompt->tokens), parts_->context, parts_->tokenizer.size(),
                          plan->thought(parts_->tokenizer), mailbox);
    if (!jobs) {
        outcome.result = jobs.error();
        co_return outcome;
    }
    for (Job& job : *jobs) job.constraint = constraint;
    Generation generation(mailbox, *parts_->loop, co_await core::net::this_coro::executor);
    if (auto submitted = parts_->loop->submit(std::move(*jobs)); !submitted) {
        outcome.result = submitted.error();
        outcome.retry_may_help = true;
        co_return outcome;
    }
    outcome.reached = true;
    outcome.usage_known = true;

    ReplyWriter writer("chatcmpl-" + std::string(options.request_id), std::string(options.model), unix_seconds(), choices);
    if (const auto logprobs = request.body().find("logprobs"); logprobs != request.body().end() && *logprobs == true)
        writer.tell_logprobs();
    writer.understand(plan->options, plan->prefill);
    const auto used = [&] {
        return core::Usage{.prompt = mailbox->started() ? prompt_tokens : 0,
                           .completion = mailbox->tokens(),
                           .cached = mailbox->found(),
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
    // A card that failed, a step that hangs: nothing of it is the request's fault.
    if (!outcome.result && outcome.result.error().code == Errc::Unavailable) outcome.retry_may_help = !outcome.answered;
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
