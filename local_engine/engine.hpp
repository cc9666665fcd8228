// The front door of the local engine: a model of a GGUF file that answers chat requests inside this process.
// One engine thread computes for all requests together; serve() runs on the request's own event loop and only moves
// text. The engine thread never waits for a client, and a client that goes stops its work before the next token.
#pragma once

#include "core/backend.hpp"
#include "local_engine/model/read_ahead.hpp"
#include "local_engine/options.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace sluice::local_engine {

class Kernels;

struct EngineConfig {
    std::filesystem::path model;  // GGUF file; the first part when it is split
    EngineBackend backend = EngineBackend::Cpu;
    int threads = 0;              // computing threads; 0: one per core
    KvType kv_type = KvType::F16;
    Activations activations = Activations::Q8;
    std::string instruction_set = {};    // empty: the best this machine has
    std::int64_t context_limit = 0;      // tokens per request, prompt and answer; 0: what the model was trained for
    std::size_t kv_bytes = 0;            // memory of the key/value cache; 0: one full context, at least 256 MiB
    std::int32_t step_tokens = 128;      // tokens computed per step: larger is faster for prompts, slower to react
    std::int32_t max_running = 32;       // sequences computed together
    std::size_t max_waiting = 64;        // requests in the queue; more are told to come back later
    std::chrono::seconds heartbeat{10};  // of a stream that waits
    bool prefix_cache = true;            // beginnings of prompts are kept, for the same team only
    bool guesses = true;                 // tokens are guessed from the request's own text while that is faster
    std::chrono::seconds longest_step{120};  // a step that takes longer counts as hung
    // After a card has failed the engine starts again at once; when that fails too, after so long, then twice as long, ...
    std::chrono::milliseconds first_restart_wait{1000};
    std::chrono::milliseconds longest_restart_wait{60'000};
    // What opens the card; empty: CUDA's first. Tests put the emulated device here.
    std::function<core::Result<std::unique_ptr<Kernels>>(Activations)> open_card = {};
};

struct ModelInfo {
    std::string name;          // general.name, else the file name
    std::string architecture;  // "qwen3moe"
    std::int64_t context_length = 0;
    std::int64_t vocabulary = 0;
    std::int64_t layers = 0;
    std::int64_t experts = 0;  // 0: dense
    std::int64_t parameters = 0;
    std::uint64_t file_bytes = 0;
    std::string kernels;  // "cpu avx512-vnni, 2 threads"
    bool on_card = false;
    std::string chosen_because = {};  // of EngineBackend::Auto: why the card, or why not
};

// A moment's load, for metrics and for the planner.
struct EngineStatus {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t pages_used = 0;
    std::size_t pages_total = 0;
    std::uint64_t prompt_tokens = 0;      // since start
    std::uint64_t completion_tokens = 0;  // since start
    std::uint64_t found_tokens = 0;       // of prompts, in the prefix cache, since start
    std::uint64_t guessed_tokens = 0;     // since start
    std::uint64_t right_guesses = 0;      // since start
    bool hung = false;                    // the current step does not end
    std::string down = {};                // why the device is gone and the engine starts again; empty: it is not
    std::uint64_t restarts = 0;           // that went well, since start
};

class Engine : public core::LocalBackend {
public:
    // Maps and checks the file, takes all memory it will ever need, starts the engine thread. Blocking: seconds for
    // large models. Errors: Corrupt names the key or tensor, Unsupported the architecture or type, InvalidRequest the
    // setting, Cancelled that progress gave up. On a card, Unavailable: none answers, or the model does not fit; what fails there later ends the requests
    // of the moment, and the engine starts again by itself (EngineStatus::down).
    static core::Result<std::unique_ptr<Engine>> load(const EngineConfig& config, const LoadProgress& progress = {});
    ~Engine() override;  // stops the engine thread; every serve() must have returned

    // Streams OpenAI chunks, the last one with finish_reason, and one with usage when the request asked for it; or one
    // chat.completion body. Usage is exact also for answers cut short. Errors before the first token: InvalidRequest
    // (prompt longer than the context, n over 1 beyond the queue, wrong sampling field), Unavailable (queue full).
    core::awaitable<core::ServeOutcome> serve(const core::ChatRequest& request, const core::ServeOptions& options,
                                              core::ReplySink& reply) override;

    const ModelInfo& info() const;  // any thread
    EngineStatus status() const;    // any thread

private:
    struct Parts;
    explicit Engine(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::local_engine
