// models inspect and logits: looking into a GGUF file, and at what the engine computes from it.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/diagnostics.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/model/memory_plan.hpp"

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
using local_engine::gguf::Reader;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

// The model file: --model, or the first argument.
core::Result<std::string> model_path(const Arguments& arguments) {
    if (const auto given = arguments.get("--model")) return *given;
    if (const auto given = arguments.positional(0)) return *given;
    return wrong("--model", "is needed: the model file");
}

std::string shape_of(const local_engine::gguf::Tensor& tensor) {
    std::string shape;
    for (int i = 0; i < tensor.n_dims; ++i)
        shape += (i > 0 ? " x " : "") + std::to_string(tensor.ne[static_cast<std::size_t>(i)]);
    return shape;
}

std::string type_name(local_engine::TensorType type) {
    const auto* known = local_engine::traits(type);
    return known != nullptr ? std::string(known->name) : "type " + std::to_string(static_cast<int>(type));
}

struct Summary {
    std::string name;
    std::string architecture;
    std::int64_t context = 0;
    std::int64_t parameters = 0;
    std::map<std::string, std::int64_t> tensors_by_type;
};

Summary summary_of(const Reader& file) {
    Summary summary;
    summary.name = std::string(file.string("general.name").value_or(""));
    summary.architecture = std::string(file.string("general.architecture").value_or(""));
    summary.context = file.integer(summary.architecture + ".context_length").value_or(0);
    for (const auto& tensor : file.tensors()) {
        // Sizes were checked against the file: the product fits.
        summary.parameters += tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
        ++summary.tensors_by_type[type_name(tensor.type)];
    }
    return summary;
}

std::size_t cache_bytes_per_token(const local_engine::ModelPlan& plan) {
    return local_engine::Forward::page_bytes(plan, local_engine::KvType::F16) / local_engine::kPageTokens;
}

// One row for each run of layers that are alike.
std::vector<std::vector<std::string>> layer_rows(const local_engine::ModelPlan& plan) {
    std::vector<std::vector<std::string>> rows;
    std::size_t first = 0;
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        std::string attention = local_engine::describe_attention(plan.layers[i]);
        std::string feed_forward = local_engine::describe_feed_forward(plan.layers[i]);
        const bool same = !rows.empty() && rows.back()[1] == attention && rows.back()[2] == feed_forward;
        if (!same) {
            first = i;
            rows.push_back({"", std::move(attention), std::move(feed_forward)});
        }
        rows.back()[0] = first == i ? std::to_string(i) : std::to_string(first) + "-" + std::to_string(i);
    }
    return rows;
}

Json plan_json(const Reader& file) {
    const auto plan = local_engine::read_plan(file);
    if (!plan) return {{"runs", false}, {"reason", core::describe(plan.error())}};
    Json layers = Json::array();
    for (const auto& layer : plan->layers) {
        layers.push_back({{"attention", local_engine::describe_attention(layer)},
                          {"feed_forward", local_engine::describe_feed_forward(layer)}});
    }
    return {{"runs", true}, {"cache_bytes_per_token", cache_bytes_per_token(*plan)}, {"layers", std::move(layers)}};
}

Json inspect_json(const Reader& file, const Summary& summary, bool with_tensors) {
    Json json{{"name", summary.name},
              {"architecture", summary.architecture},
              {"context_length", summary.context},
              {"parameters", summary.parameters},
              {"file_bytes", file.file_bytes()},
              {"tensors_by_type", summary.tensors_by_type},
              {"plan", plan_json(file)}};
    if (!with_tensors) return json;
    json["tensors"] = Json::array();
    for (const auto& tensor : file.tensors()) {
        Json shape = Json::array();
        for (int i = 0; i < tensor.n_dims; ++i) shape.push_back(tensor.ne[static_cast<std::size_t>(i)]);
        json["tensors"].push_back({{"name", tensor.name},
                                   {"type", type_name(tensor.type)},
                                   {"shape", std::move(shape)},
                                   {"bytes", tensor.bytes}});
    }
    return json;
}

int inspect(const Arguments& arguments, Program& program) {
    const auto path = model_path(arguments);
    if (!path) return fail(program.console, path.error());
    const auto file = Reader::open(*path);
    if (!file) return fail(program.console, file.error());
    const Summary summary = summary_of(**file);
    std::ostream& out = program.console.out;
    if (arguments.has("--json")) {
        print_json(out, inspect_json(**file, summary, arguments.has("--tensors")));
        return kDone;
    }
    std::vector<std::vector<std::string>> rows{
        {"name", summary.name},
        {"architecture", summary.architecture},
        {"context", grouped(summary.context)},
        {"parameters", grouped(summary.parameters)},
        {"file", grouped(static_cast<std::int64_t>((*file)->file_bytes())) + " bytes"}};
    for (const auto& [type, count] : summary.tensors_by_type)
        rows.push_back({"tensors in " + type, std::to_string(count)});
    const auto plan = local_engine::read_plan(**file);
    if (plan) {
        rows.push_back({"key/value cache",
                        grouped(static_cast<std::int64_t>(cache_bytes_per_token(*plan))) + " bytes per token (f16)"});
    } else {
        rows.push_back({"cannot be run", core::describe(plan.error())});
    }
    print_table(out, {{"WHAT"}, {"VALUE"}}, rows, "");
    if (plan) {
        out << '\n';
        print_table(out, {{"LAYERS"}, {"ATTENTION"}, {"FEED-FORWARD"}}, layer_rows(*plan), "");
    }
    if (!arguments.has("--tensors")) return kDone;
    std::vector<std::vector<std::string>> tensors;
    for (const auto& tensor : (*file)->tensors()) {
        tensors.push_back(
            {tensor.name, type_name(tensor.type), shape_of(tensor), grouped(static_cast<std::int64_t>(tensor.bytes))});
    }
    out << '\n';
    print_table(out, {{"TENSOR"}, {"TYPE"}, {"SHAPE"}, {"BYTES", Align::Right}}, tensors, "no tensors");
    return kDone;
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
        {{.name = "models inspect",
          .summary = "Says what is in a GGUF file, after checking all of its structure.",
          .positionals = {model},
          .options = {model_option, {"--tensors", "", "list every tensor"}, json_option()}},
         inspect},
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
