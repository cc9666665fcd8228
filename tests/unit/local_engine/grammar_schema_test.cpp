// JSON schemas as grammars: whatever the masks let through is JSON and satisfies the schema.
#include "local_engine/grammar/json_schema.hpp"

#include "local_engine/grammar/compiled_grammar.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <regex>

namespace sluice::local_engine {
namespace {

using core::Json;

Json json(std::string_view text) {
    return core::parse_json(text).value();
}

// An independent reading of the keywords the tests use.
bool satisfies(const Json& value, const Json& schema, const Json& root) {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref")) {
        return satisfies(value, root.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), root);
    }
    if (schema.contains("const") && value != schema["const"]) return false;
    if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end()) return false;
    for (const auto& [keyword, least, most] : {std::tuple("anyOf", 1, 99), std::tuple("oneOf", 1, 1), std::tuple("allOf", 1, 99)}) {
        if (!schema.contains(keyword)) continue;
        const auto hits = std::ranges::count_if(schema[keyword], [&](const Json& branch) { return satisfies(value, branch, root); });
        if (hits < least || hits > most) return false;
    }
    if (schema.contains("type")) {
        const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
        const bool fits = std::ranges::any_of(types, [&](const Json& type) {
            return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
                   (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
                   (type == "null" && value.is_null()) || (type == "number" && value.is_number()) ||
                   (type == "integer" && value.is_number_integer());
        });
        if (!fits) return false;
    }
    if (value.is_number()) {
        const double number = value.get<double>();
        if (schema.contains("minimum") && number < schema["minimum"].get<double>()) return false;
        if (schema.contains("maximum") && number > schema["maximum"].get<double>()) return false;
        if (schema.contains("exclusiveMinimum") && number <= schema["exclusiveMinimum"].get<double>()) return false;
        if (schema.contains("exclusiveMaximum") && number >= schema["exclusiveMaximum"].get<double>()) return false;
    }
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const auto length = std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
        if (schema.contains("minLength") && length < schema["minLength"].get<int>()) return false;
        if (schema.contains("maxLength") && length > schema["maxLength"].get<int>()) return false;
        if (schema.contains("pattern") && !std::regex_search(text, std::regex(schema["pattern"].get<std::string>()))) return false;
    }
    if (value.is_array()) {
        const auto size = static_cast<int>(value.size());
        if (size < schema.value("minItems", 0) || size > schema.value("maxItems", 1 << 30)) return false;
        const std::size_t fixed = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i < fixed && !satisfies(value[i], schema["prefixItems"][i], root)) return false;
            if (i >= fixed && schema.contains("items") && !satisfies(value[i], schema["items"], root)) return false;
        }
    }
    if (value.is_object()) {
        for (const Json& name : schema.value("required", Json::array())) {
            if (!value.contains(name.get<std::string>())) return false;
        }
        const Json properties = schema.value("properties", Json::object());
        for (const auto& [name, member] : value.items()) {
            if (properties.contains(name)) {
                if (!satisfies(member, properties[name], root)) return false;
            } else if (schema.contains("additionalProperties") && !satisfies(member, schema["additionalProperties"], root)) {
                return false;
            }
        }
    }
    return true;
}

class Words {
public:
    Words() {
        for (int byte = 0; byte < 256; ++byte) words_.push_back(std::string(1, static_cast<char>(byte)));
        for (const char* word : {"\",", "\":", "\": ", "\"}", "{\"", "\": \"", "[\"", "\",\"", "},", "],", "}}", "]}", "{}", "[]", "null",
                                 "true", "false", "name", "age", "12", "0.5", "\xc3\xa9", "\xe2\x82\xac", "  ", "\n", "\\n", "\\u00e9",
                                 "-1", "e+", "ab", ", ", "\"a\"", "]]", "00", "19", "\"name\": \""})
            words_.emplace_back(word);
        end_ = static_cast<TokenId>(words_.size());
    }
    VocabularyTrie trie() const {
        return VocabularyTrie(end_, [this](TokenId token) { return std::string_view(words_[static_cast<std::size_t>(token)]); });
    }
    const std::string& operator[](TokenId token) const { return words_[static_cast<std::size_t>(token)]; }
    TokenId size() const { return end_; }

private:
    std::vector<std::string> words_;
    TokenId end_ = 0;
};

// Random answers under the mask. Ends when it may, and towards the end chooses what closes things.
std::string answer(CompiledGrammar& grammar, const Words& words, std::mt19937& random) {
    Recogniser at(grammar.automaton());
    std::string text;
    for (int step = 0; step < 4000; ++step) {
        if (at.accepting() && random() % 3 == 0) return text;
        const TokenMask* mask = grammar.allowed(at);
        EXPECT_NE(mask, nullptr);
        std::vector<TokenId> fitting;
        for (TokenId token = 0; token < words.size(); ++token) {
            if (mask->allows(token)) fitting.push_back(token);
        }
        if (fitting.empty()) {
            EXPECT_TRUE(at.accepting()) << "stuck after " << text;
            return text;
        }
        TokenId token = fitting[random() % fitting.size()];
        if (step > 40) {
            for (const char* closing : {"}", "]", "\"", "0", "1", "a"}) {
                const auto byte = static_cast<TokenId>(static_cast<unsigned char>(closing[0]));
                if (mask->allows(byte) && random() % 3 != 0) {
                    token = byte;
                    break;
                }
            }
        }
        for (const char byte : words[token]) EXPECT_TRUE(at.advance(static_cast<std::uint8_t>(byte)));
        text += words[token];
    }
    return {};
}

