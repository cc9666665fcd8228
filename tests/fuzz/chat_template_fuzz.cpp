// Any bytes as a template, over a conversation with tools; after a zero byte, as the text of its user. It may be
// refused but must end soon, and what the client wrote must never count as the template's own.
#include "local_engine/chat_template/chat_template.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace sluice;
using namespace sluice::local_engine;

namespace {

constexpr const char* kBody = R"({"messages":[{"role":"system","content":"S"},{"role":"user","content":""},
  {"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":[1,2.5,null]}"}}]},
  {"role":"tool","content":"t","tool_call_id":"c"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]})";
constexpr char kMark = '\x01';  // in no template that gets this far: every one of them is the client's

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view source(reinterpret_cast<const char*>(data), size);
    std::string user(1, kMark);
    if (const std::size_t zero = source.find('\0'); zero != std::string_view::npos) {
        for (const char c : source.substr(zero + 1)) user.push_back(static_cast<unsigned char>(c) < 0x80 ? c : '?');
        source = source.substr(0, zero);
    }
    const bool escapes = source.find('\\') != std::string_view::npos || source.find(kMark) != std::string_view::npos;
    const auto chat = ChatTemplate::parse(source, "<s>", "</s>");
    if (!chat) return 0;
    core::Json body = core::Json::parse(kBody);
    body["messages"][1]["content"] = user;
    const auto text = chat->text(body, 0);
    if (!text || escapes) return 0;
    for (std::size_t i = 0; i < text->size(); ++i) {
        if (text->bytes()[i] == kMark && !text->client_at(i)) std::abort();
    }
    return 0;
}
