// A string that knows which of its bytes a client wrote. Every operation of the interpreter keeps that knowledge, so
// that special tokens can be recognised in text of the template alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine::jinja {

enum class Origin {
    Template,  // written by the template's author, or a word out of a closed list
    Client,    // anything else: opaque, never parsed for special tokens
};

class Text {
public:
    struct Span {  // bytes [begin, end) of a client
        std::size_t begin, end;
    };

    Text() = default;
    explicit Text(std::string bytes, Origin origin = Origin::Template);

    const std::string& bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }
    const std::vector<Span>& client_spans() const { return spans_; }  // sorted, neither empty nor touching
    // What copying it costs, in bytes: for budgets.
    std::size_t weight() const { return bytes_.size() + spans_.size() * sizeof(Span) + 32; }
    bool client_at(std::size_t byte) const;

    void append(const Text& other) { append(other, 0, other.size()); }
    void append(const Text& other, std::size_t begin, std::size_t end);
    void append(std::string_view bytes, Origin origin);
    Text part(std::size_t begin, std::size_t end) const;  // begin <= end <= size()

    // For people: what clients wrote is left out.
    std::string template_bytes() const;

private:
    void append_span(std::size_t begin, std::size_t end);

    std::string bytes_;
    std::vector<Span> spans_;
};

}  // namespace sluice::local_engine::jinja
