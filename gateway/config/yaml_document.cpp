#include "gateway/config/yaml_document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace sluice::gateway {
namespace {

struct TooMuch {
    YAML::Mark mark;
    std::string what;
};

std::string place(const YAML::Mark& mark) {
    return mark.is_null() ? std::string{} : fmt::format("line {}, column {}: ", mark.line + 1, mark.column + 1);
}

// Counts while the parser runs, so that nothing is built for a file that is over a limit.
class Bounds : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        count(mark, anchor);
        if (is_key()) throw TooMuch{mark, "a key must be a plain text"};
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { throw TooMuch{mark, "aliases are not allowed"}; }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        count(mark, anchor);
        refuse_tag(mark, tag);
        if (is_key() && !levels_.back().keys.insert(value).second) {
            throw TooMuch{mark, "this key is given twice in its map"};
        }
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, false);
    }
    void OnSequenceEnd() override { levels_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, true);
    }
    void OnMapEnd() override { levels_.pop_back(); }

private:
    struct Level {
        bool map;
        std::size_t children = 0;
        std::set<std::string> keys = {};
    };

    // Whether the event at hand is a key: the children of a map alternate.
    bool is_key() { return !levels_.empty() && levels_.back().map && ++levels_.back().children % 2 == 1; }
    void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) throw TooMuch{mark, "anchors are not allowed"};
        if (++values_ > kMaxConfigValues) throw TooMuch{mark, "too many values"};
    }
    static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") throw TooMuch{mark, "tags are not allowed"};
    }
    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool map) {
        count(mark, anchor);
        refuse_tag(mark, tag);
        if (is_key()) throw TooMuch{mark, "a key must be a plain text"};
        if (levels_.size() >= kMaxConfigDepth) throw TooMuch{mark, "nested too deeply"};
        levels_.push_back({map});
    }

    std::vector<Level> levels_;
    std::size_t values_ = 0;
};

core::Error invalid(std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail)};
}

}  // namespace

core::Result<YamlDocument> parse_yaml(std::string_view bytes) {
    if (bytes.size() > kMaxConfigBytes) {
        return core::Error{core::Errc::TooLarge, fmt::format("larger than {} bytes", kMaxConfigBytes)};
    }
    if (bytes.find('\0') != std::string_view::npos) return invalid("holds a NUL byte");
    const std::string text(bytes);
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        Bounds bounds;
        if (!parser.HandleNextDocument(bounds)) return YamlDocument{YAML::Node(YAML::NodeType::Map)};
        if (parser.HandleNextDocument(bounds)) return invalid("holds more than one document");
        YAML::Node root = YAML::Load(text);
        if (root.IsNull()) return YamlDocument{YAML::Node(YAML::NodeType::Map)};
        if (!root.IsMap()) return invalid("must be a map of keys and values");
        return YamlDocument{root};
    } catch (const TooMuch& refused) {
        return invalid(place(refused.mark) + refused.what);
    } catch (const YAML::Exception& wrong) {
        return invalid(place(wrong.mark) + "not YAML: " + wrong.msg);
    } catch (const std::exception&) {  // yaml-cpp lets a few standard ones through
        return invalid("not YAML");
    }
}

}  // namespace sluice::gateway
