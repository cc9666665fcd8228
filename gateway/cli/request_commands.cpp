// classify and route: what Sluice thinks of a text or a request, without sending it to any model.
#include "gateway/cli/command.hpp"
#include "gateway/cli/http_client.hpp"
#include "gateway/config/load_policy.hpp"
#include "policies/sensitivity/evaluate_line.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <istream>
#include <iterator>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;

constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20U;

int classify_lines(const policies::Classifier& classifier, const policies::FindingRules& rules, Console& console) {
    for (std::string line; std::getline(console.in, line);) {
        console.out << policies::evaluate_line(classifier, line, &rules) << '\n' << std::flush;  // callers wait for each line
    }
    return kDone;
}

int classify(const Arguments& arguments, Program& program) {
    const auto config = configuration(arguments, program);
    if (!config) return kWrongUsage;
    const auto policy = load_policy(*config);
    if (!policy) {
        fail(program.console, policy.error());
        return kWrongUsage;
    }
    const policies::Classifier& classifier = (*policy)->classifier();
    const policies::FindingRules& rules = (*policy)->for_team(arguments.get_or("--team", "")).findings;
    if (arguments.has("--jsonl")) return classify_lines(classifier, rules, program.console);

    std::string text;
    if (const auto given = arguments.positional(0)) {
        text = *given;
    } else {
        text.assign(std::istreambuf_iterator<char>(program.console.in), {});
    }
    const Json answer = policies::evaluate(classifier, {{"text", text}}, &rules);
    if (arguments.has("--json")) {
        print_json(program.console.out, answer);
        return kDone;
    }
    if (answer.contains("error")) {
        return fail(program.console, {.code = core::Errc::Unavailable, .detail = answer.at("error").dump()});
    }
    program.console.out << "data class: " << answer.at("data_class").get<std::string>() << '\n';
    std::vector<std::vector<std::string>> rows;
    for (const Json& finding : answer.at("findings")) {
        rows.push_back({finding.at("type").get<std::string>(), std::to_string(finding.at("start").get<std::int64_t>()),
                        std::to_string(finding.at("end").get<std::int64_t>()),
                        fmt::format("{:.2f}", finding.at("score").get<double>()), finding.value("detector", "")});
    }
    print_table(program.console.out,
                {{"FINDING"}, {"FROM", Align::Right}, {"TO", Align::Right}, {"SCORE", Align::Right}, {"DETECTOR"}},
                rows, "nothing sensitive was found");
    return kDone;
}

core::Result<std::string> ask_gateway(const Arguments& arguments, const std::string& body) {
    auto url = parse_url(arguments.get_or("--url", "http://127.0.0.1:8080") + "/v1/route");
    if (!url) return url.error();
    const char* from_environment = std::getenv("SLUICE_KEY");
    const std::string key = arguments.get_or("--key", from_environment != nullptr ? from_environment : "");
    HttpCall request{.url = std::move(*url), .method = "POST", .body = body};
    request.headers.emplace_back("Content-Type", "application/json");
    if (!key.empty()) request.headers.emplace_back("Authorization", "Bearer " + key);
    if (const auto declared = arguments.get("--class")) request.headers.emplace_back("x-sluice-data-class", *declared);

    int status = 0;
    std::string answer;
    const auto done = call(
        request,
        [&](const HttpHead& head) -> core::Result<void> {
            status = head.status;
            return {};
        },
        [&](std::string_view bytes) -> core::Result<void> {
            answer += bytes;
            if (answer.size() <= kMaxAnswerBytes) return {};
            return core::Error{core::Errc::TooLarge, "the answer is too long for a gateway"};
        });
    if (!done) return done.error();
    if (status == 200) return answer;
    const auto error = core::parse_json(answer);
    std::string said;
    if (error && error->is_object() && error->contains("error") && error->at("error").is_object()) {
        said = error->at("error").value("message", "");
    }
    return core::Error{.code = core::Errc::UpstreamRejected,
                       .detail = fmt::format("the gateway answered {}{}", status, said.empty() ? "" : ": " + said)};
}

int route(const Arguments& arguments, Program& program) {
    const std::string body(std::istreambuf_iterator<char>(program.console.in), {});
    const auto answer = ask_gateway(arguments, body);
    if (!answer) return fail(program.console, answer.error());
    const auto json = core::parse_json(*answer);
    if (!json) return fail(program.console, {.code = core::Errc::UpstreamFailed, .detail = "the answer is not JSON"});
    print_json(program.console.out, *json);
    return kDone;
}

}  // namespace

std::vector<Command> request_commands() {
    return {
        {{.name = "route",
          .summary = "Asks a running gateway where a request would go, and why; sends it to no model.",
          .options = {{"--url", "URL", "the gateway; default http://127.0.0.1:8080"},
                      {"--key", "KEY", "a team's key; default: the environment's SLUICE_KEY"},
                      {"--class", "CLASS", "declare a data class"}},
          .details =
              "Reads the JSON body of a chat completion from standard input and prints the plan as JSON:\n"
              "  echo '{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}' | sluice route"},
         route},
        {{.name = "classify",
          .summary = "Says what is sensitive in a text, in this process.",
          .positionals = {{"TEXT", "default: standard input", false}},
          .options = {{"--jsonl", "", "one {\"id\", \"text\"} per line in, one verdict per line out"},
                      {"--team", "TEAM", "with the rules of that team; default: the default policy's"},
                      config_option(),
                      json_option()}},
         classify},
    };
}

}  // namespace sluice::gateway::cli