const std::vector<std::string>& good_schemas() {
    static const std::vector<std::string> kSchemas{
        R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false})",
        R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},"c":{"type":"number"}}})",
        R"({"type":"object","properties":{"a":{"type":"boolean"},"ab":{"type":"integer"},"b":{"type":"null"}},"required":["b"],"additionalProperties":{"type":"integer"}})",
        R"({"type":"array","items":{"type":"string","minLength":1,"maxLength":4},"minItems":1,"maxItems":3})",
        R"({"type":"array","prefixItems":[{"type":"integer"},{"const":"x"}],"items":false})",
        R"({"type":"array","prefixItems":[{"type":"integer"},{"const":"x"}],"items":{"type":"null"},"minItems":1,"maxItems":4})",
        R"({"enum":["red","gr\"een",3,null,{"a":[1]}]})",
        R"({"anyOf":[{"type":"integer","exclusiveMinimum":-13,"exclusiveMaximum":207},{"type":"array","items":{"type":"boolean"}}]})",
        R"({"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},{"type":"object","properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind"]}]})",
        R"({"type":"string","pattern":"^[a-c]+(-\\d{2,3})?$"})",
        R"({"type":"string","pattern":"b[^a]"})",
        R"({"type":"string","pattern":"^(\\w+\\.){1,2}[\"\\\\]$"})",
        R"({"type":"number","minimum":-2,"exclusiveMaximum":10})",
        R"({"type":"number","exclusiveMinimum":0,"maximum":1})",
        R"({"type":"number","minimum":100})",
        R"({"type":"number","maximum":-5})",
        R"({"type":"integer","minimum":-99,"maximum":-7})",
        R"({"type":"integer","minimum":998,"maximum":100234})",
        R"({"type":["string","null","integer"]})",
        R"({"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/node"})",
        R"({"type":"object","properties":{"deep":{"type":"object","properties":{"list":{"type":"array","items":{"type":"object","properties":{"k":{"type":"string"}},"required":["k"]}}},"required":["list"]}},"required":["deep","extra"]})",
        R"({"type":"object","additionalProperties":{"type":"array","items":{"type":"integer"}}})",
        R"({"properties":{"x":{}}})",
        R"({"description":"anything","title":"t"})"};
    return kSchemas;
}

TEST(Schemas, WhateverTheMaskAcceptsParsesAndSatisfiesTheSchema) {
    const Words words;
    const VocabularyTrie trie = words.trie();
    std::mt19937 random(3);
    for (const std::string& text : good_schemas()) {
        const Json schema = json(text);
        const auto source = schema_grammar(schema);
        ASSERT_TRUE(source) << text << ": " << core::describe(source.error());
        auto grammar = CompiledGrammar::compile(*source, trie);
        ASSERT_TRUE(grammar) << text;
        int finished = 0;
        for (int i = 0; i < 60; ++i) {
            const std::string written = answer(**grammar, words, random);
            if (written.empty()) continue;
            ++finished;
            const auto value = core::parse_json(written);
            ASSERT_TRUE(value) << text << " gave " << written;
            EXPECT_TRUE(satisfies(*value, schema, schema)) << text << " gave " << written;
        }
        EXPECT_GT(finished, 20) << text;
    }
}

bool accepts(const Json& schema, std::string_view text) {
    const auto source = schema_grammar(schema);
    EXPECT_TRUE(source) << core::describe(source.error());
    const auto automaton = Automaton::compile(*source);
    Recogniser recogniser(*automaton);
    for (const char byte : text) {
        if (!recogniser.advance(static_cast<std::uint8_t>(byte))) return false;
    }
    return recogniser.accepting();
}

