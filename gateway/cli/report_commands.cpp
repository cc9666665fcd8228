// usage and audit: reading the books, beside a running gateway or without one.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "policies/identity/identity_store.hpp"
#include "policies/ledger/clock.hpp"
#include "policies/usage_report.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;
using policies::AuditRow;
using policies::LedgerReader;
using policies::UsageBy;
using policies::UsageRow;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

// "2026-11-24" -> days since 1970.
std::optional<std::int32_t> parse_day(const std::string& text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = parse_integer(text.substr(0, 4));
    const auto month = parse_integer(text.substr(5, 2));
    const auto day = parse_integer(text.substr(8, 2));
    if (!year || !month || !day || *month < 0 || *day < 0) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

core::Result<void> read_day(const Arguments& arguments, const std::string& option, std::optional<std::int32_t>& day) {
    const auto text = arguments.get(option);
    if (!text) return {};
    day = parse_day(*text);
    if (!day) return wrong(option, fmt::format("\"{}\" is not a day such as 2026-11-24", *text));
    return {};
}

core::Result<std::optional<core::TeamId>> read_team(const Arguments& arguments,
                                                    const std::filesystem::path& directory) {
    const auto name = arguments.get("--team");
    if (!name) return std::optional<core::TeamId>();
    const auto store = policies::IdentityStore::open(directory);
    if (!store) return store.error();
    const auto team = store->find_team(*name);
    if (!team) return team.error();
    return std::optional(team->id);
}

template <class Body>
int with_ledger(const Arguments& arguments, Program& program, const Body& body) {
    const auto directory = data_directory(arguments, program);
    if (!directory) return kWrongUsage;
    auto reader = LedgerReader::open(*directory);
    if (!reader) return fail(program.console, reader.error());
    const core::Result<void> result = body(*reader, *directory);
    return result ? kDone : fail(program.console, result.error());
}

Json usage_json(const UsageRow& row) {
    return {{"name", row.name},
            {"requests", row.requests},
            {"prompt_tokens", row.prompt_tokens},
            {"completion_tokens", row.completion_tokens},
            {"cached_tokens", row.cached_tokens},
            {"cost_usd", core::format_usd(row.cost)},
            {"cost_nano_usd", row.cost.value},
            {"estimated", row.estimated}};
}

std::vector<std::string> usage_cells(const UsageRow& row) {
    return {row.name,
            grouped(row.requests),
            grouped(row.prompt_tokens),
            grouped(row.completion_tokens),
            grouped(row.cached_tokens),
            core::format_usd(row.cost),
            row.estimated == 0 ? "" : grouped(row.estimated)};
}

void add(UsageRow& total, const UsageRow& row) {
    total.requests += row.requests;
    total.prompt_tokens += row.prompt_tokens;
    total.completion_tokens += row.completion_tokens;
    total.cached_tokens += row.cached_tokens;
    total.cost = total.cost + row.cost;
    total.estimated += row.estimated;
}

int usage(const Arguments& arguments, Program& program) {
    const std::string by = arguments.get_or("--by", "team");
    if (by != "team" && by != "model" && by != "day") {
        return fail(program.console, wrong("--by", fmt::format("\"{}\" is not team, model or day", by)));
    }
    policies::UsageFilter filter;
    if (auto read = read_day(arguments, "--from", filter.first_day); !read) return fail(program.console, read.error());
    if (auto read = read_day(arguments, "--to", filter.last_day); !read) return fail(program.console, read.error());
    return with_ledger(arguments, program, [&](LedgerReader& reader, const auto& directory) -> core::Result<void> {
        const auto team = read_team(arguments, directory);
        if (!team) return team.error();
        filter.team = *team;
        const auto rows = reader.usage(by == "team"    ? UsageBy::Team
                                       : by == "model" ? UsageBy::Model
                                                       : UsageBy::Day,
                                       filter);
        if (!rows) return rows.error();
        UsageRow total;
        total.name = "total";
        Json json = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const UsageRow& row : *rows) {
            add(total, row);
            json.push_back(usage_json(row));
            cells.push_back(usage_cells(row));
        }
        if (arguments.has("--json")) {
            print_json(program.console.out, {{"by", by}, {"rows", std::move(json)}, {"total", usage_json(total)}});
            return {};
        }
        if (!cells.empty()) cells.push_back(usage_cells(total));
        print_table(program.console.out,
                    {{by == "team"    ? "TEAM"
                      : by == "model" ? "MODEL"
                                      : "DAY (UTC)"},
                     {"REQUESTS", Align::Right},
                     {"PROMPT TOKENS", Align::Right},
                     {"COMPLETION TOKENS", Align::Right},
                     {"CACHED", Align::Right},
                     {"COST USD", Align::Right},
                     {"ESTIMATED", Align::Right}},
                    cells, "nothing was used yet");
        return {};
    });
}

