// Certificates made when a test runs: an authority of its own and servers that are right or wrong in one way each.
#pragma once

#include <string>

namespace sluice::testing {

struct Certificate {
    std::string certificate_pem;
    std::string key_pem;
};

struct TestCertificates {
    std::string authority_pem;  // what a client has to trust
    Certificate good;           // for "localhost" and 127.0.0.1
    Certificate expired;        // ... but ended yesterday
    Certificate wrong_host;     // for "elsewhere.invalid"
    Certificate self_signed;    // for "localhost", by nobody
};

// Made on first use; the same for the whole process.
const TestCertificates& test_certificates();

}  // namespace sluice::testing
