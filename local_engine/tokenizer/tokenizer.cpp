#include "local_engine/tokenizer/tokenizer.hpp"

#include "local_engine/gguf/printable.hpp"
#include "local_engine/tokenizer/byte_bpe.hpp"
#include "local_engine/tokenizer/sentence_pieces.hpp"
#include "local_engine/tokenizer/special_tokens.hpp"
#include "local_engine/tokenizer/vocabulary.hpp"

#include <algorithm>
#include <variant>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

// Tokens that end an answer whatever ids the file names, with the spellings model families gave them.
constexpr std::string_view kEnds[] = {
    "<|eot_id|>", "<|im_end|>",      "<|end|>", "<|return|>", "<|call|>", "<|endoftext|>",
    "<|eom_id|>", "<|end_of_text|>", "</s>",    "<|eot|>",    "<|eom|>",  "<｜end▁of▁sentence｜>",
};
constexpr std::size_t kMostSpecialBytes = 256;
// Turn markers that some converters list as ordinary or user-defined tokens: what a user types must not become one.
constexpr std::string_view kMarkers[] = {
    "<|im_start|>",   "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|header_start|>",
    "<|header_end|>", "<|start|>",         "<|message|>",         "<|channel|>",
};

}  // namespace

struct Tokenizer::Parts {
    explicit Parts(Vocabulary list) : vocabulary(std::move(list)) {}

    Vocabulary vocabulary;  // the others refer to it: Parts never moves
    std::variant<std::monostate, ByteBpe, SentencePieces> model;
    std::optional<SpecialMatcher> user_defined;
    std::optional<SpecialMatcher> all_special;
    std::optional<SpecialMatcher> unmarked;  // of the user-defined those that are not markers
    std::string bytes;                   // of all tokens, one after the other
    std::vector<std::uint32_t> offsets;  // into bytes; one more than there are tokens
    std::vector<TokenId> ends;           // sorted
    std::optional<TokenId> bos, eos;
    bool add_bos = false;
    bool add_eos = false;

    Result<void> read_ids(const gguf::Reader& file);
    Result<std::optional<TokenId>> read_id(const gguf::Reader& file, std::string_view key);
    Result<void> read_model(const gguf::Reader& file);
    Result<void> check_special() const;
    void spell_out();
    const SpecialMatcher& matcher(SpecialTokens mode) const {
        return mode == SpecialTokens::Parse ? *all_special : (mode == SpecialTokens::Plain ? *user_defined : *unmarked);
    }
    void encode_text(std::string_view text, bool first, std::vector<TokenId>& out) const;
};

Result<Tokenizer> Tokenizer::from(const gguf::Reader& file) {
    auto vocabulary = Vocabulary::from(file);
    if (!vocabulary) return vocabulary.error();
    const auto parts = std::make_shared<Parts>(std::move(*vocabulary));
    if (auto done = parts->read_ids(file); !done) return done.error();  // first: it decides what is a control token
    if (auto done = parts->check_special(); !done) return done.error();
    if (auto done = parts->read_model(file); !done) return done.error();
    parts->user_defined.emplace(parts->vocabulary, SpecialMatcher::Which::UserDefined);
    parts->all_special.emplace(parts->vocabulary, SpecialMatcher::Which::All);
    parts->unmarked.emplace(parts->vocabulary, SpecialMatcher::Which::Unmarked);
    parts->spell_out();
    return Tokenizer(parts);
}

// A token id of the metadata; nothing when absent or "none" (all bits set).
Result<std::optional<TokenId>> Tokenizer::Parts::read_id(const gguf::Reader& file, std::string_view key) {
    const auto id = file.integer(key);
    if (!file.has(key) || id == -1 || id == 0xFFFFFFFF) return std::optional<TokenId>();
    const auto checked = file.require_integer(key, 0, vocabulary.size() - 1);
    if (!checked) return checked.error();
    const auto token = static_cast<TokenId>(*checked);
    if (vocabulary.kind(token) != Vocabulary::Kind::Unknown) vocabulary.make_control(token);
    return std::optional<TokenId>(token);
}

Result<void> Tokenizer::Parts::read_ids(const gguf::Reader& file) {
    const auto first = read_id(file, "tokenizer.ggml.bos_token_id");
    if (!first) return first.error();
    bos = *first;
    const auto last = read_id(file, "tokenizer.ggml.eos_token_id");
    if (!last) return last.error();
    eos = *last;
    if (eos) ends.push_back(*eos);
    for (const auto* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
        const auto end = read_id(file, key);
        if (!end) return end.error();
        if (*end) ends.push_back(**end);
    }
    for (const auto spelling : kEnds) {
        const TokenId token = vocabulary.find(spelling);
        if (token == Vocabulary::kNone) continue;
        vocabulary.make_control(token);
        ends.push_back(token);
    }
    for (const auto spelling : kMarkers) {
        const TokenId token = vocabulary.find(spelling);
        if (token != Vocabulary::kNone) vocabulary.make_control(token);
    }
    // Harmony (gpt-oss): "<|end|>" closes a message of several in one answer.
    const TokenId end = vocabulary.find("<|end|>");
    if (vocabulary.find("<|return|>") != Vocabulary::kNone && vocabulary.find("<|call|>") != Vocabulary::kNone) {
        std::erase(ends, end);
    }
    std::sort(ends.begin(), ends.end());
    return {};
}

