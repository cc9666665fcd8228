#include "gateway/serve/local_models.hpp"

#include "gateway/config/model_entries.hpp"
#include "gateway/serve/data_files.hpp"
#include "gateway/serve/loading_report.hpp"
#include "gateway/serve/model_control.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace sluice::gateway {

using core::Error;
using core::Json;
using core::Result;
using local_engine::ModelState;

namespace {

constexpr std::chrono::milliseconds kLook{500};  // between two looks for requests

local_engine::EngineConfig engine_config(const EngineSettings& settings, std::filesystem::path model) {
    return {.model = std::move(model),
            .backend = settings.backend,
            .threads = settings.threads,
            .context_limit = settings.context,
            .kv_bytes = settings.kv_bytes,
            .max_running = settings.max_running,
            .max_waiting = settings.max_waiting};
}

Error at(const std::string& path, Error error) {
    if (error.field == "backend") {  // cuda was asked for, and there is none
        error.detail += "; set " + path + ".backend to cpu, or to auto to take a card only where there is one";
        error.field = path + ".backend";
    } else {
        error.field = error.field.empty() ? path : path + ": " + error.field;
    }
    return error;
}

void tell_choice(const std::string& name, const local_engine::ModelInfo& info) {
    if (!info.chosen_because.empty()) spdlog::info("local model {}: backend {}", name, info.chosen_because);
}

}  // namespace

std::string not_ready(std::span<const ModelState> models) {
    for (const ModelState& model : models) {
        if (!model.status.down.empty()) return "local model " + model.name + " is being started again: " + model.status.down;
    }
    return {};
}

std::vector<std::string> RestartLog::look(std::span<const ModelState> models) {
    std::vector<std::string> lines;
    for (const ModelState& model : models) {
        Seen& seen = seen_[model.name];
        const std::string name = "local model " + model.name;
        if (!model.loaded || model.status.restarts < seen.restarts) seen = {};  // unloaded, or loaded anew
        if (model.status.restarts > seen.restarts) lines.push_back(name + " serves again, restart " + std::to_string(model.status.restarts));
        if (!model.status.down.empty() && model.status.down != seen.down) lines.push_back(name + " has lost its device: " + model.status.down);
        seen = {model.status.down, model.status.restarts};
    }
    return lines;
}

LocalModels::LocalModels(const Config& config) : data_(config.data), models_(config.engine.memory_bytes) {}

Result<std::unique_ptr<LocalModels>> LocalModels::start(const Config& config, const std::function<bool()>& give_up) {
    std::unique_ptr<LocalModels> models(new LocalModels(config));
    if (!config.engine.enabled) return models;
    EngineSettings first = config.engine;
    if (first.model.empty()) {
        auto bundled = unpack_bundled_model(config.data);
        if (!bundled) return bundled.error();
        first.model = *bundled;
    }
    if (auto added = models->add(first, "engine", give_up); !added) return added.error();
    for (std::size_t i = 0; i < config.engine.more.size(); ++i) {
        const std::string path = "engine.more[" + std::to_string(i) + "]";
        if (auto added = models->add(config.engine.more[i], path, give_up); !added) return added.error();
    }
    write_model_state(models->data_, models->state(), "", "");
    models->listener_ = std::thread([raw = models.get()] { raw->listen(); });
    return models;
}

