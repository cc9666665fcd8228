// Every text of a request body: string values and object keys at any depth, fields Sluice does not know included,
// because all of them are sent upstream. Strings that hold JSON themselves (tool-call arguments) are visited decoded as
// well.
#pragma once

#include "core/json.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

// Where a text stands. Cheap to carry: the JSON pointer is only written out when somebody asks.
class TextPlace {
public:
    std::string pointer() const;                       // "/messages/2/content", RFC 6901
    std::int32_t message() const { return message_; }  // index into messages, -1 elsewhere
    bool is_key() const { return is_key_; }
    // "/messages/3/content" and "/messages/3/content/0/text".
    static TextPlace of_content(std::size_t message);
    static TextPlace of_part(std::size_t message, std::size_t part);
    // The nearest member name above a value ("phone" for the elements of "phone": [...]); empty for keys themselves.
    std::string_view key() const;

private:
    friend class TextWalk;
    struct Segment {
        const std::string* key;  // null: an array element
        std::size_t index;
    };
    std::vector<Segment> path_;
    std::int32_t message_ = -1;
    bool is_key_ = false;
};

using TextVisitor = std::function<void(const TextPlace& place, std::string_view text)>;

// Visits in document order. JSON inside strings is decoded to depth 3, each at most 1 MiB; its pointer continues behind
// "#".
void for_each_text(const core::Json& body, const TextVisitor& visit);

}  // namespace sluice::policies