// Every length of theirs is tried at every place of a text: few and short ones keep that proportional to the text.
Result<void> Tokenizer::Parts::check_special() const {
    for (TokenId token = 0; token < vocabulary.size(); ++token) {
        const Vocabulary::Kind kind = vocabulary.kind(token);
        if (kind == Vocabulary::Kind::Normal || kind == Vocabulary::Kind::Byte || kind == Vocabulary::Kind::Unused) continue;
        const std::size_t length = vocabulary.spelling(token).size();
        if (length <= kMostSpecialBytes) continue;
        return Error{Errc::Corrupt, "special token " + std::to_string(token) + " has " + std::to_string(length) + " bytes",
                     "tokenizer.ggml.tokens"};
    }
    return {};
}

Result<void> Tokenizer::Parts::read_model(const gguf::Reader& file) {
    const auto name = file.require_string("tokenizer.ggml.model");
    if (!name) return name.error();
    bool default_add_bos = false;
    if (*name == "gpt2") {
        auto bpe = ByteBpe::from(file, vocabulary);
        if (!bpe) return bpe.error();
        default_add_bos = bpe->pre_tokenizer().default_add_bos();
        model = std::move(*bpe);
    } else if (*name == "llama") {
        auto pieces = SentencePieces::from(file, vocabulary);
        if (!pieces) return pieces.error();
        default_add_bos = true;
        model = std::move(*pieces);
    } else {
        return Error{Errc::Unsupported, "no tokenizer named \"" + gguf::printable(*name, 40) + "\"", "tokenizer.ggml.model"};
    }
    const auto wanted = file.boolean_or("tokenizer.ggml.add_bos_token", default_add_bos);
    if (!wanted) return wanted.error();
    add_bos = *wanted && bos.has_value();
    const auto ending = file.boolean_or("tokenizer.ggml.add_eos_token", false);
    if (!ending) return ending.error();
    add_eos = *ending && eos.has_value();
    return {};
}

void Tokenizer::Parts::spell_out() {
    offsets.reserve(static_cast<std::size_t>(vocabulary.size()) + 1);
    offsets.push_back(0);
    for (TokenId token = 0; token < vocabulary.size(); ++token) {
        const Vocabulary::Kind kind = vocabulary.kind(token);
        if (kind == Vocabulary::Kind::UserDefined) {
            bytes += vocabulary.spelling(token);
        } else if (kind != Vocabulary::Kind::Control && kind != Vocabulary::Kind::Unknown) {
            if (const auto* pieces = std::get_if<SentencePieces>(&model)) bytes += pieces->bytes_of(token);
            if (std::holds_alternative<ByteBpe>(model)) bytes += ByteBpe::bytes_of(vocabulary.spelling(token));
        }
        offsets.push_back(static_cast<std::uint32_t>(bytes.size()));
    }
}

void Tokenizer::Parts::encode_text(std::string_view text, bool first, std::vector<TokenId>& out) const {
    if (const auto* pieces = std::get_if<SentencePieces>(&model)) pieces->encode(text, first, out);
    if (const auto* bpe = std::get_if<ByteBpe>(&model)) bpe->encode(text, out);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, SpecialTokens mode) const {
    const TextPiece piece{text, mode};
    return encode(std::span(&piece, 1));
}

std::vector<TokenId> Tokenizer::encode(std::span<const TextPiece> pieces) const {
    std::vector<TokenId> out;
    std::string text;  // ordinary text since the last special token
    bool first = true;
    const auto flush = [&] {
        if (text.empty()) return;
        parts_->encode_text(text, first, out);
        text.clear();
        first = false;
    };
    for (const TextPiece& piece : pieces) {
        std::size_t done = 0;
        for (const SpecialMatcher::Match& match : parts_->matcher(piece.mode).find(piece.text)) {
            text += piece.text.substr(done, match.begin - done);
            flush();
            out.push_back(match.token);
            first = true;
            done = match.end;
        }
        text += piece.text.substr(done);
    }
    flush();
    return out;
}

std::string Tokenizer::decode(std::span<const TokenId> tokens) const {
    std::string text;
    for (const TokenId token : tokens) text += bytes(token);
    if (strips_first_space() && text.starts_with(' ')) text.erase(0, 1);
    return text;
}

std::string_view Tokenizer::bytes(TokenId token) const {
    if (!parts_->vocabulary.contains(token)) return {};
    const auto i = static_cast<std::size_t>(token);
    return std::string_view(parts_->bytes).substr(parts_->offsets[i], parts_->offsets[i + 1] - parts_->offsets[i]);
}

std::string_view Tokenizer::spelling(TokenId token) const {
    return parts_->vocabulary.contains(token) ? parts_->vocabulary.spelling(token) : std::string_view();
}

std::optional<TokenId> Tokenizer::find(std::string_view spelling) const {
    const TokenId token = parts_->vocabulary.find(spelling);
    return token == Vocabulary::kNone ? std::nullopt : std::optional(token);
}

bool Tokenizer::is_control(TokenId token) const {
    return parts_->vocabulary.contains(token) && parts_->vocabulary.kind(token) == Vocabulary::Kind::Control;
}

bool Tokenizer::is_end_of_generation(TokenId token) const {
    return std::binary_search(parts_->ends.begin(), parts_->ends.end(), token);
}

std::optional<TokenId> Tokenizer::bos() const {
    return parts_->bos;
}
std::optional<TokenId> Tokenizer::eos() const {
    return parts_->eos;
}
bool Tokenizer::add_bos() const {
    return parts_->add_bos;
}
bool Tokenizer::add_eos() const {
    return parts_->add_eos;
}
std::int32_t Tokenizer::size() const {
    return parts_->vocabulary.size();
}

bool Tokenizer::strips_first_space() const {
    const auto* pieces = std::get_if<SentencePieces>(&parts_->model);
    return pieces != nullptr && pieces->adds_space();
}

}  // namespace sluice::local_engine
