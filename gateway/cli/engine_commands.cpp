// models logits: what the engine computes from a GGUF file.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <ostream>
#include <span>

namespace sluice::gateway::cli {
namespace {

using core::Json;
using local_engine::DiagnosticOptions;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

// The model file: --model, or the first argument.
core::Result<std::string> model_path(const Arguments& arguments) {
    if (const auto given = arguments.get("--model")) return *given;
    if (const auto given = arguments.positional(0)) return *given;
    return wrong("--model", "is needed: the model file");
}

// A JSON array of whole numbers; `what` names it in errors.
core::Result<std::vector<std::int32_t>> parse_numbers(const std::string& what, const std::string& text) {
    const auto json = core::parse_json(text);
    if (!json || !json->is_array()) return wrong(what, "must hold a JSON array of whole numbers, such as [1, 2, 3]");
    std::vector<std::int32_t> numbers;
    for (const Json& entry : *json) {
        if (!entry.is_number_integer()) return wrong(what, "holds something that is not a whole number");
        const auto number = entry.get<std::int64_t>();
        if (number < 0 || number > INT32_MAX) return wrong(what, "holds a number below 0 or above 2147483647");
        numbers.push_back(static_cast<std::int32_t>(number));
    }
    return numbers;
}

core::Result<std::vector<std::int32_t>> read_numbers(const std::string& option, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return wrong(option, path + " cannot be read");
    return parse_numbers(option, std::string(std::istreambuf_iterator<char>(file), {}));
}

void print_numbers(std::ostream& out, std::span<const std::int32_t> numbers) {
    out << '[';
    for (std::size_t i = 0; i < numbers.size(); ++i) out << (i > 0 ? ", " : "") << numbers[i];
    out << "]\n";
}

template <class Value>
core::Result<void> read_word(const Arguments& arguments, const std::string& option,
                             const std::map<std::string, Value>& words, Value& out) {
    const auto text = arguments.get(option);
    if (!text) return {};
    const auto found = words.find(*text);
    if (found != words.end()) {
        out = found->second;
        return {};
    }
    std::string known;
    for (const auto& [word, _] : words) known += (known.empty() ? "" : ", ") + word;
    return wrong(option, fmt::format("\"{}\" is not one of: {}", *text, known));
}

core::Result<DiagnosticOptions> read_options(const Arguments& arguments) {
    using local_engine::Activations, local_engine::Backend, local_engine::KvType;
    DiagnosticOptions options;
    options.instruction_set = arguments.get_or("--instructions", "");
    auto read = read_word<Backend>(arguments, "--backend",
                                   {{"cpu", Backend::Cpu}, {"reference", Backend::Reference}, {"cuda", Backend::Cuda}},
                                   options.backend);
    if (read)
        read = read_word<KvType>(arguments, "--kv", {{"f16", KvType::F16}, {"f32", KvType::F32}}, options.kv_type);
    if (read)
        read = read_word<Activations>(arguments, "--activations", {{"f32", Activations::F32}, {"q8", Activations::Q8}},
                                      options.activations);
    if (!read) return read.error();
    for (const auto& [option, out] :
         {std::pair{"--threads", &options.threads}, std::pair{"--step", &options.step_tokens}}) {
        const auto text = arguments.get(option);
        if (!text) continue;
        const auto number = parse_integer(*text);
        if (!number || *number < 1 || *number > 65536)
            return wrong(option, fmt::format("\"{}\" is not a number between 1 and 65536", *text));
        *out = static_cast<int>(*number);
    }
    return options;
}

int write_floats(const std::vector<float>& values, const std::string& path, Program& program) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
    file.close();
    if (!file) return fail(program.console, {.code = core::Errc::Unavailable, .detail = path + " cannot be written"});
    program.console.error << "wrote " << grouped(static_cast<std::int64_t>(values.size())) << " floats to " << path
                          << '\n';
    return kDone;
}

int print_greedy(const Arguments& arguments, const std::string& model, std::span<const std::int32_t> ids,
                 const DiagnosticOptions& options, Program& program) {
    const auto count = parse_integer(arguments.get_or("--greedy", "0"));
    if (!count || *count < 1 || *count > 100'000) {
        return fail(program.console, wrong("--greedy", "must be a number between 1 and 100000"));
    }
    const auto tokens = local_engine::greedy(model, ids, static_cast<std::int32_t>(*count), options);
    if (!tokens) return fail(program.console, tokens.error());
    print_numbers(program.console.out, *tokens);
    return kDone;
}

int logits(const Arguments& arguments, Program& program) {
    const auto model = model_path(arguments);
    if (!model) return fail(program.console, model.error());
    const auto given = arguments.get("--tokens");
    if (!given) return fail(program.console, wrong("--tokens", "is needed: a file with the prompt's token ids"));
    const auto ids = read_numbers("--tokens", *given);
    if (!ids) return fail(program.console, ids.error());
    if (ids->empty()) return fail(program.console, wrong("--tokens", "holds no number"));
    const auto options = read_options(arguments);
    if (!options) return fail(program.console, options.error());
    if (arguments.has("--greedy")) return print_greedy(arguments, *model, *ids, *options, program);

    std::vector<std::int32_t> positions(ids->size());
    std::iota(positions.begin(), positions.end(), 0);
    if (const auto path = arguments.get("--positions")) {
        const auto wanted = read_numbers("--positions", *path);
        if (!wanted) return fail(program.console, wanted.error());
        positions = *wanted;
    }
    const auto out = arguments.get("--out");
    if (!out) return fail(program.console, wrong("--out", "is needed: the file for little-endian float32 rows"));
    const auto values = local_engine::logits(*model, *ids, positions, *options);
    if (!values) return fail(program.console, values.error());
    return write_floats(*values, *out, program);
}

}  // namespace

std::vector<Command> engine_commands() {
    const Positional model{"FILE.gguf", "the model file", false};
    const Option model_option{"--model", "FILE.gguf", "the model file"};
    return {
        {{.name = "models logits",
          .summary = "Computes a model's raw answers to token ids, for comparison with other engines.",
          .positionals = {model},
          .options = {model_option,
                      {"--tokens", "FILE.json", "prompt, a JSON array of ids; no BOS is added"},
                      {"--positions", "FILE.json", "prompt positions whose logits are wanted, ascending; default: all"},
                      {"--out", "FILE", "little-endian float32, (positions, vocabulary)"},
                      {"--greedy", "N", "print the N most likely tokens that follow, as JSON, instead"},
                      {"--backend", "reference|cpu|cuda", "default: cpu"},
                      {"--kv", "f16|f32", "key/value cache; default: f16"},
                      {"--activations", "q8|f32", "input of quantised products; default: q8"},
                      {"--instructions", "NAME", "instruction set of the cpu backend; default: the best"},
                      {"--threads", "N", "default: one per core"},
                      {"--step", "N", "prompt tokens computed together; default: 128"}}},
         logits},
    };
}

}  // namespace sluice::gateway::cli
