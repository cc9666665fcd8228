#include "gateway/demo_cloud/demo_cloud.hpp"

#include "core/crypto.hpp"
#include "gateway/config/load.hpp"
#include "gateway/demo_cloud/demo_answer.hpp"
#include "gateway/http/server.hpp"

namespace sluice::gateway {
namespace {

using core::awaitable;
using core::Json;

constexpr std::size_t kMaxBodyBytes = std::size_t{64} << 20U;  // more than the gateway in front of it admits

// Every route is open: the demo cloud holds nothing and listens on loopback only.
class NoKeys : public Authenticator {
public:
    CallerPtr authenticate(std::string_view) const override { return nullptr; }
};

awaitable<void> send_stream(Exchange& exchange, const core::ChatRequest& request, const DemoAnswer& answer,
                            const std::string& id) {
    const auto started = co_await exchange.start_events({});
    if (!started) co_return;
    for (const Json& chunk : demo_chunks(request, answer, id)) {
        const std::string event = "data: " + core::dump_json(chunk) + "\n\n";
        const auto written = co_await exchange.write(event);
        if (!written) co_return;
    }
    const auto done = co_await exchange.write("data: [DONE]\n\n");
    if (!done) co_return;
    const auto finished = co_await exchange.finish();
    if (!finished) exchange.abandon();
}

awaitable<void> complete_chat(Exchange& exchange, CallerPtr) {
    const std::size_t body_bytes = exchange.request().body.size();
    auto body = core::parse_json(exchange.request().body);
    if (!body) {
        (void)co_await exchange.respond_error(body.error());
        co_return;
    }
    const auto request = core::ChatRequest::from_json(std::move(*body));
    if (!request) {
        (void)co_await exchange.respond_error(request.error());
        co_return;
    }
    if (request->model() != kDemoModel) {
        core::Error unknown{core::Errc::ModelNotFound, "the demo cloud has one model, demo-chat", "model"};
        (void)co_await exchange.respond_error(unknown);
        co_return;
    }
    const DemoAnswer answer = demo_answer(*request, body_bytes);
    const std::string id = "chatcmpl-demo-" + core::random_token(12);
    if (request->stream()) {
        co_await send_stream(exchange, *request, answer, id);
        co_return;
    }
    std::string text = core::dump_json(demo_completion(*request, answer, id));
    (void)co_await exchange.respond(200, "application/json", std::move(text));
}

awaitable<void> list_models(Exchange& exchange, CallerPtr) {
    const Json model{{"id", kDemoModel}, {"object", "model"}, {"created", 0}, {"owned_by", "demo-cloud"}};
    std::string text = core::dump_json({{"object", "list"}, {"data", Json::array({model})}});
    (void)co_await exchange.respond(200, "application/json", std::move(text));
}

std::vector<Route> routes() {
    return {{"POST", "/v1/chat/completions", Permission::Anyone, kMaxBodyBytes, complete_chat},
            {"GET", "/v1/models", Permission::Anyone, 0, list_models}};
}

ServerConfig server_config(const HostPort& listen) {
    ServerConfig config;
    config.address = listen.host;
    config.port = listen.port;
    return config;
}

}  // namespace

struct DemoCloud::Parts {
    explicit Parts(const HostPort& listen) : address(listen), server(server_config(listen), loops, routes(), no_keys) {}

    HostPort address;
    EventLoops loops{1};
    NoKeys no_keys;
    Server server;
};

DemoCloud::DemoCloud(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DemoCloud::~DemoCloud() = default;  // the server drains and joins, then its loop stops

core::Result<std::unique_ptr<DemoCloud>> DemoCloud::start(const HostPort& listen) {
    auto parts = std::make_unique<Parts>(listen);
    const auto started = parts->server.start();
    if (!started) return started.error();
    parts->loops.start();
    parts->address.port = parts->server.port();
    return std::unique_ptr<DemoCloud>(new DemoCloud(std::move(parts)));
}

std::uint16_t DemoCloud::port() const {
    return parts_->address.port;
}

ProviderSettings DemoCloud::provider() const {
    ProviderSettings provider;
    provider.name = "demo-cloud";
    provider.base_url = "http://" + to_string(parts_->address) + "/v1";
    ProviderModel& model = provider.models.emplace_back();
    model.name = model.upstream = kDemoModel;
    model.input_price = core::Price{140'000'000};
    model.output_price = core::Price{280'000'000};
    model.context = 128'000;
    return provider;
}

}  // namespace sluice::gateway
