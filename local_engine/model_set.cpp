#include "local_engine/model_set.hpp"

#include "local_engine/serving/engine_kernels.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {

using core::Errc;
using core::Error;
using core::Result;

// One name. Requests take a share of the engine; shares of engines that were replaced are kept here too, so that the last
// one is never dropped on an event loop, where joining the engine's threads would hold everybody up.
class ModelSet::Slot final : public core::LocalBackend {
public:
    Slot(std::string name, EngineConfig config) : name_(std::move(name)), config_(std::move(config)) {}

    core::awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                              core::ReplySink& reply) override {
        const std::shared_ptr<Engine> engine = current();
        if (!engine) {
            core::ServeOutcome outcome;
            outcome.result = Error{Errc::Unavailable, "model " + name_ + " is not loaded", "model"};
            outcome.retry_may_help = true;
            co_return outcome;
        }
        co_return co_await engine->serve(request, options, reply);
    }

    std::shared_ptr<Engine> current() const {
        const std::lock_guard lock(mutex_);
        return engine_;
    }
    void replace(std::shared_ptr<Engine> engine, std::optional<EngineMemory> plan) {
        const std::lock_guard lock(mutex_);
        if (engine_) leaving_.push_back(std::move(engine_));
        engine_ = std::move(engine);
        plan_ = plan;
    }
    void sweep() {
        std::vector<std::shared_ptr<Engine>> idle;  // ends after the lock: that joins threads
        const std::lock_guard lock(mutex_);
        for (auto& engine : leaving_) {
            if (engine.use_count() == 1) idle.push_back(std::move(engine));
        }
        std::erase(leaving_, nullptr);
    }
    ModelState state() const {
        const std::lock_guard lock(mutex_);
        ModelState state{.name = name_, .loaded = engine_ != nullptr, .plan = plan_, .leaving = leaving_.size()};
        if (engine_) {
            state.info = engine_->info();
            state.status = engine_->status();
        }
        return state;
    }
    const EngineConfig& config() const { return config_; }

private:
    const std::string name_;
    const EngineConfig config_;
    mutable std::mutex mutex_;
    std::shared_ptr<Engine> engine_;
    std::optional<EngineMemory> plan_;
    std::vector<std::shared_ptr<Engine>> leaving_;
};

ModelSet::ModelSet(std::uint64_t memory_bytes) : memory_bytes_(memory_bytes) {}
ModelSet::~ModelSet() = default;

core::LocalBackend& ModelSet::declare(std::string name, EngineConfig config) {
    auto slot = std::make_unique<Slot>(name, std::move(config));
    return *(slots_[std::move(name)] = std::move(slot));
}

ModelSet::Slot* ModelSet::find(const std::string& name) const {
    const auto found = slots_.find(name);
    return found == slots_.end() ? nullptr : found->second.get();
}

Result<void> ModelSet::check_fits(const EngineMemory& plan) const {
    std::uint64_t room = 0;
    if (memory_bytes_ > 0) {
        std::uint64_t used = 0;
        for (const auto& [name, slot] : slots_) {
            const ModelState state = slot->state();
            if (state.plan && !state.plan->on_card) used += state.plan->total();
        }
        room = memory_bytes_ > used ? memory_bytes_ - used : 0;
    } else {
        const auto available = available_memory();
        if (available == 0) return {};  // the system does not say
        room = available;
    }
    if (plan.total() <= room) return {};
    return Error{Errc::Unavailable, "does not fit: " + describe(plan) + ", but only " + std::to_string(room / 1'000'000) +
                                        " MB are left; unload a model, or lower context or kv_bytes"};
}

Result<EngineMemory> ModelSet::load(const std::string& name, const LoadProgress& progress) {
    Slot* slot = find(name);
    if (slot == nullptr) return Error{Errc::NotFound, "no local model of that name is configured", "model"};
    sweep();
    const std::lock_guard lock(loading_);
    auto plan = plan_memory(slot->config());
    if (!plan) return plan.error();
    plan->on_card = choose_backend(slot->config(), plan->total()).backend == EngineBackend::Cuda;
    if (auto fits = plan->on_card ? Result<void>{} : check_fits(*plan); !fits) return fits.error();
    auto engine = Engine::load(slot->config(), progress);
    if (!engine) return engine.error();
    plan->on_card = (*engine)->info().on_card;
    slot->replace(std::shared_ptr<Engine>(std::move(*engine)), *plan);
    return *plan;
}

Result<void> ModelSet::unload(const std::string& name) {
    Slot* slot = find(name);
    if (slot == nullptr) return Error{Errc::NotFound, "no local model of that name is configured", "model"};
    slot->replace(nullptr, std::nullopt);
    sweep();
    return {};
}

void ModelSet::sweep() {
    const std::lock_guard lock(loading_);
    for (const auto& [name, slot] : slots_) slot->sweep();
}

std::vector<ModelState> ModelSet::list() const {
    std::vector<ModelState> out;
    for (const auto& [name, slot] : slots_) out.push_back(slot->state());
    return out;
}

std::shared_ptr<const Engine> ModelSet::engine(const std::string& name) const {
    const Slot* slot = find(name);
    return slot == nullptr ? nullptr : slot->current();
}

}  // namespace sluice::local_engine
