#include "local_engine/grammar/json_schema.hpp"

#include "local_engine/grammar/json_parts.hpp"
#include "local_engine/grammar/pattern.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

constexpr std::array kRefused{"not", "if", "then", "else", "patternProperties", "propertyNames", "minProperties",
                              "maxProperties", "dependentRequired", "dependentSchemas", "dependencies",
                              "unevaluatedProperties", "unevaluatedItems", "contains", "minContains", "maxContains",
                              "multipleOf", "additionalItems", "$dynamicRef", "$recursiveRef", "contentSchema"};
constexpr std::array kTypes{"object", "array", "string", "integer", "number", "boolean", "null"};
constexpr std::size_t kMostEnum = 1000;
constexpr std::size_t kMostProperties = 512;
constexpr std::int64_t kMostNumberBound = 1'000'000'000;

std::string under(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

class SchemaCompiler {
public:
    SchemaCompiler(const Json& root, GrammarSource& grammar, JsonParts& parts) : root_(root), grammar_(grammar), parts_(parts) {}

    Result<ExpressionId> compile() {
        const ExpressionId body = any(root_, "", 0);
        if (error_) return *error_;
        if (grammar_.too_large()) return Error{Errc::InvalidRequest, "the schema is too large"};
        return body;
    }

private:
    ExpressionId fail(const std::string& path, const std::string& detail) {
        if (!error_) error_ = Error{Errc::InvalidRequest, detail, path};
        return grammar_.bytes("");
    }

    const Json* find(const Json& schema, const char* name) const {
        const auto found = schema.find(name);
        return found == schema.end() ? nullptr : &*found;
    }

    // A subschema as an expression. Those that may be large are rules of their own, so that using them twice is cheap.
    ExpressionId any(const Json& schema, const std::string& path, int depth) {
        if (error_ || grammar_.too_large()) return grammar_.bytes("");
        if (depth > grammar_.limits().depth) return fail(path, "is nested deeper than " + std::to_string(grammar_.limits().depth));
        if (schema.is_boolean() && schema.get<bool>()) return parts_.value();
        if (schema.is_boolean()) return fail(path, "is false: nothing satisfies it");
        if (!schema.is_object()) return fail(path, "must be an object, or true");
        for (const char* keyword : kRefused) {
            if (schema.contains(keyword)) return fail(under(path, keyword), "is not supported");
        }
        if (const Json* reference = find(schema, "$ref")) return refer(*reference, under(path, "$ref"), depth);
        if (const Json* constant = find(schema, "const")) return literal(*constant, under(path, "const"), schema, depth);
        if (const Json* values = find(schema, "enum")) return one_of_values(*values, under(path, "enum"), schema, depth);
        if (const Json* branches = find(schema, "anyOf")) return alternatives(schema, *branches, path, "anyOf", depth);
        if (const Json* branches = find(schema, "oneOf")) {
            if (!exclusive(*branches, under(path, "oneOf"))) return 0;
            return alternatives(schema, *branches, path, "oneOf", depth);
        }
        if (const Json* all = find(schema, "allOf")) {
            if (!all->is_array() || all->size() != 1) return fail(under(path, "allOf"), "is supported with one schema only");
            return alternatives(schema, *all, path, "allOf", depth);
        }
        return by_type(schema, path, depth);
    }

    // Beside anyOf and the like only notes may stand: what both say together is another schema.
    ExpressionId alternatives(const Json& schema, const Json& branches, const std::string& path, const char* keyword, int depth) {
        const std::string place = under(path, keyword);
        if (!branches.is_array() || branches.empty() || branches.size() > kMostEnum)
            return fail(place, "must be an array of 1 to " + std::to_string(kMostEnum) + " schemas");
        for (const char* other : {"type", "properties", "required", "items", "prefixItems", "pattern", "minimum", "maximum", "minLength",
                                  "maxLength", "minItems", "maxItems", "exclusiveMinimum", "exclusiveMaximum",
                                  "additionalProperties", "anyOf", "oneOf", "allOf"}) {
            if (keyword != std::string_view(other) && schema.contains(other))
                return fail(under(path, other), std::string("is not supported beside ") + keyword);
        }
        std::vector<ExpressionId> ways;
        for (std::size_t i = 0; i < branches.size(); ++i) {
            ways.push_back(any(branches[i], place + "[" + std::to_string(i) + "]", depth + 1));
        }
        return grammar_.choice(std::move(ways));
    }

    // oneOf asks for exactly one: branches must differ in type, or in the constant of a property all of them require.
    bool exclusive(const Json& branches, const std::string& path) {
        if (!branches.is_array()) return fail(path, "must be an array of schemas"), false;
        std::set<std::string> types;
        bool by_types = true;
        for (const Json& branch : branches) {
            const Json* type = branch.is_object() ? find(branch, "type") : nullptr;
            const std::string name = type != nullptr && type->is_string() ? type->get<std::string>() : "";
            by_types = by_types && !name.empty() && types.insert(name).second;
        }
        if (by_types && !(types.contains("integer") && types.contains("number"))) return true;
        if (by_constant(branches)) return true;
        return fail(path, "must have branches of different types, or with a required property whose const differs; use anyOf"), false;
    }

    bool by_constant(const Json& branches) const {
        if (branches.empty() || !branches[0].is_object()) return false;
        const Json* first = find(branches[0], "properties");
        if (first == nullptr || !first->is_object()) return false;
        for (const auto& [name, unused] : first->items()) {
            std::set<std::string> seen;
            bool differs = true;
            for (const Json& branch : branches) differs = differs && add_constants(branch, name, seen);
            if (differs) return true;
        }
        return false;
    }

    bool add_constants(const Json& branch, const std::string& name, std::set<std::string>& seen) const {
        if (!branch.is_object()) return false;
        const Json* properties = find(branch, "properties");
        const Json* required = find(branch, "required");
        if (properties == nullptr || !properties->is_object() || !properties->contains(name)) return false;
        if (required == nullptr || !required->is_array() || std::ranges::find(*required, Json(name)) == required->end()) return false;
        const Json& property = (*properties)[name];
        if (!property.is_object()) return false;
        if (const Json* constant = find(property, "const")) return seen.insert(core::dump_json(*constant)).second;
        const Json* values = find(property, "enum");
        if (values == nullptr || !values->is_array()) return false;
        return std::ranges::all_of(*values, [&](const Json& value) { return seen.insert(core::dump_json(value)).second; });
    }

    ExpressionId refer(const Json& reference, const std::string& path, int depth) {
        if (!reference.is_string()) return fail(path, "must be a string");
        const auto& text = reference.get_ref<const std::string&>();
        if (!text.starts_with("#")) return fail(path, "must point into this schema (\"#/$defs/...\"); others are never fetched");
        const auto [known, fresh] = references_.try_emplace(text, 0);
        if (!fresh) return grammar_.call(known->second);
        const RuleId rule = grammar_.add_rule();
        known->second = rule;
        const Json* target = nullptr;
        try {
            const Json::json_pointer pointer(text.substr(1));
            if (root_.contains(pointer)) target = &root_.at(pointer);
        } catch (const Json::exception&) {  // not a pointer
        }
        if (target == nullptr) return fail(path, "points to nothing");
        grammar_.define(rule, any(*target, path, depth + 1));
        return grammar_.call(rule);
    }

    ExpressionId literal(const Json& value, const std::string& path, const Json& schema, int depth) {
        if (!fits_type(value, schema)) return fail(path, "is not of the schema's type");
        (void)depth;
        return grammar_.bytes(core::dump_json(value));
    }

    ExpressionId one_of_values(const Json& values, const std::string& path, const Json& schema, int depth) {
        if (!values.is_array() || values.empty() || values.size() > kMostEnum)
            return fail(path, "must be an array of 1 to " + std::to_string(kMostEnum) + " values");
        std::vector<ExpressionId> ways;
        for (const Json& value : values) {
            if (fits_type(value, schema)) ways.push_back(literal(value, path, schema, depth));
        }
        if (ways.empty()) return fail(path, "has no value of the schema's type");
        const RuleId rule = grammar_.add_rule();
        grammar_.define(rule, grammar_.choice(std::move(ways)));
        return grammar_.call(rule);
    }

    static bool fits_type(const Json& value, const Json& schema) {
        const auto type = schema.find("type");
        if (type == schema.end()) return true;
        const auto fits = [&](const Json& name) {
            return (name == "object" && value.is_object()) || (name == "array" && value.is_array()) ||
                   (name == "string" && value.is_string()) || (name == "boolean" && value.is_boolean()) ||
                   (name == "null" && value.is_null()) || (name == "integer" && value.is_number_integer()) ||
                   (name == "number" && value.is_number());
        };
        return type->is_array() ? std::ranges::any_of(*type, fits) : fits(*type);
    }

    ExpressionId by_type(const Json& schema, const std::string& path, int depth) {
        const Json* type = find(schema, "type");
        if (type == nullptr) {
            const char* implied = implied_type(schema);
            if (implied == nullptr) return parts_.value();
            return typed(implied, schema, path, depth);
        }
        if (type->is_string()) return typed(type->get<std::string>(), schema, path, depth);
        if (!type->is_array() || type->empty() || type->size() > kTypes.size())
            return fail(under(path, "type"), "must be a type or an array of types");
        std::vector<ExpressionId> ways;
        for (const Json& name : *type) {
            if (!name.is_string()) return fail(under(path, "type"), "must be a type or an array of types");
            ways.push_back(typed(name.get<std::string>(), schema, path, depth));
        }
        return grammar_.choice(std::move(ways));
    }

    const char* implied_type(const Json& schema) const {
        const auto has = [&](std::initializer_list<const char*> names) {
            return std::ranges::any_of(names, [&](const char* name) { return schema.contains(name); });
        };
        if (has({"properties", "required", "additionalProperties"})) return "object";
        if (has({"items", "prefixItems", "minItems", "maxItems"})) return "array";
        if (has({"pattern", "minLength", "maxLength"})) return "string";
        if (has({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})) return "number";
        return nullptr;
    }

    ExpressionId typed(const std::string& type, const Json& schema, const std::string& path, int depth) {
        if (type == "object") return object(schema, path, depth);
        if (type == "array") return array(schema, path, depth);
        if (type == "string") return string(schema, path);
        if (type == "integer" || type == "number") return number(schema, path, type == "integer");
        if (type == "boolean") return grammar_.choice({grammar_.bytes("true"), grammar_.bytes("false")});
        if (type == "null") return grammar_.bytes("null");
        return fail(under(path, "type"), "must be object, array, string, integer, number, boolean or null");
    }

    struct Property {
        std::string name;
        ExpressionId member = 0;  // "name": value
        bool required = false;
    };

    ExpressionId object(const Json& schema, const std::string& path, int depth) {
        std::vector<Property> properties;
        if (!read_properties(schema, path, depth, properties)) return 0;
        const Json* additional = find(schema, "additionalProperties");
        if (properties.empty() && additional == nullptr) return parts_.object();
        std::optional<ExpressionId> other;
        if (additional != nullptr && *additional != false) {
            std::vector<std::string> names;
            for (const Property& property : properties) names.push_back(property.name);
            other = grammar_.sequence({parts_.plain_key(names), grammar_.bytes(":"), parts_.space(),
                                       any(*additional, under(path, "additionalProperties"), depth + 1)});
        }
        const RuleId rule = grammar_.add_rule();
        grammar_.define(rule, grammar_.sequence({grammar_.bytes("{"), parts_.space(), members(properties, other), grammar_.bytes("}")}));
        return grammar_.call(rule);
    }

    bool read_properties(const Json& schema, const std::string& path, int depth, std::vector<Property>& out) {
        const Json* properties = find(schema, "properties");
        const Json* required = find(schema, "required");
        std::set<std::string> needed;
        if (required != nullptr) {
            const bool strings = required->is_array() && std::ranges::all_of(*required, [](const Json& name) { return name.is_string(); });
            if (!strings) return fail(under(path, "required"), "must be an array of names"), false;
            for (const Json& name : *required) needed.insert(name.get<std::string>());
        }
        if (properties != nullptr) {
            if (!properties->is_object() || properties->size() > kMostProperties)
                return fail(under(path, "properties"), "must be an object of at most " + std::to_string(kMostProperties) + " schemas"), false;
            for (const auto& [name, property] : properties->items()) {
                const ExpressionId value = any(property, under(under(path, "properties"), name), depth + 1);
                out.push_back({name, member(name, value), needed.erase(name) > 0});
                if (error_) return false;
            }
        }
        // Required without a schema: any value will do.
        for (const std::string& name : needed) out.push_back({name, member(name, parts_.value()), true});
        return true;
    }

    ExpressionId member(const std::string& name, ExpressionId value) {
        return grammar_.sequence({grammar_.bytes(core::dump_json(Json(name)) + ":"), parts_.space(), value});
    }

    // Members in order, optional ones left out at will, commas between those that are there. From the last to the first:
    // what may follow when something stood before, and when nothing did.
    ExpressionId members(const std::vector<Property>& properties, std::optional<ExpressionId> other) {
        const ExpressionId comma = grammar_.sequence({grammar_.bytes(","), parts_.space()});
        ExpressionId after = parts_.space();
        ExpressionId first = grammar_.bytes("");
        if (other) {
            const ExpressionId more = grammar_.repeat(grammar_.sequence({comma, *other}), 0, -1);
            after = named(grammar_.sequence({more, parts_.space()}));
            first = grammar_.optional(grammar_.sequence({*other, after}));
        }
        for (auto property = properties.rbegin(); property != properties.rend(); ++property) {
            const ExpressionId with_comma = grammar_.sequence({comma, property->member, after});
            const ExpressionId without = grammar_.sequence({property->member, after});
            if (property->required) {
                first = without;
                after = with_comma;
            } else {
                first = grammar_.choice({without, first});
                after = grammar_.choice({with_comma, after});
            }
            const auto place = properties.rend() - property;
            if (!property->required || place % 16 == 1) {  // rules, so that nothing nests deep or is copied twice
                first = named(first);
                after = named(after);
            }
        }
        return first;
    }

    ExpressionId named(ExpressionId body) {
        const RuleId rule = grammar_.add_rule();
        grammar_.define(rule, body);
        return grammar_.call(rule);
    }

    // A count such as minItems; `absent` when it is not there.
    std::int32_t count(const Json& schema, const char* name, const std::string& path, std::int32_t absent) {
        const Json* value = find(schema, name);
        if (value == nullptr) return absent;
        const std::int32_t most = grammar_.limits().repeats;
        const bool fits = value->is_number_integer() && *value >= 0 && *value <= most;
        if (!fits) return fail(under(path, name), "must be a whole number from 0 to " + std::to_string(most)), absent;
        return value->get<std::int32_t>();
    }

    ExpressionId array(const Json& schema, const std::string& path, int depth) {
        if (const Json* unique = find(schema, "uniqueItems"); unique != nullptr && *unique != false)
            return fail(under(path, "uniqueItems"), "is not supported");
        const std::int32_t least = count(schema, "minItems", path, 0);
        const std::int32_t most = count(schema, "maxItems", path, -1);
        if (most >= 0 && most < least) return fail(under(path, "maxItems"), "is below minItems");
        const Json* items = find(schema, "items");
        std::vector<ExpressionId> fixed;
        if (const Json* prefix = find(schema, "prefixItems")) {
            if (!prefix->is_array() || prefix->size() > 256) return fail(under(path, "prefixItems"), "must be an array of at most 256 schemas");
            for (std::size_t i = 0; i < prefix->size(); ++i)
                fixed.push_back(any((*prefix)[i], under(path, "prefixItems") + "[" + std::to_string(i) + "]", depth + 1));
        }
        const bool no_more = items != nullptr && *items == false;
        const ExpressionId item = items == nullptr || no_more ? parts_.value() : any(*items, under(path, "items"), depth + 1);
        if (error_) return 0;
        const auto places = static_cast<std::int32_t>(fixed.size());
        const std::int32_t limit = no_more ? (most < 0 ? places : std::min(most, places)) : most;
        if (limit >= 0 && limit < least) return fail(under(path, "minItems"), "is more than the array may hold");
        return grammar_.call(array_rule(fixed, item, least, limit));
    }

    // Items after the fixed ones repeat; items beyond `least` are optional, one after the other.
    RuleId array_rule(const std::vector<ExpressionId>& fixed, ExpressionId item, std::int32_t least, std::int32_t most) {
        const ExpressionId comma = grammar_.sequence({grammar_.bytes(","), parts_.space()});
        const auto places = static_cast<std::int32_t>(fixed.size());
        const auto rest_least = std::max(0, least - std::max(places, 1));
        const auto rest_most = most < 0 ? -1 : std::max(0, most - std::max(places, 1));
        // What follows the last fixed place (or the first item, when none is fixed).
        ExpressionId tail = grammar_.repeat(grammar_.sequence({comma, item}), rest_least, rest_most);
        for (std::int32_t i = std::max(places, 1) - 1; i >= 0; --i) {
            if (most >= 0 && i >= most) {
                tail = grammar_.bytes("");
                continue;
            }
            const ExpressionId one = i < places ? fixed[static_cast<std::size_t>(i)] : item;
            const ExpressionId here = i == 0 ? grammar_.sequence({one, tail}) : grammar_.sequence({comma, one, tail});
            tail = i < least ? here : grammar_.optional(here);
            tail = named(tail);
        }
        const RuleId rule = grammar_.add_rule();
        grammar_.define(rule, grammar_.sequence({grammar_.bytes("["), parts_.space(), tail, parts_.space(), grammar_.bytes("]")}));
        return rule;
    }

    ExpressionId string(const Json& schema, const std::string& path) {
        const std::int32_t least = count(schema, "minLength", path, 0);
        const std::int32_t most = count(schema, "maxLength", path, -1);
        if (most >= 0 && most < least) return fail(under(path, "maxLength"), "is below minLength");
        const bool bounded = least > 0 || most >= 0;
        const Json* pattern = find(schema, "pattern");
        const Json* format = find(schema, "format");
        std::string_view text;
        if (pattern != nullptr) {
            if (!pattern->is_string()) return fail(under(path, "pattern"), "must be a string");
            text = pattern->get_ref<const std::string&>();
        } else if (format != nullptr && format->is_string()) {
            text = pattern_of_format(format->get_ref<const std::string&>());
        }
        if (!text.empty() || pattern != nullptr) {
            if (bounded) return fail(under(path, pattern != nullptr ? "pattern" : "format"), "is not supported beside minLength and maxLength");
            const auto body = parse_pattern(text, grammar_, parts_);
            if (!body) return fail(under(path, "pattern"), body.error().detail);
            return named(grammar_.sequence({grammar_.bytes("\""), *body, grammar_.bytes("\"")}));
        }
        if (!bounded) return parts_.string();
        return named(grammar_.sequence({grammar_.bytes("\""), grammar_.repeat(parts_.string_character(), least, most), grammar_.bytes("\"")}));
    }

    static std::string_view pattern_of_format(std::string_view format) {
        // Years have no 29 February here: which of them do would be another machine.
        if (format == "date") return "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$";
        if (format == "time") return "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";
        if (format == "date-time") return "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";
        if (format == "uuid") return "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
        if (format == "ipv4") return "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$";
        return {};
    }

    // A bound as a whole number: integers take the next one inside, numbers must be whole.
    std::optional<std::int64_t> bound(const Json& schema, const char* name, const std::string& path, bool integer, bool upwards) {
        const Json* value = find(schema, name);
        if (value == nullptr) return std::nullopt;
        const double number = value->is_number() ? value->get<double>() : std::nan("");
        if (!(std::fabs(number) < 9e18)) return fail(under(path, name), "must be a number below 9e18"), std::nullopt;
        if (value->is_number_integer() && !value->is_number_unsigned()) return value->get<std::int64_t>();
        if (value->is_number_unsigned()) return static_cast<std::int64_t>(value->get<std::uint64_t>());
        if (std::floor(number) == number) return static_cast<std::int64_t>(number);
        if (!integer) return fail(under(path, name), "must be a whole number"), std::nullopt;
        return static_cast<std::int64_t>(upwards ? std::ceil(number) : std::floor(number));
    }

    static bool whole(const Json* value) {
        return value != nullptr && value->is_number() && std::floor(value->get<double>()) == value->get<double>();
    }

    ExpressionId number(const Json& schema, const std::string& path, bool integer) {
        auto least = bound(schema, "minimum", path, integer, true);
        auto most = bound(schema, "maximum", path, integer, false);
        const auto above = bound(schema, "exclusiveMinimum", path, integer, true);
        const auto below = bound(schema, "exclusiveMaximum", path, integer, false);
        if (error_) return 0;
        if (!least && !most && !above && !below) return integer ? parts_.integer() : parts_.number();
        bool least_open = false;
        bool most_open = false;
        if (integer) {
            // 2.5 exclusive begins at 3 as it is; 2 exclusive begins at 3 too.
            if (above) least = std::max(least.value_or(INT64_MIN), whole(find(schema, "exclusiveMinimum")) ? *above + 1 : *above);
            if (below) most = std::min(most.value_or(INT64_MAX), whole(find(schema, "exclusiveMaximum")) ? *below - 1 : *below);
            if (least && most && *least > *most) return fail(path, "has bounds with no integer between them");
            return named(parts_.integer_between(least, most));
        }
        if (above && (!least || *above >= *least)) least = above, least_open = true;
        if (below && (!most || *below <= *most)) most = below, most_open = true;
        for (const auto& value : {least, most}) {
            if (value && std::abs(*value) > kMostNumberBound)
                return fail(path, "has a bound of a number beyond 1e9, which is not supported");
        }
        if (least && most && (*least > *most || (*least == *most && (least_open || most_open))))
            return fail(path, "has bounds with no number between them");
        return named(parts_.number_between(least, least_open, most, most_open));
    }

    const Json& root_;
    GrammarSource& grammar_;
    JsonParts& parts_;
    std::map<std::string, RuleId> references_;
    std::optional<Error> error_;
};

}  // namespace

Result<GrammarSource> schema_grammar(const Json& schema, const GrammarLimits& limits) {
    GrammarSource grammar(limits);
    grammar.root = grammar.add_rule();
    JsonParts parts(grammar);
    const auto body = add_schema(schema, grammar, parts);
    if (!body) return body.error();
    grammar.define(grammar.root, *body);
    return grammar;
}

Result<ExpressionId> add_schema(const Json& schema, GrammarSource& grammar, JsonParts& parts) {
    return SchemaCompiler(schema, grammar, parts).compile();
}

GrammarSource any_object_grammar(const GrammarLimits& limits) {
    GrammarSource grammar(limits);
    grammar.root = grammar.add_rule();
    JsonParts parts(grammar);
    grammar.define(grammar.root, parts.object());
    return grammar;
}

}  // namespace sluice::local_engine
