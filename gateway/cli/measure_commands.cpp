// bench and eval: how fast a model is on this machine, and how good it is.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/measure/evaluation.hpp"
#include "local_engine/measure/model_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;
using local_engine::DiagnosticOptions;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

core::Result<std::int64_t> read_number(const Arguments& arguments, const char* option, std::int64_t absent, std::int64_t least, std::int64_t most) {
    const auto text = arguments.get(option);
    if (!text) return absent;
    const auto number = parse_integer(*text);
    if (!number || *number < least || *number > most)
        return wrong(option, fmt::format("\"{}\" is not a number between {} and {}", *text, least, most));
    return *number;
}

// "1,4,8"
core::Result<std::vector<std::int64_t>> read_list(const Arguments& arguments, const char* option, const std::string& absent, std::int64_t most) {
    std::string text = arguments.get_or(option, absent);
    std::vector<std::int64_t> numbers;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const auto number = parse_integer(text.substr(start, end - start));
        if (!number || *number < 1 || *number > most || numbers.size() >= 16)
            return wrong(option, fmt::format("must be at most 16 numbers between 1 and {}, such as {}", most, absent));
        numbers.push_back(*number);
        start = end + 1;
    }
    return numbers;
}

class Progress {
public:
    explicit Progress(Console& console) : console_(console) {}
    ~Progress() {
        if (shown_) console_.error << "\r\x1b[K" << std::flush;
    }
    void tell(const std::string& text) {
        if (!console_.interactive) return;
        console_.error << "\r\x1b[K" << text << std::flush;
        shown_ = true;
    }

private:
    Console& console_;
    bool shown_ = false;
};

struct Speed {
    std::string what;
    std::int64_t sequences = 0, context = 0;
    double tokens_per_second = 0.0;
    double bandwidth_share = 0.0;  // of what memory gives; 0: not said
};

