// The models of this process: those of the configuration, loaded at start or when asked for, and the thread that listens
// for `sluice models load` and `unload`, and tells the log of cards that fail and come back.
#pragma once

#include "gateway/config/config.hpp"
#include "local_engine/model_set.hpp"
#include "policies/catalogue.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace sluice::gateway {

// Why private requests should not come here now: a model whose card has failed. Empty: they may. For /readyz.
std::string not_ready(std::span<const local_engine::ModelState> models);

// What the log says of failures and restarts between two looks.
class RestartLog {
public:
    // Lines of what is new; each failure of a model once, and once that it serves again.
    std::vector<std::string> look(std::span<const local_engine::ModelState> models);

private:
    struct Seen {
        std::string down;
        std::uint64_t restarts = 0;
    };
    std::map<std::string, Seen> seen_;
};

class LocalModels {
public:
    struct Target {
        policies::ModelEntry entry;  // "local/NAME"
        core::LocalBackend* backend = nullptr;
    };

    // Loads engine.model and those of engine.more that are to be loaded at start. Blocking. The error names the setting;
    // Cancelled: `give_up` said so while a file was read.
    static core::Result<std::unique_ptr<LocalModels>> start(const Config& config, const std::function<bool()>& give_up = {});
    ~LocalModels();  // every request must have ended
    LocalModels(const LocalModels&) = delete;
    LocalModels& operator=(const LocalModels&) = delete;

    const std::vector<Target>& targets() const { return targets_; }
    // Of all models together, for metrics.
    local_engine::EngineStatus status() const;
    std::string not_ready() const { return gateway::not_ready(models_.list()); }

private:
    explicit LocalModels(const Config& config);
    core::Result<void> add(const EngineSettings& settings, const std::string& path, const std::function<bool()>& give_up);
    core::Json state() const;
    void listen();
    void answer();
    core::Result<local_engine::EngineMemory> load_as_asked(const std::string& name);

    std::filesystem::path data_;
    local_engine::ModelSet models_;
    std::vector<Target> targets_;
    std::string answered_;  // id of the last request
    RestartLog restarts_;   // listener's thread only

    std::mutex mutex_;
    std::condition_variable ending_;
    bool stopping_ = false;
    std::thread listener_;  // last
};

}  // namespace sluice::gateway
