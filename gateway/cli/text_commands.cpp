// models tokenize, detokenize and template: what a model is given for a text or a conversation, without running it.
#include "gateway/cli/command.hpp"
#include "local_engine/chat_template/chat_template.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;
using local_engine::ChatTemplate;
using local_engine::TokenId;
using local_engine::Tokenizer;
using local_engine::gguf::Reader;

constexpr std::size_t kMostTokens = 16U << 20U;

std::string rest_of(std::istream& in) {
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The model file: --model, else the first word.
Result<std::unique_ptr<Reader>> open_model(const Arguments& arguments) {
    const auto path = arguments.has("--model") ? arguments.get("--model") : arguments.positional(0);
    if (!path) return Error{Errc::InvalidRequest, "is needed: the model file", "--model"};
    return Reader::open(*path);
}

Result<Tokenizer> open_tokenizer(const Arguments& arguments) {
    const auto file = open_model(arguments);
    if (!file) return file.error();
    return Tokenizer::from(**file);
}

int tokenize(const Arguments& arguments, Program& program) {
    const auto tokenizer = open_tokenizer(arguments);
    if (!tokenizer) return fail(program.console, tokenizer.error());
    const auto given = arguments.positional(arguments.has("--model") ? 0 : 1);
    const std::string text = given ? *given : rest_of(program.console.in);
    const bool special = arguments.has("--special");
    using local_engine::SpecialTokens;
    std::vector<TokenId> tokens = tokenizer->encode(text, special ? SpecialTokens::Parse : SpecialTokens::Plain);
    if (special && tokenizer->add_bos()) tokens.insert(tokens.begin(), *tokenizer->bos());
    if (special && tokenizer->add_eos()) tokens.push_back(*tokenizer->eos());
    if (arguments.has("--json")) {
        Json json = Json::array();
        for (const auto token : tokens) {
            json.push_back({{"id", token}, {"spelling", tokenizer->spelling(token)}});
        }
        print_json(program.console.out, json);
        return kDone;
    }
    program.console.out << core::dump_json(Json(tokens)) << '\n';
    return kDone;
}

int detokenize(const Arguments& arguments, Program& program) {
    const auto tokenizer = open_tokenizer(arguments);
    if (!tokenizer) return fail(program.console, tokenizer.error());
    const auto list = core::parse_json(rest_of(program.console.in));
    if (!list) return fail(program.console, list.error());
    if (!list->is_array() || list->size() > kMostTokens) {
        return fail(program.console, {Errc::InvalidRequest, "standard input must hold a JSON array of token ids"});
    }
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const Json& id = (*list)[i];
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= tokenizer->size()) {
            return fail(program.console,
                        {Errc::InvalidRequest, "entry " + std::to_string(i) + " is not a token id of this model"});
        }
        tokens.push_back(id.get<TokenId>());
    }
    program.console.out << tokenizer->decode(tokens);
    return kDone;
}

// The template of --model, or that of --template with the texts of --bos and --eos; also the name of a built-in.
Result<ChatTemplate> open_template(const Arguments& arguments) {
    const auto path = arguments.get("--template");
    if (!path) {
        const auto file = open_model(arguments);
        if (!file) return file.error();
        const auto tokenizer = Tokenizer::from(**file);
        if (!tokenizer) return tokenizer.error();
        return ChatTemplate::from(**file, *tokenizer);
    }
    if (arguments.has("--model")) return Error{Errc::InvalidRequest, "excludes --model", "--template"};
    std::string source = *path;
    if (std::filesystem::exists(*path)) {
        std::ifstream file(*path, std::ios::binary);
        source = rest_of(file);
    } else if (!local_engine::is_built_in_template(*path)) {
        return Error{Errc::NotFound, *path + " cannot be read"};
    }
    return ChatTemplate::parse(source, arguments.get_or("--bos", ""), arguments.get_or("--eos", ""));
}

// What a failed template says is an answer of the model's file, not a wrong command line: exit code 1.
int failed(Console& console, const Error& error) {
    fail(console, error);
    return kFailed;
}

int render(const Arguments& arguments, Program& program) {
    const auto chat = open_template(arguments);
    if (!chat) return fail(program.console, chat.error());
    auto body = core::parse_json(rest_of(program.console.in));
    if (!body) return failed(program.console, body.error());
    if (body->is_object() && !body->contains("model")) (*body)["model"] = "model";
    const auto request = core::ChatRequest::from_json(std::move(*body));
    if (!request) return failed(program.console, request.error());
    const auto text = chat->text(request->body(), std::time(nullptr));
    if (!text) return failed(program.console, text.error());
    program.console.out << text->bytes();
    return kDone;
}

}  // namespace

std::vector<Command> text_commands() {
    const Option model{"--model", "FILE.gguf", "the model file"};
    const Positional file{"FILE.gguf", "the model file, unless --model names it", false};
    return {
        {{.name = "models tokenize",
          .summary = "Turns a text into the model's token ids: a JSON array.",
          .positionals = {file, {"TEXT", "default: standard input", false}},
          .options = {model,
                      {"--special", "", "BOS and EOS as the file says, and control tokens in the text recognised"},
                      {"--json", "", "print each id with its spelling"}}},
         tokenize},
        {{.name = "models detokenize",
          .summary = "Turns a JSON array of token ids on standard input into text.",
          .positionals = {file},
          .options = {model}},
         detokenize},
        {{.name = "models template",
          .summary = "Prints the prompt that a chat request on standard input becomes.",
          .positionals = {file},
          .options = {model,
                      {"--template", "FILE", "a Jinja template, or the name of a built-in such as mistral-v3"},
                      {"--bos", "TEXT", "what bos_token stands for; with --template"},
                      {"--eos", "TEXT", "what eos_token stands for; with --template"}}},
         render},
    };
}

}  // namespace sluice::gateway::cli
