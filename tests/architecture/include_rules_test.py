#!/usr/bin/env python3
"""The rules are only worth something when they notice: every line here is a file that must be refused, or must not."""
import pathlib
import tempfile
import unittest

import include_rules

REFUSED = [
    ('core/a.hpp', '#include "policies/ledger/ledger.hpp"'),
    ('policies/a.cpp', '#include "router/pipeline.hpp"'),
    ('policies/a.cpp', '#include "cache/response_cache.hpp"'),
    ('cache/a.cpp', '#include "providers/https_client.hpp"'),
    ('local_engine/a.cpp', '#  include <providers/https_client.hpp>'),
    ('router/a.cpp', '#include "gateway/http/server.hpp"'),
    ('gateway/a.cpp', '#include "tests/support/fake.hpp"'),
    ('router/a.cpp', '#include <boost/asio/ip/tcp.hpp>'),
    ('router/a.cpp', '#include "core/net/dialer.hpp"'),
    ('policies/a.cpp', '#include <sys/socket.h>'),
    ('local_engine/a.cpp', '#include <boost/beast/http.hpp>'),
    ('local_engine/a.cpp', 'int f() { return ::connect(1, nullptr, 0); }'),
    ('policies/a.cpp', 'net::ip::tcp::socket socket;'),
    ('gateway/a.cpp', '#include <sqlite3.h>'),
    ('providers/a.cpp', '#include <yaml-cpp/yaml.h>'),
    ('cache/memory_cache.cpp', '#include <hiredis.h>'),
    ('local_engine/kernels/cpu/a.cpp', '#include <cuda_runtime.h>'),
    ('gateway/a.cpp', 'int f() { return std::system("true"); }'),
    ('router/pipeline.cpp', 'auto x = core::CloudCleared{request};'),
    ('router/pipeline.cpp', 'auto x = core::Classified{request, a, {}, r};'),
    ('gateway/a.hpp', 'namespace sluice::router { class ClearanceGate {}; }'),
    ('cache/a.cpp', 'auto x = reinterpret_cast<const core::CloudCleared*>(p);'),
    ('cache/a.cpp', '#include "neighbour.hpp"'),
    ('gateway/a.cpp', 'co_await exchange.respond_error(core::Error{core::Errc::NotFound, "none", "id"});'),
    ('gateway/a.cpp', 'const auto a = co_await f(x,\n    std::vector{1});'),
]
ACCEPTED = [
    ('core/net/stream.hpp', '#include <boost/asio/ip/tcp.hpp>'),
    ('providers/https_client.cpp', '#include "core/net/dialer.hpp"'),
    ('cache/redis_client.cpp', '#include <hiredis/hiredis.h>'),
    ('gateway/a.cpp', '#include "router/pipeline.hpp"'),
    ('router/a.cpp', '// core::CloudCleared{request} is what only the gate writes; ::connect( too\n'),
    ('router/a.cpp', 'const char* text = "ip::tcp";'),
    ('router/clearance_gate.cpp', 'return core::CloudCleared{classified.shared_request()};'),
    ('gateway/a.cpp', 'if (co_await f(x)) { const Error error{1, "a"};\n co_await g(error, {}); }'),
    ('gateway/a.cpp', 'while (co_await f()) {\n}\nError e{1};'),
    ('router/planner.cpp', 'f(const core::CloudCleared& a); g(core::CloudCleared&&); h(core::Classified);'),
]


class Rules(unittest.TestCase):
    def errors_of(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True)
            file.write_text(text + '\n')
            return include_rules.check(root)[1]

    def test_violations_are_noticed(self):
        for path, text in REFUSED:
            with self.subTest(path=path, text=text):
                self.assertEqual(len(self.errors_of(path, text)), 1)

    def test_what_is_allowed_passes(self):
        for path, text in ACCEPTED:
            with self.subTest(path=path, text=text):
                self.assertEqual(self.errors_of(path, text), [])

    def test_long_files_are_listed_only(self):
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / 'core').mkdir()
            (pathlib.Path(root) / 'core' / 'a.hpp').write_text('\n' * 501)
            self.assertEqual(include_rules.check(root), (1, [], ['core/a.hpp: 501 lines']))


if __name__ == '__main__':
    unittest.main()
