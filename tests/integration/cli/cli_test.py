"""The commands of the real binary, beside a running gateway. What a single command does is tested in tests/unit/gateway."""
import itertools
import json
import os
import pathlib
import stat
import subprocess
import unittest

import gateway
from gateway import Gateway, chat, until


class Commands(unittest.TestCase):
    def test_exit_codes(self):
        self.assertEqual(gateway.run("version")[0], 0)
        self.assertEqual(gateway.run("--help")[0], 0)
        self.assertEqual(gateway.run()[0], 2)
        self.assertEqual(gateway.run("sreve")[0], 2)
        self.assertEqual(gateway.run("serve", "--config", "/no/such/file.yaml")[0], 2)
        self.assertEqual(gateway.run("models", "inspect", "/no/such/file.gguf")[0], 1)

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(subprocess.run([gateway.BINARY, "version"], stdout=full).returncode, 1)

    def test_a_taken_port_and_a_taken_ledger_are_said(self):
        with Gateway() as first:
            first.start()
            address = first.url.removeprefix("http://")
            code, _, error = gateway.run("serve", "--listen", address, "--data", first.data + "-other")
            self.assertEqual(code, 1)
            self.assertIn("cannot start", error)
            code, _, error = gateway.run("serve", "--listen", "127.0.0.1:0", "--data", first.data)
            self.assertEqual(code, 1)
            self.assertIn("cannot start", error)
            self.assertEqual(first.stop(), 0)

    def test_a_hostile_model_is_refused_at_start(self):
        with Gateway() as server:
            model = pathlib.Path(server.folder) / "bad.gguf"
            model.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + b"\xff" * 64)
            code, _, error = gateway.run("serve", "--listen", "127.0.0.1:0", "--data", server.data, "--model", str(model))
            self.assertEqual(code, 1)
            self.assertIn("cannot start", error)


    def test_models_list_says_what_a_running_gateway_has_in_memory(self):
        with Gateway() as server:
            self.assertNotIn("loaded", server.json("models", "list")[0])
            server.run("teams", "add", "ops")
            key = server.run("keys", "create", "ops", "--quiet").strip()
            server.start()
            listed = server.json("models", "list")
            served = [model["id"] for model in server.ask("/v1/models", key)[2]["data"]]
            self.assertIn(listed[0]["name"], served)
            self.assertTrue(listed[0]["loaded"] and listed[0]["default"])
            self.assertEqual(set(listed[0]["bytes"]), {"weights", "cache", "scratch"})
            self.assertGreater(listed[0]["bytes"]["weights"], 1_000_000)
            self.assertRegex(server.run("models", "list"), listed[0]["name"] + r".* loaded, default +[0-9,]+")
            server.run("models", "unload", listed[0]["name"])
            listed = server.json("models", "list")
            self.assertFalse(listed[0]["loaded"])
            self.assertEqual(listed[0]["bytes"], {})
            self.assertEqual(server.stop(), 0)


class BesideARunningGateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Gateway()
        cls.server.run("teams", "add", "ops", "--daily", "5")
        cls.key = cls.server.run("keys", "create", "ops", "--name", "ci", "--quiet").strip()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.server.__exit__()
        assert code == 0, "".join(cls.server.log)

    def test_data_is_for_the_owner_only(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.server.data).st_mode), 0o700)

    def test_usage_and_audit_show_what_was_asked(self):
        status, fields, _ = self.server.ask("/v1/chat/completions", self.key, chat("Which planets have rings?"))
        self.assertEqual(status, 200)
        decision = fields["x-sluice-decision"]
        found = until(lambda: [row for row in self.server.json("audit", "list") if row["id"] == decision])
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["target"], "demo-cloud/demo-chat")
        self.assertEqual(found[0]["settled_by"], "usage")
        self.assertEqual(json.loads(self.server.run("audit", "show", decision))["decision"]["id"], decision)

        usage = self.server.json("usage", "--by", "model")
        row = next(row for row in usage["rows"] if row["name"] == "demo-cloud/demo-chat")
        expected = row["prompt_tokens"] * 140 + row["completion_tokens"] * 280
        self.assertEqual(row["cost_nano_usd"], expected)
        self.assertIn("ops", [row["name"] for row in self.server.json("usage", "--by", "team")["rows"]])
        self.assertEqual(len(self.server.json("usage", "--by", "day")["rows"]), 1)
        self.assertIn("total", self.server.run("usage"))
        self.assertIn("is whole", self.server.run("audit", "verify"))
        spent = self.server.json("budgets", "show", "--team", "ops")[0]["spent_today_usd"]
        self.assertNotEqual(spent, "0.00")

    def test_no_prompt_is_in_any_file_or_log(self):
        canary = "canary-5f1c-quokka"
        for text in (f"Say {canary}", f"Say {canary} to 4111 1111 1111 1111"):
            self.assertEqual(self.server.ask("/v1/chat/completions", self.key, chat(text, max_tokens=8))[0], 200)
        self.assertNotIn(canary, "".join(self.server.log))
        self.assertNotIn(canary, self.server.run("audit", "list", "--json"))
        for path, _, files in os.walk(self.server.data):
            for name in files:
                self.assertNotIn(canary.encode(), pathlib.Path(path, name).read_bytes(), name)

    def test_route_explains_and_sends_nothing(self):
        before = self.settled_requests()
        code, out, error = gateway.run("route", "--url", self.server.url, "--key", self.key,
                                       stdin=json.dumps(chat("Card 4111 1111 1111 1111")))
        self.assertEqual(code, 0, error)
        plan = json.loads(out)
        self.assertEqual(plan["data_class"], "restricted")
        self.assertEqual(plan["action"], "local")
        self.assertNotIn("4111", out)
        self.assertEqual(before, self.settled_requests())

        code, _, error = gateway.run("route", "--url", self.server.url, "--key", "sk-sluice-wrong", stdin=json.dumps(chat("x")))
        self.assertEqual(code, 1)
        self.assertIn("401", error)

    def settled_requests(self):
        """What the books say once they have caught up with the journal: two equal answers, a second apart."""
        seen = [-1]

        def settled():
            if not self.has_ledger():
                return True
            seen.append(self.server.json("usage")["total"]["requests"])
            return seen[-1] == seen[-2]
        self.assertTrue(until(settled, limit=15, pause=1))
        return seen[-1]

    def has_ledger(self):
        return gateway.run("usage", "--data", self.server.data)[0] == 0

    def test_a_new_key_works_and_a_revoked_one_does_not_without_a_restart(self):
        key = self.server.run("keys", "create", "ops", "--name", "short-lived", "--quiet").strip()
        status = lambda: self.server.ask("/v1/models", key)[0]
        self.assertTrue(until(lambda: status() == 200, limit=10))
        self.server.run("keys", "revoke", "short-lived")
        self.assertTrue(until(lambda: status() == 401, limit=10))

    def test_a_cap_set_now_holds_for_the_next_request(self):
        self.server.run("teams", "add", "poor")
        key = self.server.run("keys", "create", "poor", "--quiet").strip()
        count = itertools.count()  # a text of its own each time: what the cache answers costs nothing
        status = lambda: self.server.ask("/v1/chat/completions", key, chat(f"Hello {next(count)}", max_tokens=4))[0]
        self.assertTrue(until(lambda: status() == 200, limit=10))
        self.server.run("budgets", "set", "poor", "--daily", "0.000000001")
        self.assertTrue(until(lambda: status() == 402, limit=10))
        self.server.run("budgets", "set", "poor", "--daily", "none")
        self.assertTrue(until(lambda: status() == 200, limit=10))


if __name__ == "__main__":
    unittest.main()
