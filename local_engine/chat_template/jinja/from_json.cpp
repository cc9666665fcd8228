#include "local_engine/chat_template/jinja/from_json.hpp"

namespace sluice::local_engine::jinja {

Value from_json(const core::Json& json, Origin origin) {
    switch (json.type()) {
        case core::Json::value_t::boolean: return Value(json.get<bool>());
        case core::Json::value_t::number_integer: return Value(json.get<std::int64_t>());
        case core::Json::value_t::number_unsigned:
            if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return Value(json.get<double>());
            return Value(json.get<std::int64_t>());
        case core::Json::value_t::number_float: return Value(json.get<double>());
        case core::Json::value_t::string: return Value(Text(json.get<std::string>(), origin));
        case core::Json::value_t::array: {
            List items;
            items.reserve(json.size());
            for (const auto& item : json) items.push_back(from_json(item, origin));
            return Value::list(std::move(items));
        }
        case core::Json::value_t::object: {
            Dict members;
            for (const auto& [name, member] : json.items()) members.set(Text(name, origin), from_json(member, origin));
            return Value::dict(std::move(members));
        }
        default: return Value::none();
    }
}

}  // namespace sluice::local_engine::jinja