Json audit_json(const AuditRow& row) {
    const auto decision = core::parse_json(row.decision_json);
    return {{"sequence", row.sequence},
            {"id", row.id},
            {"time", policies::format_utc(row.unix_nanoseconds)},
            {"team_id", row.team.value},
            {"key_id", row.key.value},
            {"settled_by", row.settled_by},
            {"target", row.target},
            {"charge_usd", core::format_usd(row.charge)},
            {"decision", decision ? *decision : Json(nullptr)}};
}

// A text of the decision's record, empty when it has none.
std::string text_of(const Json& decision, const char* key) {
    if (!decision.is_object()) return {};
    const auto found = decision.find(key);
    return found != decision.end() && found->is_string() ? found->template get<std::string>() : std::string();
}

std::vector<std::string> audit_cells(const AuditRow& row) {
    const auto parsed = core::parse_json(row.decision_json);
    const Json decision = parsed ? *parsed : Json();
    return {std::to_string(row.sequence),
            policies::format_utc(row.unix_nanoseconds),
            row.id,
            text_of(decision, "team"),
            text_of(decision, "data_class"),
            text_of(decision, "outcome"),
            row.target,
            core::format_usd(row.charge),
            row.settled_by};
}

core::Result<std::int64_t> read_limit(const Arguments& arguments) {
    const std::string text = arguments.get_or("--limit", "50");
    const auto limit = parse_integer(text);
    if (!limit || *limit < 1 || *limit > 1'000'000) {
        return wrong("--limit", fmt::format("\"{}\" is not a number between 1 and 1000000", text));
    }
    return *limit;
}

int audit_list(const Arguments& arguments, Program& program) {
    const auto limit = read_limit(arguments);
    if (!limit) return fail(program.console, limit.error());
    return with_ledger(arguments, program, [&](LedgerReader& reader, const auto& directory) -> core::Result<void> {
        const auto team = read_team(arguments, directory);
        if (!team) return team.error();
        const auto rows = reader.audit({.team = *team, .limit = *limit});
        if (!rows) return rows.error();
        Json json = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const AuditRow& row : *rows) {
            if (arguments.has("--json")) {
                json.push_back(audit_json(row));
            } else {
                cells.push_back(audit_cells(row));
            }
        }
        if (arguments.has("--json")) {
            print_json(program.console.out, json);
        } else {
            print_table(program.console.out,
                        {{"SEQ", Align::Right},
                         {"TIME (UTC)"},
                         {"DECISION"},
                         {"TEAM"},
                         {"CLASS"},
                         {"OUTCOME"},
                         {"TARGET"},
                         {"USD", Align::Right},
                         {"SETTLED BY"}},
                        cells, "no decision is recorded yet");
        }
        return {};
    });
}

int audit_show(const Arguments& arguments, Program& program) {
    return with_ledger(arguments, program, [&](LedgerReader& reader, const auto&) -> core::Result<void> {
        const std::string id = *arguments.positional(0);
        const auto row = reader.decision(id);
        if (!row) return row.error();
        if (!*row) return core::Error{core::Errc::NotFound, "no decision " + id};
        print_json(program.console.out, audit_json(**row));
        return {};
    });
}

int audit_verify(const Arguments& arguments, Program& program) {
    return with_ledger(arguments, program, [&](LedgerReader& reader, const auto&) -> core::Result<void> {
        const auto report = reader.verify();
        if (!report) return report.error();
        if (arguments.has("--json")) {
            print_json(program.console.out, {{"records", report->records},
                                             {"entries", report->entries},
                                             {"charged_usd", core::format_usd(report->charged)},
                                             {"chain_head", report->chain_head}});
        } else {
            program.console.out << fmt::format(
                "the chain of {} records is whole; {} entries, {} USD charged; head {}\n", report->records,
                report->entries, core::format_usd(report->charged), report->chain_head);
        }
        return {};
    });
}

}  // namespace

std::vector<Command> report_commands() {
    const Option team{"--team", "TEAM", "of this team only"};
    return {
        {{.name = "usage",
          .summary = "Shows requests, tokens and money by team, model or day.",
          .options = {{"--by", "team|model|day", "default: team"},
                      team,
                      {"--from", "DAY", "first day, UTC: 2026-11-24"},
                      {"--to", "DAY", "last day"},
                      data_option(),
                      config_option(),
                      json_option()},
          .details = "ESTIMATED counts requests whose provider reported no usage, or that a crash cut short."},
         usage},
        {{.name = "audit list",
          .summary = "Lists decisions, newest first.",
          .options =
              {{"--limit", "N", "at most so many; default 50"}, team, data_option(), config_option(), json_option()}},
         audit_list},
        {{.name = "audit show",
          .summary = "Shows one decision in full, as JSON.",
          .positionals = {{"DECISION", "the id of the x-sluice-decision header"}},
          .options = {data_option(), config_option()}},
         audit_show},
        {{.name = "audit verify",
          .summary = "Recomputes the hash chain and the sums of the ledger.",
          .options = {data_option(), config_option(), json_option()}},
         audit_verify},
    };
}

}  // namespace sluice::gateway::cli
