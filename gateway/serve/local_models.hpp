// The models of this process: those of the configuration, loaded at start or when asked for, and the thread that listens
// for `sluice models load` and `unload`.
#pragma once

#include "gateway/config/config.hpp"
#include "local_engine/model_set.hpp"
#include "policies/catalogue.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::gateway {

class LocalModels {
public:
    struct Target {
        policies::ModelEntry entry;  // "local/NAME"
        core::LocalBackend* backend = nullptr;
    };

    // Loads engine.model and those of engine.more that are to be loaded at start. Blocking. The error names the setting.
    static core::Result<std::unique_ptr<LocalModels>> start(const Config& config);
    ~LocalModels();  // every request must have ended
    LocalModels(const LocalModels&) = delete;
    LocalModels& operator=(const LocalModels&) = delete;

    const std::vector<Target>& targets() const { return targets_; }
    // Of all models together, for metrics.
    local_engine::EngineStatus status() const;

private:
    explicit LocalModels(const Config& config);
    core::Result<void> add(const EngineSettings& settings, const std::string& path);
    core::Json state() const;
    void listen();
    void answer();

    std::filesystem::path data_;
    local_engine::ModelSet models_;
    std::vector<Target> targets_;
    std::string answered_;  // id of the last request

    std::mutex mutex_;
    std::condition_variable ending_;
    bool stopping_ = false;
    std::thread listener_;  // last
};

}  // namespace sluice::gateway
