// The template interpreter by itself: what each part of the language does, as Jinja2 does it.
#include "local_engine/chat_template/jinja/from_json.hpp"
#include "local_engine/chat_template/jinja/template.hpp"

#include <gtest/gtest.h>

namespace sluice::local_engine::jinja {
namespace {

constexpr std::time_t kNoon = 1'750'000'000 - 1'750'000'000 % 86400 + 43200;  // 2025-06-15

Variables variables(const char* json) {
    Variables out;
    const auto body = core::Json::parse(json);
    for (const auto& [name, value] : body.items()) out.emplace_back(name, from_json(value, Origin::Client));
    return out;
}

std::string run(std::string_view source, const char* json = "{}") {
    const auto made = Template::parse(source);
    if (!made) return "refused: " + core::describe(made.error());
    const auto text = made->render(variables(json), kNoon);
    return text ? text->bytes() : "failed: " + core::describe(text.error());
}

struct Case {
    const char* source;
    const char* expected;
};

constexpr const char* kData =
    R"({"a":"x","n":3,"list":[1,2,3,4],"words":["b","A","c"],"flag":true,"nothing":null,"half":1.5,
        "msgs":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo","id":7}],
        "o":{"k":"v","items":"own","two words":2},"u":"Zürich 你好 🦙"})";

void expect(std::initializer_list<Case> cases) {
    for (const auto& [source, expected] : cases) EXPECT_EQ(run(source, kData), expected) << source;
}

TEST(Jinja, TextAndWhiteSpace) {
    expect({
        {"plain { text } }} %}", "plain { text } }} %}"},
        {"a\n", "a"},
        {"a\n\n", "a\n"},
        {"a  {{- a -}}  b", "axb"},
        {"  {% if true %}\n  y\n  {% endif %}\nz", "  y\nz"},
        {"x {% if true %} y {% endif %}\nz", "x  y z"},
        {"  {%+ if true %}y{% endif +%}\nz", "  y\nz"},
        {"a{# note #}\nb {#- x -#} c", "abc"},
        {"{% raw %}{{ a }}{% endraw %}!", "{{ a }}!"},
        {"a\r\nb", "a\nb"},
        {"{% generation %}{{ a }}{% endgeneration %}", "x"},
    });
}

TEST(Jinja, LiteralsAndOperators) {
    expect({
        {"{{ 'it''s' }}{{ \"\\n\\u00e9\\x41\\q\" }}",
         "its\n\xC3\xA9"
         "A\\q"},
        {"{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }}", "3 3 -4 2 3.5 1024"},
        {"{{ 'a' ~ 1 ~ none ~ true }} {{ 'a' + 'b' * 2 }}", "a1NoneTrue abb"},
        {"{{ 1 == 1.0 }} {{ '1' == 1 }} {{ 2 < 10 }} {{ 'b' > 'a' }}", "True False True True"},
        {"{{ 2 in list }} {{ 'z' not in u }} {{ 'k' in o }} {{ not n is odd }}", "True True True False"},
        {"{{ 'y' if flag else 'n' }}{{ 'y' if nothing }}", "y"},
        {"{{ missing or 'd' }} {{ a and n }} {{ nothing and 1 }}", "d 3 None"},
        {"{{ [1, 'a', none, {'b': 2.0}] }} {{ (1, 2) }} {{ {'q': \"it's\"} }}",
         "[1, 'a', None, {'b': 2.0}] [1, 2] {'q': \"it's\"}"},
        {"{{ {'a': {'b': 1}}}}", "{'a': {'b': 1}}"},
        {"{{ 1e16 }} {{ 0.1 }} {{ 1.0 }} {{ 1_000 }}", "1e+16 0.1 1.0 1000"},
        {"{{ -list[0] }} {{ - 3 | abs }}", "-1 3"},
    });
}

TEST(Jinja, MembersItemsAndSlices) {
    expect({
        {"{{ msgs[0].content }}{{ msgs[-1]['role'] }}{{ msgs[9] is defined }}", "hiassistantFalse"},
        {"{{ o.k }}{{ o['items'] }}{{ o.items() | length }}{{ o['two words'] }}{{ o.zz }}", "vown32"},
        {"{{ list[1:3] }}{{ list[::-1] }}{{ list[-2:] }}{{ list[:1] }}{{ list[9:] }}{{ list[3:0:-2] }}",
         "[2, 3][4, 3, 2, 1][3, 4][1][][4, 2]"},
        {"{{ u[0] }}{{ u[-1] }}{{ u[7:9] }}{{ u[::-1][0] }}{{ u | length }}", "Z🦙你好🦙11"},
    });
}

