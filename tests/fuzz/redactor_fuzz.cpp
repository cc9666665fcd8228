// Any request body, or any text as the message of one: what is masked holds none of the values any more, goes to the
// cloud by its own class, and plain texts come back as they were.
#include "core/json.hpp"
#include "policies/sensitivity/known_values.hpp"
#include "policies/sensitivity/redactor.hpp"
#include "policies/sensitivity/restore.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sluice;

namespace {

void no_value_in(const core::Json& json, const policies::detail::KnownValues& values) {
    if (json.is_string() && values.occur_in(json.get_ref<const std::string&>())) std::abort();
    if (json.is_object())
        for (const auto& [key, member] : json.items()) {
            if (values.occur_in(key)) std::abort();
            no_value_in(member, values);
        }
    if (json.is_array())
        for (const auto& element : json) no_value_in(element, values);
}

void judge(core::Json body) {
    static const policies::Classifier classifier{{.dictionary = {{"Project Bluefin"}, {"acme"}, {"M\xc3\xbcller"}}}};
    policies::TeamPolicy policy;
    policy.action_of = {core::Action::Cloud, core::Action::Cloud, core::Action::Redact, core::Action::Redact};
    auto request = core::ChatRequest::from_json(std::move(body));
    if (!request) return;
    const auto original = std::make_shared<const core::ChatRequest>(std::move(*request));
    const auto judged = classifier.classify(original, {.attachments = core::DataClass::Public});
    if (policy.action(judged.data_class()) != core::Action::Redact) return;
    const auto redacted = policies::Redactor{classifier}.redact(
        judged, policy,
        {.classify = {.attachments = core::DataClass::Public}, .conversation_key = core::Secret{"fuzz"}});
    if (!redacted) return;
    const auto& sent = redacted->request.request().body();
    if (policy.action(redacted->request.data_class()) != core::Action::Cloud) std::abort();
    no_value_in(sent, policies::detail::KnownValues{*redacted->map});
    const auto& first = original->body()["messages"][0];
    const auto content = first.find("content");
    if (content == first.end() || !content->is_string()) return;
    const auto& text = content->get_ref<const std::string&>();
    if (text.find_first_of("[{\"\\") != std::string::npos)
        return;  // JSON in a text may be written anew, brackets may pair
    const auto& masked = sent["messages"][0]["content"].get_ref<const std::string&>();
    if (policies::restore(masked, redacted->map, policies::RestoreIn::Text) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (auto body = core::parse_json(text)) judge(std::move(*body));
    // As a message: bytes that are no UTF-8 are replaced, as no request can hold them.
    auto content = core::parse_json(core::dump_json(core::Json(std::string{text})));
    if (!content) return 0;
    judge(core::Json{{"model", "m"},
                     {"messages", core::Json::array({core::Json{{"role", "user"}, {"content", *content}}})}});
    return 0;
}
