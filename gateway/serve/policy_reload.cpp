#include "gateway/serve/policy_reload.hpp"

#include "core/crypto.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/load_policy.hpp"
#include "gateway/serve/control_file.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sluice::gateway {

using core::Errc;
using core::Error;
using core::Json;
using namespace std::chrono_literals;

namespace {

constexpr const char* kRequest = "policy.request.json";
constexpr const char* kState = "policy.state.json";
constexpr auto kTick = 250ms;
constexpr int kNice = 10;  // requests come first, on machines whose cores they fill

bool remembers_in_redis(const PoliciesSettings& policies) {
    const auto in_redis = [](const policies::TeamPolicy& policy) { return policy.memory.store == policies::MemoryRules::Store::Redis; };
    return in_redis(policies.fallback) || std::ranges::any_of(policies.teams, [&](const auto& team) { return in_redis(team.second); });
}

void say_what_waits(const Config& running, const Config& next) {
    std::string names;
    const auto differs = [&](const std::string& name, const std::string& digest, const Config& other) {
        const auto found = other.origin.other_sections.find(name);
        return found == other.origin.other_sections.end() || found->second != digest;
    };
    for (const auto& [name, digest] : next.origin.other_sections)
        if (differs(name, digest, running)) names += (names.empty() ? "" : ", ") + name;
    for (const auto& [name, digest] : running.origin.other_sections)
        if (!next.origin.other_sections.contains(name)) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) spdlog::warn("policy reload: changes of {} take effect at the next start", names);
}

}  // namespace

PolicyReloader::PolicyReloader(const Config& config, policies::PolicyInForce& in_force) : config_(config), in_force_(in_force) {
    write_state("", {});
    thread_ = std::thread{[this] { run(); }};
}

PolicyReloader::~PolicyReloader() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove(config_.data / kState, ignored);
    std::filesystem::remove(config_.data / kRequest, ignored);
}

void PolicyReloader::request() {
    {
        const std::lock_guard lock{mutex_};
        wanted_ = true;
    }
    wake_.notify_one();
}

void PolicyReloader::run() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);  // of this thread alone, on Linux
    std::string answered;
    for (;;) {
        bool wanted = false;
        {
            std::unique_lock lock{mutex_};
            wake_.wait_for(lock, kTick, [this] { return wanted_ || stopping_; });
            if (stopping_) return;
            wanted = std::exchange(wanted_, false);
        }
        drop_retired();
        const auto asked = read_control_file(config_.data / kRequest);
        const std::string id = asked ? text_member(*asked, "id") : std::string{};
        if (!id.empty() && id != answered) {
            answered = id;
            reload(id);
        } else if (wanted) {
            reload(answered);
        }
    }
}

void PolicyReloader::reload(const std::string& asked_by) {
    const auto began = std::chrono::steady_clock::now();
    std::vector<Error> problems;
    try {
        problems = take_over();
    } catch (const std::exception& wrong) {
        problems.push_back({Errc::Internal, fmt::format("the new policy could not be built: {}", wrong.what())});
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    for (const Error& problem : problems) spdlog::error("policy reload refused, {} stays in force: {}", in_force_.get()->version(), core::describe(problem));
    if (problems.empty()) spdlog::info("policy reloaded: {} is in force, after {} ms", in_force_.get()->version(), took.count() / 1000);
    {
        const std::lock_guard lock{mutex_};
        last_refused_ = !problems.empty();
        ++(last_refused_ ? refused_ : taken_);
        last_took_ = took;
    }
    write_state(asked_by, problems);
}

std::vector<Error> PolicyReloader::take_over() {
    if (config_.origin.file.empty()) return {{Errc::InvalidRequest, "the gateway was started without a configuration file"}};
    LoadedConfig loaded = load_config(config_.origin.file, process_environment());
    if (!loaded.ok()) return std::move(loaded.problems);
    if (remembers_in_redis(loaded.config.policies) && !remembers_in_redis(config_.policies))
        return {{Errc::InvalidRequest, "conversation memory in Redis needs a restart: the gateway was started without it", "policies"}};
    auto next = load_policy(loaded.config);
    if (!next) return {next.error()};
    say_what_waits(config_, loaded.config);
    retired_.push_back(in_force_.replace(std::move(*next)));
    return {};
}

// Given back here, so that no event loop is the last owner of a million terms.
void PolicyReloader::drop_retired() {
    std::erase_if(retired_, [](const auto& set) { return set.use_count() == 1; });
}

void PolicyReloader::write_state(const std::string& answered, const std::vector<Error>& problems) const {
    Json errors = Json::array();
    for (const Error& problem : problems) errors.push_back(core::describe(problem));
    write_control_file(config_.data / kState,
                       {{"pid", getpid()}, {"version", in_force_.get()->version()}, {"answered", answered}, {"errors", std::move(errors)}});
}

std::string PolicyReloader::metrics() const {
    const std::string version = in_force_.get()->version();
    const std::lock_guard lock{mutex_};
    return fmt::format(
        "sluice_policy_info{{version=\"{}\"}} 1\nsluice_policy_reloads_total{{result=\"taken\"}} {}\nsluice_policy_reloads_total{{result=\"refused\"}} {}\n"
        "sluice_policy_last_reload_refused {}\nsluice_policy_last_reload_seconds {:.6f}\n",
        version, taken_, refused_, last_refused_ ? 1 : 0, std::chrono::duration<double>(last_took_).count());
}

core::Result<std::string> ask_for_reload(const std::filesystem::path& data, std::chrono::seconds most) {
    const auto running = [&]() -> std::optional<Json> {
        auto state = read_control_file(data / kState);
        if (!state || !writer_runs(*state)) return std::nullopt;
        return state;
    };
    if (!running()) return Error{Errc::Unavailable, "no gateway runs over " + data.string()};
    const ControlTurn turn{data / "policy.lock"};
    if (!turn.mine()) return Error{Errc::Unavailable, "another command is reloading the policy"};
    const std::string id = core::random_token(12);
    if (!write_control_file(data / kRequest, {{"id", id}})) return Error{Errc::Unavailable, (data / kRequest).string() + " cannot be written"};
    const auto until = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < until) {
        const auto state = running();
        if (!state) return Error{Errc::Unavailable, "the gateway has ended"};
        if (text_member(*state, "answered") == id) {
            std::string why;
            if (const auto errors = state->find("errors"); errors != state->end() && errors->is_array())
                for (const Json& error : *errors)
                    if (error.is_string()) why += (why.empty() ? "" : "\n") + error.get<std::string>();
            if (!why.empty()) return Error{Errc::Refused, why};
            return text_member(*state, "version");
        }
        std::this_thread::sleep_for(50ms);
    }
    return Error{Errc::Unavailable, "the gateway did not answer in time; it may still be loading"};
}

}  // namespace sluice::gateway