int bench(const Arguments& arguments, Program& program) {
    Console& console = program.console;
    const auto batches = read_list(arguments, "--batch", "1,4,8", 256);
    if (!batches) return fail(console, batches.error());
    const auto contexts = read_list(arguments, "--context", "128,2048", 1 << 20);
    if (!contexts) return fail(console, contexts.error());
    const auto prompt = read_number(arguments, "--prompt", 512, 1, 1 << 20);
    if (!prompt) return fail(console, prompt.error());
    const auto steps = read_number(arguments, "--decode", 32, 1, 10'000);
    if (!steps) return fail(console, steps.error());
    const auto threads = read_number(arguments, "--threads", 0, 1, 256);
    if (!threads) return fail(console, threads.error());
    const auto step_tokens = read_number(arguments, "--step", 128, 8, 8192);
    if (!step_tokens) return fail(console, step_tokens.error());
    const auto repeats = read_number(arguments, "--repeat", 3, 1, 100);
    if (!repeats) return fail(console, repeats.error());

    DiagnosticOptions options;
    options.threads = static_cast<int>(*threads);
    const std::int64_t longest = std::max(*prompt, *std::ranges::max_element(*contexts) + *steps);
    Progress progress(console);
    progress.tell("loading");
    auto opened = local_engine::ModelBench::open(*arguments.positional(0), options,
                                                 {static_cast<std::int32_t>(*std::ranges::max_element(*batches)), longest,
                                                  static_cast<std::int32_t>(*step_tokens)});
    if (!opened) return fail(console, opened.error());
    local_engine::ModelBench& model = **opened;
    progress.tell("measuring memory");
    const double bandwidth = local_engine::read_bandwidth(options.threads);
    std::vector<Speed> speeds;
    const auto best_of = [&](const auto& measure) {
        double best = 1e30;
        for (std::int64_t i = 0; i < *repeats; ++i) best = std::min(best, measure());
        return best;
    };
    progress.tell(fmt::format("prompt of {}", *prompt));
    const double prompt_seconds = best_of([&] { return model.prompt_seconds(*prompt); });
    speeds.push_back({"prompt", 1, *prompt, static_cast<double>(*prompt) / prompt_seconds, 0.0});
    for (const std::int64_t context : *contexts) {
        for (const std::int64_t batch : *batches) {
            progress.tell(fmt::format("decode, {} at a time, context {}", batch, context));
            const auto sequences = static_cast<std::int32_t>(batch);
            const auto count = static_cast<std::int32_t>(*steps);
            const double seconds = best_of([&] { return model.decode_seconds(sequences, context, count); });
            const double read = model.decode_bytes(sequences, context) * static_cast<double>(count) / seconds;
            speeds.push_back({"decode", batch, context, static_cast<double>(batch * count) / seconds, read / bandwidth});
        }
    }
    if (arguments.has("--json")) {
        Json json{{"model", *arguments.positional(0)}, {"kernels", model.kernels()}, {"read_bytes_per_second", bandwidth}, {"results", Json::array()}};
        for (const Speed& speed : speeds) {
            Json row{{"what", speed.what}, {"sequences", speed.sequences}, {"context", speed.context}, {"tokens_per_second", speed.tokens_per_second}};
            if (speed.bandwidth_share > 0.0) row["share_of_bandwidth"] = speed.bandwidth_share;
            json["results"].push_back(std::move(row));
        }
        print_json(console.out, json);
        return kDone;
    }
    console.out << fmt::format("{}, memory reads {:.1f} GB/s\n", model.kernels(), bandwidth / 1e9);
    std::vector<std::vector<std::string>> rows;
    for (const Speed& speed : speeds) {
        rows.push_back({speed.what, std::to_string(speed.sequences), grouped(speed.context), fmt::format("{:.1f}", speed.tokens_per_second),
                        speed.bandwidth_share > 0.0 ? fmt::format("{:.0f} %", 100.0 * speed.bandwidth_share) : "-"});
    }
    print_table(console.out, {{"WHAT"}, {"AT A TIME", Align::Right}, {"CONTEXT", Align::Right}, {"TOKENS/S", Align::Right}, {"OF MEMORY", Align::Right}}, rows, "");
    return kDone;
}

core::Result<std::string> read_file(const std::string& option, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return wrong(option, path + " cannot be read");
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// {"question": "...", "choices": ["...", ...], "answer": 0}, one per line.
core::Result<std::vector<local_engine::Question>> read_questions(const std::string& path) {
    const auto text = read_file("--choices", path);
    if (!text) return text.error();
    std::vector<local_engine::Question> questions;
    std::size_t line = 0;
    for (std::size_t start = 0; start < text->size();) {
        const std::size_t end = std::min(text->find('\n', start), text->size());
        const std::string_view row = std::string_view(*text).substr(start, end - start);
        start = end + 1;
        ++line;
        if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const auto json = core::parse_json(row);
        const auto bad = [&] {
            return wrong("--choices", fmt::format("line {}: must be {{\"question\": text, \"choices\": [texts], \"answer\": index}}", line));
        };
        if (!json || !json->is_object() || !json->contains("question") || !json->contains("choices") || !json->contains("answer")) return bad();
        const Json& choices = (*json)["choices"];
        const Json& answer = (*json)["answer"];
        if (!(*json)["question"].is_string() || !choices.is_array() || choices.size() < 2 || choices.size() > 64) return bad();
        if (!answer.is_number_integer() || answer < 0 || answer >= choices.size()) return bad();
        local_engine::Question question{(*json)["question"].get<std::string>(), {}, answer.get<std::size_t>()};
        for (const Json& choice : choices) {
            if (!choice.is_string() || choice.get_ref<const std::string&>().empty()) return bad();
            question.choices.push_back(choice.get<std::string>());
        }
        questions.push_back(std::move(question));
    }
    if (questions.empty()) return wrong("--choices", path + " holds no question");
    return questions;
}

struct Score {
    std::string model;
    std::optional<local_engine::Perplexity> perplexity;
    std::int64_t questions = 0, right = 0, right_per_byte = 0;
};

core::Result<Score> evaluate(const std::string& path, const DiagnosticOptions& options, std::int64_t context, const std::string& text,
                             const std::vector<local_engine::Question>& questions, Progress& progress) {
    progress.tell("loading " + path);
    auto opened = local_engine::Evaluation::open(path, options, context);
    if (!opened) return opened.error();
    local_engine::Evaluation& evaluation = **opened;
    Score score{.model = path, .perplexity = std::nullopt};
    if (!text.empty()) {
        const auto tokens = evaluation.tokenizer().encode(text, local_engine::SpecialTokens::Plain);
        const auto tell = [&](std::int64_t done, std::int64_t all) { progress.tell(fmt::format("{}: {} of {} tokens", path, done, all)); };
        const auto result = evaluation.perplexity(tokens, tell);
        if (!result) return result.error();
        score.perplexity = *result;
    }
    for (const local_engine::Question& question : questions) {
        const auto guess = evaluation.answer(question);
        if (!guess) return guess.error();
        ++score.questions;
        score.right += guess->best == question.answer ? 1 : 0;
        score.right_per_byte += guess->best_per_byte == question.answer ? 1 : 0;
        progress.tell(fmt::format("{}: {} of {} questions", path, score.questions, questions.size()));
    }
    return score;
}

Json score_json(const Score& score) {
    Json json{{"model", score.model}};
    if (score.perplexity) {
        json["perplexity"] = score.perplexity->value;
        json["standard_error"] = score.perplexity->standard_error;
        json["tokens"] = score.perplexity->tokens;
    }
    if (score.questions > 0) {
        json["questions"] = score.questions;
        json["right"] = score.right;
        json["right_per_byte"] = score.right_per_byte;
    }
    return json;
}

std::vector<std::string> score_row(const Score& score) {
    const auto part = [&](std::int64_t right) {
        return score.questions > 0 ? fmt::format("{:.1f} %", 100.0 * static_cast<double>(right) / static_cast<double>(score.questions)) : std::string("-");
    };
    const std::string perplexity = score.perplexity ? fmt::format("{:.4f} +- {:.4f}", score.perplexity->value, score.perplexity->standard_error) : "-";
    return {score.model, perplexity, grouped(score.perplexity ? score.perplexity->tokens : 0), part(score.right), part(score.right_per_byte), grouped(score.questions)};
}

int eval(const Arguments& arguments, Program& program) {
    Console& console = program.console;
    const auto context = read_number(arguments, "--context", 512, 8, 1 << 20);
    if (!context) return fail(console, context.error());
    const auto threads = read_number(arguments, "--threads", 0, 1, 256);
    if (!threads) return fail(console, threads.error());
    std::string text;
    if (const auto path = arguments.get("--text")) {
        auto read = read_file("--text", *path);
        if (!read) return fail(console, read.error());
        text = std::move(*read);
        if (text.empty()) return fail(console, wrong("--text", *path + " is empty"));
    }
    std::vector<local_engine::Question> questions;
    if (const auto path = arguments.get("--choices")) {
        auto read = read_questions(*path);
        if (!read) return fail(console, read.error());
        questions = std::move(*read);
    }
    if (text.empty() && questions.empty()) return fail(console, wrong("--text", "or --choices is needed"));
    DiagnosticOptions options;
    options.threads = static_cast<int>(*threads);
    std::vector<Score> scores;
    {
        Progress progress(console);
        for (std::size_t i = 0; const auto path = arguments.positional(i); ++i) {
            auto score = evaluate(*path, options, *context, text, questions, progress);
            if (!score) return fail(console, score.error());
            scores.push_back(std::move(*score));
        }
    }
    if (arguments.has("--json")) {
        Json json = Json::array();
        for (const Score& score : scores) json.push_back(score_json(score));
        print_json(console.out, json);
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const Score& score : scores) rows.push_back(score_row(score));
    print_table(console.out, {{"MODEL"}, {"PERPLEXITY"}, {"TOKENS", Align::Right}, {"RIGHT", Align::Right}, {"RIGHT PER BYTE", Align::Right}, {"QUESTIONS", Align::Right}}, rows, "");
    return kDone;
}

}  // namespace

std::vector<Command> measure_commands() {
    const Positional model{"FILE.gguf", "the model file"};
    const Option threads{"--threads", "N", "default: one per core"};
    std::vector<Positional> models{model};
    for (int i = 0; i < 7; ++i) models.push_back({"FILE.gguf", "another one, to compare", false});
    return {
        {{.name = "bench",
          .summary = "Measures how fast a model reads prompts and writes answers on this machine.",
          .positionals = {model},
          .options = {{"--batch", "LIST", "sequences decoded together; default: 1,4,8"},
                      {"--context", "LIST", "tokens before the decoded ones; default: 128,2048"},
                      {"--prompt", "N", "tokens of the prompt; default: 512"},
                      {"--step", "N", "tokens of a prompt computed together; default: 128"},
                      {"--decode", "N", "steps decoded; default: 32"},
                      {"--repeat", "N", "the best of so many counts; default: 3"},
                      threads,
                      json_option()}},
         bench},
        {{.name = "eval",
          .summary = "Measures how good models are: perplexity of a text, multiple-choice questions.",
          .positionals = models,
          .options = {{"--text", "FILE", "plain text for perplexity"},
                      {"--choices", "FILE", "lines of {\"question\": text, \"choices\": [texts], \"answer\": index}"},
                      {"--context", "N", "tokens looked at together; default: 512"},
                      threads,
                      json_option()},
          .details = "The second half of every window of the text is predicted; a choice is right when it is the likeliest one.\n"},
         eval},
    };
}

}  // namespace sluice::gateway::cli
