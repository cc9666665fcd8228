"""The section `routing` of the configuration decides how often and how patiently a provider is asked."""
import http.server
import pathlib
import threading
import unittest

import gateway
from gateway import chat


class Failing(http.server.BaseHTTPRequestHandler):
    """A provider that refuses every call with the status and the headers the test set."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Routing(unittest.TestCase):
    def calls(self, routing, status=503, headers=None):
        """How often the provider was asked for one request."""
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as provider, gateway.Gateway() as server:
            provider.calls, provider.status, provider.headers = 0, status, headers or {}
            threading.Thread(target=provider.serve_forever, daemon=True).start()
            self.addCleanup(provider.shutdown)
            file = pathlib.Path(server.folder) / "sluice.yaml"
            file.write_text(f"engine: {{enabled: false}}\ncache: {{backend: 'off'}}\nrouting: {routing}\n"
                            f"providers: [{{name: p, base_url: 'http://127.0.0.1:{provider.server_address[1]}/v1', zone: cloud, models: "
                            "[{name: m, input_price: '0.1', output_price: '0.1', context: 100000}]}]\n")
            server.options = ("--config", str(file))
            server.run("teams", "add", "ops")
            key = server.run("keys", "create", "ops", "--quiet").strip()
            server.start()
            code, _, _ = server.ask("/v1/chat/completions", key, chat("Which planets have rings?", model="p/m"))
            self.assertGreaterEqual(code, 500)
            return provider.calls

    def test_most_attempts(self):
        self.assertEqual(self.calls("{most_attempts: 1}"), 1)
        self.assertEqual(self.calls("{most_attempts: 5, first_backoff: 0ms}"), 5)

    def test_a_provider_that_asks_for_more_patience_than_allowed_is_not_waited_for(self):
        self.assertEqual(self.calls("{most_attempts: 3, first_backoff: 0ms, longest_retry_after: 0s}", headers={"Retry-After": "1"}), 1)
        self.assertEqual(self.calls("{most_attempts: 2, first_backoff: 0ms, longest_retry_after: 5s}", headers={"Retry-After": "1"}), 2)


if __name__ == "__main__":
    unittest.main()
