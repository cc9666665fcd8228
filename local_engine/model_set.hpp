// Several models in one process, each loaded, replaced and unloaded while requests run: a request keeps the engine it
// began with, and an engine goes when its last request has. What does not fit into memory is refused before it is loaded;
// of a card's memory it is the card that says.
#pragma once

#include "core/backend.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/memory_plan.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine {

struct ModelState {
    std::string name;
    bool loaded = false;
    std::optional<EngineMemory> plan = std::nullopt;  // of the loaded engine
    std::optional<ModelInfo> info = std::nullopt;
    EngineStatus status = {};
    std::size_t leaving = 0;  // replaced or unloaded engines whose requests still run
};

class ModelSet {
public:
    // memory_bytes: of all models together; 0: what the machine has to give when a model is loaded.
    explicit ModelSet(std::uint64_t memory_bytes = 0);
    ~ModelSet();  // every request must have ended
    ModelSet(const ModelSet&) = delete;
    ModelSet& operator=(const ModelSet&) = delete;

    // Before anything else; all from one thread. The backend's address stays. A model that is not loaded answers
    // Unavailable, so that plans go on to the next target.
    core::LocalBackend& declare(std::string name, EngineConfig config);

    // Loads, or loads anew and replaces. Blocking; one at a time, any thread but an event loop's. Errors: NotFound,
    // Unavailable with the numbers when it does not fit, and those of Engine::load. A model that was loaded stays.
    core::Result<EngineMemory> load(const std::string& name, const LoadProgress& progress = {});
    core::Result<void> unload(const std::string& name);
    // Ends engines that nobody uses any more: now and then, from the same kind of thread.
    void sweep();

    std::vector<ModelState> list() const;  // any thread
    std::shared_ptr<const Engine> engine(const std::string& name) const;  // null: not loaded

private:
    class Slot;
    Slot* find(const std::string& name) const;
    core::Result<void> check_fits(const EngineMemory& plan) const;

    const std::uint64_t memory_bytes_;
    std::map<std::string, std::unique_ptr<Slot>> slots_;
    std::mutex loading_;
};

}  // namespace sluice::local_engine
