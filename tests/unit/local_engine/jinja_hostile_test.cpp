// Templates and conversations made to hurt: each ends soon, with a message, and with bounded memory.
#include "local_engine/chat_template/jinja/from_json.hpp"
#include "local_engine/chat_template/jinja/template.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::local_engine::jinja {
namespace {

std::string repeated(std::string_view part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
}

// Neither parsing nor rendering may work.
void expect_refused(const std::string& source) {
    const auto made = Template::parse(source);
    if (!made) {
        EXPECT_FALSE(made.error().detail.empty());
        return;
    }
    const Variables variables{
        {"messages", from_json(core::Json::parse(R"([{"role":"user","content":"hi"}])"), Origin::Client)}};
    const auto text = made->render(variables, 0);
    EXPECT_FALSE(text) << source.substr(0, 200);
    if (!text) {
        EXPECT_FALSE(text.error().detail.empty());
    }
}

TEST(HostileTemplates, LoopsAndGrowthEndAtALimit) {
    const std::string loop = "{% for a in range(99999) %}";
    for (
        const std::string& source : std::vector<std::string>{
            loop + loop + "{% endfor %}{% endfor %}",
            loop + loop + loop + "x{% endfor %}{% endfor %}{% endfor %}",
            "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
            "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('x', ns.s) %}{% endfor "
            "%}",
            "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
            "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] | tojson %}{% endfor %}",
            "{% set ns = namespace(s=[1]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}",
            "{% set ns = namespace(s={}) %}{% for i in range(9999) %}{% set ns.s = {'a': ns.s} %}{% endfor %}",
            "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns | tojson }}",
            "{{ 'x' * 999999999999 }}",
            "{{ 'x' * 20000000 }}",
            "{{ range(1000000000) | list }}",
            "{{ range(0, -9223372036854775807, -1) }}",
            "{{ range(-9223372036854775807, 9223372036854775807, 1) }}",
            "{{ 'ab' | indent(999999999) * 999999999 }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f(x) %}{{ f(f(x)) }}{% endmacro %}{{ f(1) }}",
            "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ g(1) }}",
            "{% macro f(n) %}{% for i in range(10) %}{{ f(n) if n else 'x' * 100 }}{% endfor %}{% endmacro %}{{ f(1) "
            "}}",
            loop + "{{ messages | tojson }}{{ 'x' * 100000 }}{% endfor %}",
            loop + "{{ range(99999) | sort | list | length }}{% endfor %}",
            loop + "{% if 'y' in 'x' * 100000 %}1{% endif %}{% endfor %}",
            "{% set l = range(50000) | list %}{{ l | unique | list | length }}",
            loop + "{% set x = namespace(a=range(1000)) %}{% endfor %}",
            "{{ strftime_now('" + repeated("%c", 500) + "') }}",
            "{{ ('" + repeated("a", 100) + "').strip('" + repeated("b", 1000) + "') }}",
            "{{ 9223372036854775807 * 2 }}",
            "{{ 9223372036854775807 ** 9223372036854775807 }}",
            "{{ (0 - 9223372036854775807 - 1) // -1 }}",
            "{{ 1 % 0 }}",
            "{{ 'a'.split('') }}",
        }) {
        expect_refused(source);
    }
}

TEST(HostileTemplates, DeepNestingIsRefusedBeforeTheStackEnds) {
    for (const int depth : {150, 5000, 60000}) {
        expect_refused("{{ " + repeated("(", depth) + "1" + repeated(")", depth) + " }}");
        expect_refused("{{ " + repeated("[", depth) + repeated("]", depth) + " }}");
        expect_refused("{{ " + repeated("{'a':", depth) + "1" + repeated("}", depth) + " }}");
        expect_refused("{{ " + repeated("not ", depth) + "1 }}");
        expect_refused("{{ " + repeated("-", depth) + "1 }}");
        expect_refused("{{ 1" + repeated(" + 1", depth) + " }}");
        expect_refused("{{ x" + repeated(".a", depth) + " }}");
        expect_refused("{{ x" + repeated("[0]", depth) + " }}");
        expect_refused("{{ 1" + repeated(" if 1 else 1", depth) + " }}");
        expect_refused("{{ 'a'" + repeated("|upper", depth) + " }}");
        expect_refused(repeated("{% if 1 %}", depth) + repeated("{% endif %}", depth));
        expect_refused(repeated("{% for i in [1] %}", depth) + repeated("{% endfor %}", depth));
    }
    expect_refused(std::string(300 * 1024, 'x'));
    expect_refused(repeated("{{1}}", 60000));
}

TEST(HostileTemplates, BrokenSourcesAreRefused) {
    for (const auto* source : {"{{",
                               "{%",
                               "{#",
                               "{{ 'a",
                               "{{ a }",
                               "{% if %}",
                               "{% if 1 %}",
                               "{% for %}",
                               "{% for x in %}{% endfor %}",
                               "{% for x in y %}",
                               "{% endif %}",
                               "{% else %}",
                               "{% break %}",
                               "{% set %}",
                               "{% set x %}",
                               "{% set 1 = 2 %}",
                               "{% macro %}",
                               "{% macro m( %}",
                               "{% raw %}",
                               "{{ a b }}",
                               "{{ 1 < 2 < 3 }}",
                               "{{ a | }}",
                               "{{ a is }}",
                               "{{ a. }}",
                               "{{ a[ }}",
                               "{{ f(*x) }}",
                               "{{ @ }}",
                               "{{ 99999999999999999999 }}",
                               "{{ 1e999 }}",
                               "{{ 0.5e999 }}",
                               "{{ '\\x4' }}",
                               "{{ '\\u12' }}",
                               "{% macro m() %}{% break %}{% endmacro %}",
                               "{{ }}",
                               "{% unknown %}",
                               "{% for x in y recursive %}{% endfor %}",
                               "{% if 1 %}{% endfor %}",
                               "{{ {'a'} }}",
                               "{{ [1, }}",
                               "{{ (1 }}",
                               "{{ a = 1 }}"}) {
        EXPECT_FALSE(Template::parse(source)) << source;
    }
}

TEST(HostileTemplates, ALongConversationCostsAboutItsLength) {
    const auto made = Template::parse(
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content | trim + '<|im_end|>' }}{% endfor %}");
    ASSERT_TRUE(made);
    const auto cost = [&](int messages) {  // the least budget that is enough, within a factor of two
        core::Json list = core::Json::array();
        for (int i = 0; i < messages; ++i) list.push_back({{"role", "user"}, {"content", std::string(200, 'x')}});
        const Variables variables{{"messages", from_json(list, Origin::Client)}};
        Limits limits;
        for (limits.steps = 64; !made->render(variables, 0, limits); limits.steps *= 2) {
        }
        return limits.steps;
    };
    EXPECT_LE(cost(4000), cost(500) * 16);
    EXPECT_LT(cost(4000), Limits{}.steps);
}

}  // namespace
}  // namespace sluice::local_engine::jinja