LocalModels::~LocalModels() {
    if (!listener_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ending_.notify_one();
    listener_.join();
    remove_model_state(data_);
}

// A model's name is known from the settings or its file, before it is loaded.
Result<void> LocalModels::add(const EngineSettings& settings, const std::string& path, const std::function<bool()>& give_up) {
    const auto config = engine_config(settings, settings.model);
    const auto plan = local_engine::plan_memory(config);
    if (!plan) return at(path, plan.error());
    const auto described = local_engine::model_name(settings.model);
    if (!described) return at(path, described.error());
    policies::ModelEntry entry = local_entry(settings, *described, plan->context);
    for (const Target& other : targets_) {
        if (other.entry.name == entry.name) return Error{core::Errc::InvalidRequest, "two local models are called " + entry.model + ": give one a name", path};
    }
    const std::string name = entry.model;
    targets_.push_back({std::move(entry), &models_.declare(name, config)});
    spdlog::info("local model {}: {}{}", name, local_engine::describe(*plan), settings.load ? "" : ", not loaded");
    if (!settings.load) return {};
    LoadingReport report(name);
    const auto progress = [&](std::uint64_t bytes, std::uint64_t total) {
        report.tell(bytes, total);
        return !give_up || !give_up();
    };
    if (const auto loaded = models_.load(name, progress); !loaded) return at(path, loaded.error());
    const auto engine = models_.engine(name);
    const auto& info = engine->info();
    tell_choice(name, info);
    spdlog::info("local engine: {} ({}, {} parameters, context {}, {})", info.name, info.architecture, info.parameters, info.context_length, info.kernels);
    return {};
}

local_engine::EngineStatus LocalModels::status() const {
    local_engine::EngineStatus sum;
    for (const ModelState& state : models_.list()) {
        sum.waiting += state.status.waiting;
        sum.running += state.status.running;
        sum.pages_used += state.status.pages_used;
        sum.pages_total += state.status.pages_total;
        sum.prompt_tokens += state.status.prompt_tokens;
        sum.completion_tokens += state.status.completion_tokens;
        sum.found_tokens += state.status.found_tokens;
        sum.guessed_tokens += state.status.guessed_tokens;
        sum.right_guesses += state.status.right_guesses;
        sum.hung = sum.hung || state.status.hung;
        sum.restarts += state.status.restarts;
        if (sum.down.empty()) sum.down = state.status.down;
    }
    return sum;
}

Json LocalModels::state() const {
    Json list = Json::array();
    for (const ModelState& state : models_.list()) {
        Json one{{"name", "local/" + state.name}, {"loaded", state.loaded}, {"leaving", state.leaving}, {"default", targets_.front().entry.model == state.name}};
        if (state.plan) one["bytes"] = {{"weights", state.plan->weights}, {"cache", state.plan->cache}, {"scratch", state.plan->scratch}};
        list.push_back(std::move(one));
    }
    return list;
}

void LocalModels::listen() {
    std::unique_lock lock(mutex_);
    while (!ending_.wait_for(lock, kLook, [this] { return stopping_; })) {
        lock.unlock();
        answer();
        for (const std::string& line : restarts_.look(models_.list())) spdlog::warn("{}", line);
        models_.sweep();
        lock.lock();
    }
}

// Given up when the gateway ends, and when somebody asks for something else meanwhile.
Result<local_engine::EngineMemory> LocalModels::load_as_asked(const std::string& name) {
    LoadingReport report(name);
    return models_.load(name, [&](std::uint64_t bytes, std::uint64_t total) {
        if (report.tell(bytes, total)) write_model_state(data_, state(), "", "", LoadingModel{name, bytes, total});
        if (const auto other = read_model_request(data_); other && other->id != answered_) return false;
        const std::lock_guard lock(mutex_);
        return !stopping_;
    });
}

void LocalModels::answer() {
    const auto request = read_model_request(data_);
    if (!request || request->id == answered_) return;
    answered_ = request->id;
    std::string error;
    if (request->load) {
        if (const auto loaded = load_as_asked(request->name); !loaded) error = core::describe(loaded.error());
        else {
            spdlog::info("local model {} loaded: {}", request->name, local_engine::describe(*loaded));
            if (const auto engine = models_.engine(request->name)) tell_choice(request->name, engine->info());
        }
    } else if (const auto unloaded = models_.unload(request->name); !unloaded) {
        error = core::describe(unloaded.error());
    } else {
        spdlog::info("local model {} unloaded", request->name);
    }
    if (!error.empty()) spdlog::warn("local model {}: {}", request->name, error);
    write_model_state(data_, state(), answered_, error);
}

}  // namespace sluice::gateway
