"""Requests that are wrong in every way a body can be, against the real binary: each gets a 4xx that names the field, none repeats
what it was sent, and the gateway serves on."""
import json
import unittest

import gateway
from gateway import chat, until

CANARY = "CANARY-7f3a"


def with_field(text):
    return '{"model":"auto","messages":[{"role":"user","content":"%s"}],%s}' % (CANARY, text)


def message(text):
    return '{"model":"auto","messages":[%s]}' % text


# Body, status, field that the answer names (None: the body as a whole).
BODIES = [
    ("", 400, None), ("{", 400, None), ("[]", 400, None), ("null", 400, None), ('"%s"' % CANARY, 400, None), ("[" * 100000, 400, None),
    ('{"a":' * 5000 + "1" + "}" * 5000, 400, None), (message('{"role":"user","content":"\x01%s"}' % CANARY), 400, None),
    (message('{"role":"user","content":"a"}') + " " + CANARY, 400, None), (with_field('"x":"\\ud800"'), 400, None),
    (with_field('"temperature":NaN'), 400, None), (with_field('"seed":1e400'), 400, None),
    (b'{"model":"auto","messages":[{"role":"user","content":"\xff\xfe"}]}', 400, None),
    ("{}", 400, "model"), ('{"model":7,"messages":[]}', 400, "model"), ('{"model":"%s","messages":[]}' % ("m" * 300), 400, "model"),
    ('{"model":"%s","messages":[{"role":"user","content":"x"}]}' % CANARY, 404, "model"),
    ('{"model":"auto"}', 400, "messages"), (message(""), 400, "messages"), ('{"model":"auto","messages":"%s"}' % CANARY, 400, "messages"),
    (message("1"), 400, "messages[0]"), (message('{"role":"%s","content":"x"}' % CANARY), 400, "messages[0].role"),
    (message('{"role":"user"}'), 400, "messages[0].content"), (message('{"role":"user","content":5}'), 400, "messages[0].content"),
    (message('{"role":"user","content":[{}]}'), 400, "messages[0].content[0].type"),
    (message('{"role":"assistant","tool_calls":["%s"]}' % CANARY), 400, "messages[0].tool_calls[0]"),
] + [(with_field('"%s":%s' % (name, value)), 400, name) for name, value in [
    ("max_tokens", -1), ("max_tokens", 0), ("max_tokens", 1.5), ("max_tokens", "1e30"), ("max_tokens", "99999999999999999999"),
    ("max_tokens", '"%s"' % CANARY), ("max_completion_tokens", -3), ("temperature", 3), ("temperature", '"hot"'), ("top_p", 2), ("n", 0),
    ("n", 1000000000), ("best_of", 10000), ("stream", 1), ("stop", "[1]"), ("tools", '"%s"' % CANARY), ("tool_choice", 7),
    ("response_format", '"%s"' % CANARY), ("logprobs", '"x"'), ("top_logprobs", 1000), ("seed", '"%s"' % CANARY), ("logit_bias", "[1]"),
    ("user", 5), ("metadata", '"%s"' % CANARY), ("stream_options", 5), ("presence_penalty", 50), ("frequency_penalty", -50)]]


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = gateway.Gateway()
        cls.addClassCleanup(cls.server.__exit__)
        cls.keys = []
        for team in ("one", "two"):
            cls.server.run("teams", "add", team)
            cls.keys.append(cls.server.run("keys", "create", team, "--quiet").strip())
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, "".join(cls.server.log)
        cls.server.reader.join()
        assert CANARY not in "".join(cls.server.log)

    def test_each_body_is_refused_by_name_and_not_repeated(self):
        for body, status, field in BODIES:
            with self.subTest(body=body[-80:]):
                got, _, answer = self.server.send("/v1/chat/completions", self.keys[0], body)
                error = answer["error"]
                self.assertEqual((got, error["param"]), (status, field), error)
                self.assertEqual(error["type"], "invalid_request_error")
                self.assertNotIn(CANARY, json.dumps(answer))
                if field:
                    self.assertIn(field if status == 400 else "available", error["message"])

    def test_the_same_bodies_are_refused_by_route(self):
        for body, status, field in BODIES:
            if status == 404:
                continue  # explained, not refused
            with self.subTest(body=body[-80:]):
                got, _, answer = self.server.send("/v1/route", self.keys[0], body)
                self.assertEqual((got, answer["error"]["param"]), (status, field))

    def test_an_unknown_model_lists_near_names(self):
        status, _, answer = self.server.ask("/v1/chat/completions", self.keys[0], chat("x", model="demo-cht"))
        self.assertEqual((status, answer["error"]["code"]), (404, "model_not_found"))
        self.assertIn("demo-cloud/demo-chat", answer["error"]["message"])

    def test_an_unknown_data_class_is_refused(self):
        status, _, answer = self.server.send("/v1/chat/completions", self.keys[0], json.dumps(chat("x")), {"x-sluice-data-class": CANARY})
        self.assertEqual((status, answer["error"]["param"]), (400, "x-sluice-data-class"))
        self.assertNotIn(CANARY, json.dumps(answer))

    def test_a_decision_that_is_not_there_and_one_of_another_team_are_the_same(self):
        _, headers, _ = self.server.ask("/v1/chat/completions", self.keys[0], chat("Hello"))
        mine = headers["x-sluice-decision"]
        self.assertEqual(self.server.ask(f"/v1/decisions/{mine}", self.keys[0])[2]["id"], mine)
        refused = [self.server.ask(f"/v1/decisions/{name}", key)[::2]
                   for name, key in [(mine, self.keys[1]), ("dec_nothing", self.keys[1]), ("a" * 3000, self.keys[0])]]
        self.assertEqual(refused[0][0], 404)
        self.assertTrue(all(answer == refused[0] for answer in refused), refused)

    def test_paths_and_methods_that_are_not_there(self):
        for path, body, status in [("/", None, 404), ("/v1/nothing", None, 404), ("/v1/decisions/", None, 404), ("/v1/chat/completions", None, 405),
                                   ("/v1/models", {}, 405)]:
            with self.subTest(path=path):
                self.assertEqual(self.server.ask(path, self.keys[0], body)[0], status)

    def recorded_now(self):
        """Ids of all decisions so far. They are written behind their answers: one asked for here is waited for, so those before it are there."""
        last = self.server.ask("/v1/chat/completions", self.keys[0], chat("Hello"))[1]["x-sluice-decision"]
        written = lambda: {row["id"] for row in self.server.json("audit", "list", "--limit", "1000")}
        self.assertTrue(until(lambda: last in written()), f"decision {last} was never written")
        return written()

    def test_keys_that_are_none_get_401_and_nothing_is_recorded(self):
        before = self.recorded_now()
        for key in (None, "x", "sk-sluice-" + "A" * 43, self.keys[0][:-1], self.keys[0] + "A", CANARY * 500):
            with self.subTest(key=key and key[:12]):
                status, _, answer = self.server.ask("/v1/chat/completions", key, chat(CANARY))
                self.assertEqual((status, answer["error"]["code"]), (401, "invalid_api_key"))
        self.assertEqual(len(self.recorded_now() - before), 1)  # the one that is waited for

    def test_a_body_beyond_the_limit_is_413_before_it_is_sent(self):
        with self.server.connect() as connection:
            connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.keys[0]}\r\n"
                               f"Content-Type: application/json\r\nContent-Length: {2**24 + 1}\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                self.assertIn(b" 413 ", answer.readline())
                self.assertIn(b'"code":"body_too_large"', answer.read())
        self.assertEqual(self.server.send("/v1/chat/completions", self.keys[0], " " * 2**24)[0], 400)  # just small enough: read


if __name__ == "__main__":
    unittest.main()
