// An answer as it comes out of the model, taken apart into thoughts, text and function calls. Text arrives in pieces of
// any size and the result does not depend on how it was cut; what may still turn out to be a marker is held back.
// Nothing is lost: what only looked like a call comes out as text.
#pragma once

#include "core/json.hpp"
#include "local_engine/answer/answer_format.hpp"
#include "local_engine/answer/json_call.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

struct AnswerEvent {
    enum class Kind { Thought, Text, Call, Arguments };
    Kind kind = Kind::Text;
    std::string text = {};  // Call: empty
    std::size_t call = 0;   // number of the call, from 0
    std::string id = {};    // Call
    std::string name = {};  // Call
};

struct AnswerOptions {
    AnswerFormat format = {};
    bool in_thought = false;                 // the prompt has begun a thought
    bool calls = false;                      // functions are offered: look for calls
    bool parallel = true;                    // more than one call may leave
    core::Json tools = core::Json::array();  // as the request has them: names, and types of arguments
    std::string id_seed = {};                // calls of different answers get different ids
};

class AnswerParser {
public:
    explicit AnswerParser(AnswerOptions options);

    std::vector<AnswerEvent> feed(std::string_view piece);
    std::vector<AnswerEvent> finish();
    bool called() const { return calls_ > 0; }

private:
    enum class State {
        Start,
        Thought,
        AfterThought,
        Text,
        Tagged,
        Json,
        Python,
        MistralHead,
        RawArguments,
        DeepSeekHead,
        DeepSeekArguments,
        Xml,
        XmlValue,
        HarmonyHead,
        HarmonyBody
    };
    bool step();  // false: more text is needed
    bool start();
    bool thought();
    bool after_thought();
    bool text();
    bool bare_begins();
    bool marked(std::string_view marker);
    bool tagged();
    bool json();
    bool no_call();
    bool mistral_head();
    bool raw_arguments();
    bool deepseek_head();
    bool deepseek_arguments();
    bool xml();
    bool xml_value();
    bool harmony_head();
    bool harmony_body();
    void python_calls();
    void flush();

    bool enter(State state) {
        state_ = state;
        return true;
    }
    void begin_call(std::string name, std::string id = {});
    void add_arguments(std::string_view text);
    void end_call();
    void emit(AnswerEvent::Kind kind, std::string_view text);
    void emit_text(std::string_view text);
    std::string take(std::size_t bytes);
    std::size_t skip_spaces() const;                                             // where the first other character lies
    std::size_t safe_bytes(const std::vector<std::string_view>& markers) const;  // that begin no marker
    std::size_t find(std::string_view marker) const { return buffer_.find(marker); }
    bool knows(std::string_view function) const;
    std::string argument_json(const std::string& value) const;
    std::string new_id() const;

    AnswerOptions options_;
    State state_ = State::Start;
    std::string buffer_;
    bool ended_ = false;
    std::vector<AnswerEvent> out_;

    std::vector<std::string_view> markers_;  // that end plain text
    std::string spaces_;                     // white space of the text that is dropped if a call follows
    bool fresh_ = true;                      // nothing but white space since the start of the text, or since a call
    std::size_t calls_ = 0;                  // begun
    bool dropping_ = false;                  // a call beyond the one that may leave
    bool open_ = false;                      // a call that leaves is being read
    bool thought_begun_ = false;             // past the white space at its start
    bool arguments_done_ = false;            // DeepSeek: what follows is a fence
    bool has_arguments_ = false;             // of the call being read something has left
    std::string function_;                   // its name
    JsonCall json_;
    bool json_begun_ = false;  // the call of json_ has left
    bool list_ = false;        // calls in [...]
    bool certain_ = false;     // a marker said that this is a call
    std::string raw_;          // what a call looked like so far, in case it is none
    JsonExtent extent_;
    std::string parameter_;
    std::size_t searched_ = 0;                          // of the buffer, by xml_value()
    AnswerEvent::Kind body_ = AnswerEvent::Kind::Text;  // of a harmony message
};

}  // namespace sluice::local_engine
