// teams, keys and budgets: who may ask, and for how much. They write beside a running gateway, which notices.
#include "gateway/cli/command.hpp"
#include "policies/identity/identity_store.hpp"
#include "policies/ledger/clock.hpp"
#include "policies/usage_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Caps;
using core::Error;
using core::Json;
using policies::IdentityStore;
using policies::Key;
using policies::Team;

std::string cap_text(const std::optional<core::NanoUsd>& cap) {
    return cap ? core::format_usd(*cap) : "none";
}
Json cap_json(const std::optional<core::NanoUsd>& cap) {
    return cap ? Json(core::format_usd(*cap)) : Json(nullptr);
}

// Opens the store and hands it to the command's body; every error ends as an exit code.
template <class Body>
int with_store(const Arguments& arguments, Program& program, const Body& body) {
    const auto directory = data_directory(arguments, program);
    if (!directory) return kWrongUsage;
    auto store = IdentityStore::open(*directory);
    if (!store) return fail(program.console, store.error());
    const core::Result<void> result = body(*store, *directory);
    return result ? kDone : fail(program.console, result.error());
}

core::Result<Caps> read_caps(const Arguments& arguments, Caps caps = {}) {
    if (auto daily = read_cap(arguments, "--daily", caps.daily); !daily) return daily.error();
    if (auto monthly = read_cap(arguments, "--monthly", caps.monthly); !monthly) return monthly.error();
    return caps;
}

Json team_json(const Team& team) {
    return {{"id", team.id.value},
            {"name", team.name},
            {"floor", core::to_string(team.floor)},
            {"daily_cap_usd", cap_json(team.caps.daily)},
            {"monthly_cap_usd", cap_json(team.caps.monthly)},
            {"created", policies::format_utc(team.created_nanoseconds)}};
}

int teams_add(const Arguments& arguments, Program& program) {
    const std::string floor_text = arguments.get_or("--floor", "public");
    const auto floor = core::parse_data_class(floor_text);
    if (!floor) {
        return fail(program.console,
                    {.code = core::Errc::InvalidRequest,
                     .detail = fmt::format("\"{}\" is not public, internal, confidential or restricted", floor_text),
                     .field = "--floor"});
    }
    const auto caps = read_caps(arguments);
    if (!caps) return fail(program.console, caps.error());
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        const auto team = store.add_team(*arguments.positional(0), *floor, *caps);
        if (!team) return team.error();
        if (arguments.has("--json")) {
            print_json(program.console.out, team_json(*team));
        } else {
            program.console.out << fmt::format("team {} added; daily cap {}, monthly cap {}\n", team->name,
                                               cap_text(team->caps.daily), cap_text(team->caps.monthly));
        }
        return {};
    });
}

int teams_list(const Arguments& arguments, Program& program) {
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        const auto teams = store.list_teams();
        if (!teams) return teams.error();
        Json json = Json::array();
        std::vector<std::vector<std::string>> rows;
        for (const Team& team : *teams) {
            json.push_back(team_json(team));
            rows.push_back({team.name, std::string(core::to_string(team.floor)), cap_text(team.caps.daily),
                            cap_text(team.caps.monthly), policies::format_utc(team.created_nanoseconds)});
        }
        if (arguments.has("--json")) {
            print_json(program.console.out, json);
        } else {
            print_table(program.console.out,
                        {{"TEAM"}, {"FLOOR"}, {"DAILY USD", Align::Right}, {"MONTHLY USD", Align::Right}, {"CREATED"}},
                        rows, "no teams yet: sluice teams add NAME");
        }
        return {};
    });
}

Json key_json(const Key& key) {
    return {
        {"id", key.id.value},
        {"team", key.team_name},
        {"name", key.name},
        {"shown", key.shown},
        {"daily_cap_usd", cap_json(key.caps.daily)},
        {"monthly_cap_usd", cap_json(key.caps.monthly)},
        {"created", policies::format_utc(key.created_nanoseconds)},
        {"revoked", key.revoked_nanoseconds ? Json(policies::format_utc(*key.revoked_nanoseconds)) : Json(nullptr)}};
}

// A team is named first or with --team.
std::optional<std::string> team_argument(const Arguments& arguments) {
    const auto first = arguments.positional(0);
    return first ? first : arguments.get("--team");
}

