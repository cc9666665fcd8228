// JSON schemas (draft 2020-12, the part that structured output uses) as grammars: every text the grammar accepts is JSON
// that satisfies the schema. The grammar may allow less than the schema: members come in the schema's order, and an
// object that lists its properties gets no others unless additionalProperties says so.
//
// Understood: type, enum, const, properties, required, additionalProperties, items, prefixItems, minItems, maxItems,
// minLength, maxLength, pattern, format (date, time, date-time, uuid, ipv4; others are notes), minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, anyOf, oneOf with branches that exclude each other, allOf of one, $ref within the
// schema (recursion too), $defs. Notes such as title and description are ignored.
#pragma once

#include "core/json.hpp"
#include "local_engine/grammar/expression.hpp"
#include "local_engine/grammar/json_parts.hpp"

namespace sluice::local_engine {

// InvalidRequest: Error::field is the place in the schema ("properties.age.multipleOf"), the detail says what is wrong.
core::Result<GrammarSource> schema_grammar(const core::Json& schema, const GrammarLimits& limits = {});

// The same as a part of a larger grammar, with what its parts have in common.
core::Result<ExpressionId> add_schema(const core::Json& schema, GrammarSource& grammar, JsonParts& parts);

// Any JSON object: response_format json_object.
GrammarSource any_object_grammar(const GrammarLimits& limits = {});

}  // namespace sluice::local_engine