TEST(Jinja, Statements) {
    expect({
        {"{% for x in list if x is even %}{{ loop.index }}:{{ x }}{{ ',' if not loop.last }}{% endfor %}", "1:2,2:4"},
        {"{% for x in [] %}x{% else %}none{% endfor %}", "none"},
        {"{% for k, v in o.items() %}{{ k }}={{ v }};{% endfor %}", "k=v;items=own;two words=2;"},
        {"{% for x in list %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% "
         "endfor %}",
         "13"},
        {"{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}", "<1>2 1<2>3 2<3>4 3<4> "},
        {"{% for x in words %}{{ loop.cycle('o', 'e') }}{{ loop.revindex }}{% for y in [1] %}{{ loop.depth }}{% endfor "
         "%}{% endfor %}",
         "o32e22o12"},
        {"{% for x in [1,1,2] %}{{ loop.changed(x) }} {% endfor %}", "True False True "},
        {"{% set x = 1 %}{% for i in list %}{% set x = 2 %}{% endfor %}{{ x }}", "1"},
        {"{% set ns = namespace(c=0) %}{% for i in list %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }}", "10"},
        {"{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"},
        {"{% set t | upper %}{{ a }}y{% endset %}{{ t }}", "XY"},
        {"{% filter upper %}ab{{ a }}{% endfilter %}", "ABX"},
        {"{% with q = 5 %}{{ q }}{% endwith %}{{ q }}", "5"},
        {"{% macro m(x, y='d') %}[{{ x }}{{ y }}]{% endmacro %}{{ m(1) }}{{ m(1, y=2) }}{{ m() }}", "[1d][12][d]"},
        {"{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(4) }}", "4321"},
        {"{% set ns = namespace(x=1) %}{% macro m() %}{% set ns.x = 9 %}{% endmacro %}{{ m() }}{{ ns.x }}", "9"},
        {"{% if a == 'y' %}1{% elif a == 'x' %}2{% else %}3{% endif %}", "2"},
    });
}

TEST(Jinja, Filters) {
    expect({
        {"{{ words | join(', ') }} {{ msgs | join('|', attribute='role') }}", "b, A, c user|assistant"},
        {"{{ msgs | map(attribute='content') | list }} {{ words | map('upper') | join }}", "['hi', 'yo'] BAC"},
        {"{{ msgs | selectattr('role', 'equalto', 'user') | list | length }} {{ msgs | rejectattr('id') | list | "
         "length }}",
         "1 1"},
        {"{{ list | select('odd') | list }} {{ list | reject('in', [1, 2]) | list }}", "[1, 3] [3, 4]"},
        {"{{ words | sort | join }} {{ words | sort(reverse=true) | join }} {{ msgs | sort(attribute='content') | "
         "map(attribute='role') | join }}",
         "Abc cbA userassistant"},
        {"{{ ' x ' | trim }}|{{ '--x-' | trim('-') }}|{{ 'aXb' | lower }}{{ 'aXb' | upper }}{{ 'aB cD' | title }}{{ "
         "'aB' | capitalize }}",
         "x|x|axbAXBAb CdAb"},
        {"{{ missing | default('d') }}{{ '' | default('e', true) }}{{ nothing | default('f') }}", "deNone"},
        {"{{ list | first }}{{ list | last }}{{ list | sum }}{{ list | max }}{{ list | min }}", "141041"},
        {"{{ [1, 1, 2] | unique | list }} {{ 'abc' | reverse }} {{ 'aaa' | replace('a', 'b', 2) }}", "[1, 2] cba bba"},
        {"{{ '12' | int + 1 }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ 2.567 | round(1) }} {{ 5 | string + '!' }}",
         "13 7 1.5 2.6 5!"},
        {"{{ {'b': 1, 'a': 2} | dictsort }} {{ o | items | list | length }}", "[['a', 2], ['b', 1]] 3"},
        {"{{ 'a\nb' | indent(2) }}|{{ '<&>' | e }}|{{ '<' | safe }}", "a\n  b|&lt;&amp;&gt;|<"},
    });
}

TEST(Jinja, JsonIsWrittenAsPythonWritesIt) {
    expect({
        {"{{ msgs[1] | tojson }}", R"({"role": "assistant", "content": "yo", "id": 7})"},
        {"{{ {'a': [1, 2.0, none, true], 'b': {}} | tojson(indent=2) }}",
         "{\n  \"a\": [\n    1,\n    2.0,\n    null,\n    true\n  ],\n  \"b\": {}\n}"},
        {"{{ u | tojson }} {{ 'q\"\\\\\n\t' | tojson }}", "\"Zürich 你好 🦙\" \"q\\\"\\\\\\n\\t\""},
        {"{{ 'ü🦙' | tojson(ensure_ascii=true) }}", "\"\\u00fc\\ud83e\\udd99\""},
        {"{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':'), sort_keys=true) }}", R"({"a":2,"b":1})"},
    });
}

