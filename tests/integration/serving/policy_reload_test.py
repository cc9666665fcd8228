"""Changed rules are taken over by the real binary while it serves: no request fails, each keeps the rules it began with."""
import json
import pathlib
import signal
import threading
import unittest

import gateway
from gateway import chat, until

HARMLESS = "sensitivity:\n  dictionary: [{term: bluefin}]\n"
PATTERN = HARMLESS + "  patterns:\n    - name: employee_id\n      regex: '\\bEMP-\\d{6}\\b'\n      class: restricted\n"
BROKEN = HARMLESS + "  patterns:\n    - name: employee_id\n      regex: 'EMP-('\n"


class PolicyReload(unittest.TestCase):
    def setUp(self):
        self.server = gateway.Gateway()
        self.addCleanup(self.server.__exit__)
        self.file = pathlib.Path(self.server.folder) / "sluice.yaml"
        self.server.options = ("--config", str(self.file))
        self.write(HARMLESS)
        self.server.run("teams", "add", "ops")
        self.key = self.server.run("keys", "create", "ops", "--quiet").strip()
        self.server.start()

    def write(self, text):
        part = self.file.with_suffix(".part")  # as an editor does: the file is the old one or the new one
        part.write_text("engine: {enabled: false}\ncache: {backend: 'off'}\n" + text)
        part.rename(self.file)

    def reload(self):
        return gateway.run("policy", "reload", "--config", str(self.file), "--data", self.server.data)

    def metric(self, name):
        import urllib.request
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=60) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.rsplit(" ", 1)[1])
        self.fail(f"no metric {name}")

    def types(self, text):
        status, _, answer = self.server.ask("/v1/classify", self.key, {"text": text})
        self.assertEqual(status, 200, answer)
        return [finding["type"] for finding in answer["findings"]]

    def test_a_reload_under_load_fails_no_request_and_takes_effect(self):
        stop = threading.Event()
        failed, served, versions = [], [0] * 4, set()

        def load(index):
            while not stop.is_set():
                status, headers, answer = self.server.ask("/v1/chat/completions", self.key, chat("hello there", model="demo-chat"))
                if status != 200:
                    failed.append((status, answer))
                    return
                served[index] += 1
                if served[index] % 5 == 1:
                    _, _, decision = self.server.ask("/v1/decisions/" + headers["x-sluice-decision"], self.key)
                    versions.add(decision["policy_version"])

        threads = [threading.Thread(target=load, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        try:
            self.assertEqual(self.types("EMP-123456"), [])
            for number in range(10):
                self.write(PATTERN if number % 2 == 0 else HARMLESS)
                code, out, error = self.reload()
                self.assertEqual(code, 0, error)
                self.assertEqual(self.types("EMP-123456"), ["CUSTOM_EMPLOYEE_ID"] if number % 2 == 0 else [])
                before = sum(served)
                self.assertTrue(until(lambda: sum(served) >= before + 12 or failed))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(versions), 2)
        self.assertEqual(self.metric('sluice_policy_reloads_total{result="taken"}'), 10)

    def test_a_new_rule_decides_where_requests_go(self):
        text = chat("who is EMP-123456?", model="demo-chat")
        status, headers, answer = self.server.ask("/v1/chat/completions", self.key, text)
        self.assertEqual((status, headers["x-sluice-zone"]), (200, "cloud"), answer)
        self.write(PATTERN)
        self.assertEqual(self.reload()[0], 0)
        status, _, answer = self.server.ask("/v1/chat/completions", self.key, text)
        self.assertNotEqual(status, 200)  # restricted, and there is no local target

    def test_a_bad_file_keeps_the_old_rules_and_says_why(self):
        self.write(PATTERN)
        self.assertEqual(self.reload()[0], 0)
        self.write(BROKEN)
        code, out, error = self.reload()
        self.assertEqual(code, 1)
        self.assertIn("sensitivity.patterns[0].regex: line 7: RE2 does not accept it", error)
        self.assertEqual(self.types("EMP-123456"), ["CUSTOM_EMPLOYEE_ID"])
        self.assertEqual(self.metric('sluice_policy_reloads_total{result="refused"}'), 1)
        self.assertEqual(self.metric("sluice_policy_last_reload_refused"), 1)
        self.assertTrue(until(lambda: any("policy reload refused" in line and "sensitivity.patterns[0].regex" in line for line in self.server.log)))
        self.file.unlink()
        self.assertEqual(self.reload()[0], 1)
        self.assertEqual(self.types("EMP-123456"), ["CUSTOM_EMPLOYEE_ID"])

    def test_sighup_reloads_and_says_what_has_to_wait(self):
        self.write(PATTERN + "routing: {most_attempts: 2}\n")
        self.server.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: self.metric('sluice_policy_reloads_total{result="taken"}') == 1))
        self.assertEqual(self.types("EMP-123456"), ["CUSTOM_EMPLOYEE_ID"])
        self.assertTrue(until(lambda: any("changes of routing take effect at the next start" in line for line in self.server.log)))
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
