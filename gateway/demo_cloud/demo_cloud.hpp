// A scripted cloud for people without an account: an OpenAI-compatible chat service on loopback, in a thread of its
// own. Every answer says that it is a demonstration and how many bytes it was sent, so that one can see what leaves the
// gateway and what does not. It is no model: it repeats nothing of a prompt but its size.
#pragma once

#include "core/result.hpp"
#include "gateway/config/config.hpp"

#include <cstdint>
#include <memory>

namespace sluice::gateway {

class DemoCloud {
public:
    // Listens and answers until destroyed. Port 0: the system picks one. Errors: Unavailable, naming the address.
    static core::Result<std::unique_ptr<DemoCloud>> start(const HostPort& listen = {"127.0.0.1", 0});
    DemoCloud(const DemoCloud&) = delete;
    DemoCloud& operator=(const DemoCloud&) = delete;
    ~DemoCloud();

    std::uint16_t port() const;
    // How the gateway reaches it: name "demo-cloud", base_url, model "demo-chat" at 0.14 / 0.28 USD per million tokens.
    ProviderSettings provider() const;

private:
    struct Parts;
    explicit DemoCloud(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::gateway