int keys_create(const Arguments& arguments, Program& program) {
    const auto caps = read_caps(arguments);
    if (!caps) return fail(program.console, caps.error());
    const auto team = team_argument(arguments);
    if (!team) return fail(program.console, {.code = core::Errc::InvalidRequest, .detail = "name a TEAM"});
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        const auto made = store.create_key(*team, arguments.get_or("--name", "default"), *caps);
        if (!made) return made.error();
        std::ostream& out = program.console.out;
        if (arguments.has("--json")) {
            Json json = key_json(made->key);
            json["key"] = made->token.expose();
            print_json(out, json);
        } else if (arguments.has("--quiet")) {
            out << made->token.expose() << '\n';
        } else {
            out << fmt::format("key {} of team {}, shown this once:\n\n  {}\n\n", made->key.name, made->key.team_name,
                               made->token.expose());
        }
        return {};
    });
}

int keys_list(const Arguments& arguments, Program& program) {
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        const auto keys = store.list_keys(arguments.get("--team"));
        if (!keys) return keys.error();
        Json json = Json::array();
        std::vector<std::vector<std::string>> rows;
        for (const Key& key : *keys) {
            json.push_back(key_json(key));
            rows.push_back({std::to_string(key.id.value), key.team_name, key.name, key.shown, cap_text(key.caps.daily),
                            cap_text(key.caps.monthly), policies::format_utc(key.created_nanoseconds),
                            key.revoked_nanoseconds ? policies::format_utc(*key.revoked_nanoseconds) : ""});
        }
        if (arguments.has("--json")) {
            print_json(program.console.out, json);
        } else {
            print_table(program.console.out,
                        {{"ID", Align::Right},
                         {"TEAM"},
                         {"NAME"},
                         {"KEY"},
                         {"DAILY USD", Align::Right},
                         {"MONTHLY USD", Align::Right},
                         {"CREATED"},
                         {"REVOKED"}},
                        rows, "no keys yet: sluice keys create TEAM");
        }
        return {};
    });
}

int keys_revoke(const Arguments& arguments, Program& program) {
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        const auto key = store.find_key(*arguments.positional(0));
        if (!key) return key.error();
        if (auto revoked = store.revoke_key(key->id); !revoked) return revoked.error();
        if (arguments.has("--json")) {
            const auto after = store.find_key(std::to_string(key->id.value));
            if (!after) return after.error();
            print_json(program.console.out, key_json(*after));
        } else {
            program.console.out << fmt::format(
                "key {} ({}) of team {} is revoked; a running gateway refuses it within a second\n", key->shown,
                key->name, key->team_name);
        }
        return {};
    });
}

int budgets_set(const Arguments& arguments, Program& program) {
    const auto name = team_argument(arguments);
    const auto reference = arguments.get("--key");
    if (name.has_value() == reference.has_value()) {
        return fail(program.console, {.code = core::Errc::InvalidRequest, .detail = "name either a TEAM or a --key"});
    }
    if (!arguments.has("--daily") && !arguments.has("--monthly")) {
        return fail(program.console, {.code = core::Errc::InvalidRequest, .detail = "give --daily, --monthly or both"});
    }
    return with_store(arguments, program, [&](IdentityStore& store, const auto&) -> core::Result<void> {
        std::string whose;
        Caps caps;
        if (name) {
            const auto team = store.find_team(*name);
            if (!team) return team.error();
            const auto wanted = read_caps(arguments, team->caps);
            if (!wanted) return wanted.error();
            if (auto set = store.set_team_caps(*name, *wanted); !set) return set.error();
            whose = "team " + *name;
            caps = *wanted;
        } else {
            const auto key = store.find_key(*reference);
            if (!key) return key.error();
            const auto wanted = read_caps(arguments, key->caps);
            if (!wanted) return wanted.error();
            if (auto set = store.set_key_caps(key->id, *wanted); !set) return set.error();
            whose = fmt::format("key {} ({}) of team {}", key->shown, key->name, key->team_name);
            caps = *wanted;
        }
        program.console.out << fmt::format("{}: daily cap {}, monthly cap {}\n", whose, cap_text(caps.daily),
                                           cap_text(caps.monthly));
        return {};
    });
}

struct Spent {
    core::NanoUsd today;
    core::NanoUsd month;
};

// Settled spend of a team in the windows that are open now; nothing before the first request was recorded.
core::Result<Spent> spent_by(const std::optional<policies::LedgerReader>& ledger, core::TeamId team) {
    Spent spent;
    if (!ledger) return spent;
    const std::int32_t today = policies::day_of(policies::system_wall_clock()());
    const std::int32_t first = policies::first_day_of_month(policies::month_of_day(today));
    for (const auto& [from, sum] : {std::pair{today, &spent.today}, std::pair{first, &spent.month}}) {
        const auto rows = ledger->usage(policies::UsageBy::Team, {.team = team, .first_day = from, .last_day = today});
        if (!rows) return rows.error();
        for (const policies::UsageRow& row : *rows) *sum = *sum + row.cost;
    }
    return spent;
}

