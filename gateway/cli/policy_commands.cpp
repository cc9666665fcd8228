// policy test, reload and hash: whether rules do what they are meant to, and taking them over while the gateway runs.
#include "gateway/cli/command.hpp"
#include "gateway/cli/policy_check.hpp"
#include "gateway/config/load_policy.hpp"
#include "gateway/serve/policy_reload.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Errc;
using core::Json;

constexpr std::chrono::seconds kPatience{120};  // a million terms on a busy machine

std::shared_ptr<const policies::PolicySet> policy_of(const Arguments& arguments, Program& program) {
    const auto config = configuration(arguments, program);
    if (!config) return nullptr;
    auto policy = load_policy(*config);
    if (policy) return std::move(*policy);
    fail(program.console, policy.error());
    return nullptr;
}

std::optional<PolicyCases> cases_of(const Arguments& arguments, Program& program) {
    const auto named = arguments.get("--cases");
    const auto path = named ? named : arguments.positional(0);
    if (!path || (named && arguments.positional(0))) {
        fail(program.console, {Errc::InvalidRequest, path ? "is given twice: the file of cases" : "is needed: the file of cases", "CASES.yaml"});
        return std::nullopt;
    }
    std::ifstream file(*path, std::ios::binary);
    if (!file) {
        fail(program.console, {Errc::InvalidRequest, "cannot be read", *path});
        return std::nullopt;
    }
    auto cases = parse_policy_cases(std::string(std::istreambuf_iterator<char>(file), {}));
    for (core::Error& problem : cases.problems) {
        problem.field = problem.field.empty() ? *path : *path + ": " + problem.field;
        fail(program.console, problem);
    }
    if (!cases.problems.empty()) return std::nullopt;
    return cases;
}

void print_difference(std::ostream& out, const Difference& difference) {
    out << fmt::format("  {:<9} - {}\n  {:<9} + {}\n", difference.what, difference.expected, "", difference.got);
}

Json to_json(const PolicyCase& one, const std::vector<Difference>& differences) {
    Json list = Json::array();
    for (const auto& [what, expected, got] : differences) list.push_back({{"what", what}, {"expected", expected}, {"got", got}});
    return {{"case", one.place}, {"name", one.name}, {"team", one.team}, {"passed", differences.empty()}, {"differences", std::move(list)}};
}

int test(const Arguments& arguments, Program& program) {
    const auto cases = cases_of(arguments, program);
    if (!cases) return kWrongUsage;
    const auto policy = policy_of(arguments, program);
    if (!policy) return kWrongUsage;
    std::ostream& out = program.console.out;
    const bool json = arguments.has("--json");
    Json results = Json::array();
    std::size_t failed = 0;
    for (const PolicyCase& one : cases->cases) {
        auto found = differences(*policy, one);
        if (!found) return fail(program.console, {Errc::InvalidRequest, found.error().detail, one.place + ": body"});
        if (!found->empty()) ++failed;
        if (json) {
            results.push_back(to_json(one, *found));
        } else if (!found->empty()) {
            out << fmt::format("FAIL {}{}{}\n", one.place, one.name.empty() ? "" : ": " + one.name, one.team.empty() ? "" : " (team " + one.team + ")");
            for (const auto& difference : *found) print_difference(out, difference);
        }
    }
    if (json) print_json(out, {{"policy_version", policy->version()}, {"failed", failed}, {"cases", std::move(results)}});
    else out << fmt::format("{} cases, {} failed; policy {}\n", cases->cases.size(), failed, policy->version());
    return failed == 0 ? kDone : kFailed;
}

int reload(const Arguments& arguments, Program& program) {
    const auto data = data_directory(arguments, program);
    if (!data) return kWrongUsage;
    const auto version = ask_for_reload(*data, kPatience);
    if (!version) {
        fail(program.console, version.error());
        return kFailed;
    }
    if (arguments.has("--json")) print_json(program.console.out, {{"policy_version", *version}});
    else program.console.out << "policy " << *version << " is in force\n";
    return kDone;
}

int hash(const Arguments& arguments, Program& program) {
    const auto config = configuration(arguments, program);
    if (!config) return kWrongUsage;
    const auto& key = config->sensitivity.allow.key;
    if (key.expose().size() < 16)
        return fail(program.console, {Errc::InvalidRequest, "is needed in the configuration, at least 16 characters", "sensitivity.allow.key"});
    for (std::string value; std::getline(program.console.in, value);)
        if (!value.empty()) program.console.out << policies::FindingFilter::hash(key, value) << '\n';
    return kDone;
}

constexpr std::string_view kTestDetails =
    "Nothing is sent anywhere, and no gateway needs to run. The file of cases:\n"
    "\n"
    "  cases:\n"
    "    - name: employee numbers stay here\n"
    "      team: legal                       # default: the default policy\n"
    "      text: badge EMP-123456            # or body: a whole chat request, as JSON\n"
    "      declared: internal                # what x-sluice-data-class would say; default: nothing\n"
    "      expect:                           # one of these, or more\n"
    "        class: confidential             # public, internal, confidential or restricted\n"
    "        findings: [CUSTOM_EMPLOYEE_ID]  # exactly these types; [] none; \"EMAIL=jo@example.org\" names the value too\n"
    "        action: local                   # cloud, redact, local or block; redact only when masking succeeds\n"
    "\n"
    "Of a case that fails, what was expected (-) and what came (+) is shown. Exit codes: 0 all cases hold, 1 some do not,\n"
    "2 the configuration or the file of cases is wrong.\n";

}  // namespace

std::vector<Command> policy_commands() {
    return {
        {{.name = "policy test",
          .summary = "Checks a policy against cases: texts with the class, findings and action they should get.",
          .positionals = {{"CASES.yaml", "the file of cases, unless --cases names it", false}},
          .options = {config_option(), {"--cases", "CASES.yaml", "the file of cases"}, json_option()},
          .details = std::string{kTestDetails}},
         test},
        {{.name = "policy reload",
          .summary = "Has the running gateway take over changed policies, patterns and dictionaries.",
          .options = {config_option(), data_option(), json_option()},
          .details = "The gateway reads the configuration file it was started with again; SIGHUP does the same. Requests that run\n"
                     "keep the rules they began with. A file with a problem changes nothing: the problem is printed, exit code 1.\n"
                     "Other sections than policies and sensitivity take effect at the next start.\n"},
         reload},
        {{.name = "policy hash",
          .summary = "Prints, for each line of standard input, what sensitivity.allow.hashed holds for that value.",
          .options = {config_option()},
          .details = "The key is sensitivity.allow.key of the configuration.\n"},
         hash},
    };
}

}  // namespace sluice::gateway::cli