TEST(Jinja, MethodsAndTests) {
    expect({
        {"{{ 'a,b,c'.split(',') }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ' a  b '.split() }}",
         "['a', 'b', 'c']['a', 'b,c']['a,b', 'c']['a', 'b']"},
        {"{{ '\n\nx\n'.lstrip('\n') + '|' }}{{ 'x--'.rstrip('-') }}{{ ' x '.strip() }}", "x\n|xx"},
        {"{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.find('c') }}{{ 'abab'.count('ab') }}",
         "TrueTrue22"},
        {"{{ o.get('k') }}{{ o.get('zz') }}{{ o.get('zz', 1) }}{{ o.keys() | list }}{{ ', '.join(words) }}",
         "vNone1['k', 'items', 'two words']b, A, c"},
        {"{{ 'a b'.title().replace(' ', '') }}{{ 'A'.lower() }}{{ '7'.isdigit() }}{{ 'a\nb'.splitlines() }}",
         "ABaTrue['a', 'b']"},
        {"{{ a is string }}{{ o is mapping }}{{ list is iterable }}{{ list is sequence }}{{ n is number }}{{ half is "
         "integer }}",
         "TrueTrueTrueTrueTrueFalse"},
        {"{{ missing is undefined }}{{ nothing is none }}{{ flag is true }}{{ flag is false }}{{ n is divisibleby 3 "
         "}}{{ range is callable }}",
         "TrueTrueTrueFalseTrueTrue"},
        {"{{ range(3) | list }}{{ range(1, 7, 2) | list }}{{ range(3, 0, -1) | list }}{{ dict(a=1) }}",
         "[0, 1, 2][1, 3, 5][3, 2, 1]{'a': 1}"},
        {"{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%d %b %Y') }}", "2025-06-15 15 Jun 2025"},
    });
}

TEST(Jinja, WhatCannotWorkSaysWhereAndWhy) {
    const auto has = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };
    EXPECT_EQ(run("{{ raise_exception('Roles must alternate') }}"),
              "failed: messages: the model's chat template refuses this conversation: Roles must alternate");
    EXPECT_EQ(run("{{ raise_exception('got ' + a) }}", R"({"a":"SECRET"})"),
              "failed: messages: the model's chat template refuses this conversation: got ...");
    EXPECT_TRUE(has(run("a\nb{{ x.y }}"), "line 2"));
    EXPECT_TRUE(has(run("{{ x.y }}"), "failed"));
    EXPECT_TRUE(has(run("{{ 'a' + x }}"), "\"x\" is not defined"));
    EXPECT_TRUE(has(run("{{ 'a' + 1 }}"), "string and a integer"));
    EXPECT_TRUE(has(run("{{ f(1) }}"), "\"f\" is not defined"));
    for (const auto* word : {"include 'x'", "import 'x' as y", "extends 'x'", "call f()", "do x"}) {
        EXPECT_TRUE(has(run("{% " + std::string(word) + " %}"), "is not supported")) << word;
    }
    EXPECT_TRUE(has(run("{{ a | shell }}"), "no filter is called \"shell\""));
    EXPECT_TRUE(has(run("{{ a is magic }}"), "no test is called \"magic\""));
    EXPECT_TRUE(has(run("{{ [].append(1) }}"), "cannot be changed"));
    EXPECT_TRUE(has(run("{{ a.__class__.__mro__ }}", R"({"a":"x"})"), "failed"));
    EXPECT_TRUE(has(run("{{ 1 // 0 }}"), "division by zero"));
    EXPECT_TRUE(has(run("{{ 9223372036854775807 + 1 }}"), "too large"));
}

TEST(Jinja, EveryByteOfAClientStaysMarked) {
    const auto made = Template::parse(
        "{% set x = (a | upper | trim).split(' ')[0] %}<|{{ x }}|>{{ [a] | tojson }}{{ a[1:3] ~ 'T' ~ a.replace('b', "
        "'<|im_end|>') }}"
        "{% macro m(v) %}({{ v }}){% endmacro %}{{ m(a) }}{{ o }}{{ [a, 'T'] | join('-') }}{{ a | indent(2, true) }}{{ "
        "a | reverse }}");
    ASSERT_TRUE(made);
    const auto text = made->render(variables(R"({"a":"ab c","o":{"ab":"b"}})"), kNoon);
    ASSERT_TRUE(text);
    std::string marked;
    std::size_t done = 0;
    for (const auto& span : text->client_spans()) {
        marked += text->bytes().substr(done, span.begin - done) + "«" +
                  text->bytes().substr(span.begin, span.end - span.begin) + "»";
        done = span.end;
    }
    marked += text->bytes().substr(done);
    EXPECT_EQ(marked, "<|«AB»|>[\"«ab c»\"]«b »T«a»<|im_end|>« c»(«ab c»){'«ab»': '«b»'}«ab c»-T  «ab cc ba»");
}

}  // namespace
}  // namespace sluice::local_engine::jinja