TEST(Schemas, OrdinaryAnswersFit) {
    const Json person = json(good_schemas()[0]);
    EXPECT_TRUE(accepts(person, R"({"name": "Ada \"L\" \u00e9", "age": 36})"));
    EXPECT_TRUE(accepts(person, R"({"name":"","age":0})"));
    EXPECT_TRUE(accepts(person, "{\n  \"name\": \"x\",\n  \"age\": 150\n}"));
    EXPECT_FALSE(accepts(person, R"({"name":"x","age":151})"));
    EXPECT_FALSE(accepts(person, R"({"name":"x"})"));
    EXPECT_FALSE(accepts(person, R"({"name":"x","age":1,"z":1})"));
    const Json free = json(R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":true})");
    EXPECT_TRUE(accepts(free, R"({"a":1,"other":[{"x":null}],"b":2})"));
    EXPECT_TRUE(accepts(free, R"({"other":1})"));
    EXPECT_FALSE(accepts(free, R"({"a":"text"})"));
    EXPECT_TRUE(accepts(json(R"({"format":"date","type":"string"})"), R"("2024-12-31")"));
    EXPECT_FALSE(accepts(json(R"({"format":"date","type":"string"})"), R"("2024-13-01")"));
    EXPECT_TRUE(accepts(json(R"({"type":"integer","minimum":-900719925474099267})"), "-900719925474099267"));
    EXPECT_FALSE(accepts(json(R"({"type":"integer","minimum":-900719925474099267})"), "-900719925474099268"));
    for (int low = -30; low < 30; low += 7) {
        for (int high = low; high < 130; high += 13) {
            const Json schema{{"type", "integer"}, {"minimum", low}, {"maximum", high}};
            for (int value = -40; value < 140; ++value) {
                ASSERT_EQ(accepts(schema, std::to_string(value)), value >= low && value <= high) << low << " " << high << " " << value;
            }
        }
    }
}

TEST(Schemas, AnyObjectIsJson) {
    const Words words;
    const VocabularyTrie trie = words.trie();
    auto grammar = CompiledGrammar::compile(any_object_grammar(), trie);
    ASSERT_TRUE(grammar);
    std::mt19937 random(8);
    for (int i = 0; i < 200; ++i) {
        const std::string written = answer(**grammar, words, random);
        const auto value = core::parse_json(written, {.max_depth = 5000});
        ASSERT_TRUE(value) << written;
        EXPECT_TRUE(value->is_object());
    }
}

TEST(Schemas, WhatIsNotSupportedIsRefusedWithThePlaceAndTheKeyword) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {R"({"type":"integer","multipleOf":3})", "multipleOf"},
        {R"({"not":{}})", "not"},
        {R"({"if":{}})", "if"},
        {R"({"properties":{"a":{"patternProperties":{}}}})", "properties.a.patternProperties"},
        {R"({"type":"array","uniqueItems":true})", "uniqueItems"},
        {R"({"$ref":"https://example.com/x.json"})", "$ref"},
        {R"({"$ref":"#/$defs/none"})", "$ref"},
        {R"({"$ref":"#not/a~pointer"})", "$ref"},
        {R"({"type":"text"})", "type"},
        {R"({"type":"string","pattern":"(?=a)b"})", "pattern"},
        {R"({"type":"string","pattern":"(a)\\1"})", "pattern"},
        {R"({"type":"string","pattern":"a\\b"})", "pattern"},
        {R"({"type":"string","pattern":"a","maxLength":3})", "pattern"},
        {R"({"type":"string","maxLength":100000})", "maxLength"},
        {R"({"type":"string","minLength":5,"maxLength":3})", "maxLength"},
        {R"({"type":"array","minItems":-1})", "minItems"},
        {R"({"type":"number","minimum":0.5})", "minimum"},
        {R"({"oneOf":[{"type":"string"},{"type":"string","maxLength":3}]})", "oneOf"},
        {R"({"allOf":[{"type":"string"},{"maxLength":3}]})", "allOf"},
        {R"({"anyOf":[]})", "anyOf"},
        {R"({"anyOf":[{"type":"null"}],"properties":{}})", "properties"},
        {R"({"enum":[]})", "enum"},
        {R"({"properties":[]})", "properties"},
        {R"({"required":[1]})", "required"}};
    for (const auto& [text, field] : wrong) {
        const auto source = schema_grammar(json(text));
        ASSERT_FALSE(source) << text;
        EXPECT_EQ(source.error().code, core::Errc::InvalidRequest);
        EXPECT_EQ(source.error().field, field) << text << ": " << source.error().detail;
    }
}

TEST(Schemas, HostileSchemasAreBounded) {
    Json deep = Json{{"type", "string"}};
    for (int i = 0; i < 40; ++i) deep = Json{{"properties", {{"x", deep}}}};
    EXPECT_FALSE(schema_grammar(deep));
    // Optional members that hold optional members: doubling at every level unless shared.
    Json wide = Json{{"type", "string"}};
    for (int i = 0; i < 20; ++i) wide = Json{{"properties", {{"a", wide}, {"b", Json{{"type", "null"}}}, {"c", Json::object()}}}};
    const auto source = schema_grammar(wide);
    ASSERT_TRUE(source);
    EXPECT_TRUE(Automaton::compile(*source));
    Json nested = Json{{"type", "string"}, {"maxLength", 1000}};
    for (int i = 0; i < 6; ++i) nested = Json{{"type", "array"}, {"items", nested}, {"maxItems", 1000}};
    const auto counted = schema_grammar(nested);
    if (counted) {
        const auto automaton = Automaton::compile(*counted);
        if (automaton) {
            EXPECT_LE(automaton->states(), 1U << 16U);
        }
    }
    const Json loop = json(R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})");
    const auto circular = schema_grammar(loop);
    ASSERT_TRUE(circular);
    EXPECT_FALSE(Automaton::compile(*circular));  // matches nothing
}

}  // namespace
}  // namespace sluice::local_engine