core::Result<std::optional<policies::LedgerReader>> open_ledger(const std::filesystem::path& directory) {
    auto ledger = policies::LedgerReader::open(directory);
    if (ledger) return std::optional(std::move(*ledger));
    if (ledger.error().code == core::Errc::NotFound) return std::optional<policies::LedgerReader>();
    return ledger.error();
}

int budgets_show(const Arguments& arguments, Program& program) {
    return with_store(arguments, program,
                      [&](IdentityStore& store, const std::filesystem::path& directory) -> core::Result<void> {
                          auto teams = store.list_teams();
                          if (!teams) return teams.error();
                          const auto ledger = open_ledger(directory);
                          if (!ledger) return ledger.error();
                          const auto only = arguments.get("--team");
                          if (only) {
                              if (const auto found = store.find_team(*only); !found) return found.error();
                          }
                          Json json = Json::array();
                          std::vector<std::vector<std::string>> rows;
                          for (const Team& team : *teams) {
                              if (only && team.name != *only) continue;
                              const auto spent = spent_by(*ledger, team.id);
                              if (!spent) return spent.error();
                              json.push_back({{"team", team.name},
                                              {"daily_cap_usd", cap_json(team.caps.daily)},
                                              {"spent_today_usd", core::format_usd(spent->today)},
                                              {"monthly_cap_usd", cap_json(team.caps.monthly)},
                                              {"spent_this_month_usd", core::format_usd(spent->month)}});
                              rows.push_back({team.name, cap_text(team.caps.daily), core::format_usd(spent->today),
                                              cap_text(team.caps.monthly), core::format_usd(spent->month)});
                          }
                          if (arguments.has("--json")) {
                              print_json(program.console.out, json);
                          } else {
                              print_table(program.console.out,
                                          {{"TEAM"},
                                           {"DAILY USD", Align::Right},
                                           {"SPENT TODAY", Align::Right},
                                           {"MONTHLY USD", Align::Right},
                                           {"SPENT THIS MONTH", Align::Right}},
                                          rows, "no teams yet: sluice teams add NAME");
                          }
                          return {};
                      });
}

}  // namespace

std::vector<Command> identity_commands() {
    const Option daily{"--daily", "USD", "cap per UTC day, such as 12.50; none lifts it"};
    const Option monthly{"--monthly", "USD", "cap per UTC month; none lifts it"};
    return {
        {{.name = "teams add",
          .summary = "Adds a team.",
          .positionals = {{"TEAM", "its name"}},
          .options = {{"--floor", "CLASS",
                       "no request of it counts as less sensitive: public, internal, confidential, restricted"},
                      daily,
                      monthly,
                      data_option(),
                      config_option(),
                      json_option()}},
         teams_add},
        {{.name = "teams list",
          .summary = "Lists the teams.",
          .options = {data_option(), config_option(), json_option()}},
         teams_list},
        {{.name = "keys create",
          .summary = "Makes a key for a team and shows it once.",
          .positionals = {{"TEAM", "whose key it is", false}},
          .options = {{"--team", "TEAM", "the same"},
                      {"--name", "NAME", "what to call it; default: default"},
                      daily,
                      monthly,
                      {"--quiet", "", "print the key alone"},
                      data_option(),
                      config_option(),
                      json_option()}},
         keys_create},
        {{.name = "keys list",
          .summary = "Lists keys, revoked ones too.",
          .options = {{"--team", "TEAM", "of this team only"}, data_option(), config_option(), json_option()}},
         keys_list},
        {{.name = "keys revoke",
          .summary = "Revokes a key for good.",
          .positionals = {{"KEY", "its id, its name, or the start of it as keys list shows it"}},
          .options = {data_option(), config_option(), json_option()}},
         keys_revoke},
        {{.name = "budgets set",
          .summary = "Sets the caps of a team or a key.",
          .positionals = {{"TEAM", "whose caps", false}},
          .options = {{"--team", "TEAM", "the same"},
                      {"--key", "KEY", "a key instead of a team: its id, name or start"},
                      daily,
                      monthly,
                      data_option(),
                      config_option()},
          .details = "A cap that is not named stays as it is. A running gateway applies a change within a second."},
         budgets_set},
        {{.name = "budgets show",
          .summary = "Shows caps and what is spent of them.",
          .options = {{"--team", "TEAM", "this team only"}, data_option(), config_option(), json_option()}},
         budgets_show},
    };
}

}  // namespace sluice::gateway::cli
