"""deploy/run.sh with a binary that is built already: what it prints is run to the letter."""
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

RUN = str(pathlib.Path(os.environ["SLUICE_SOURCE_DIR"]) / "deploy" / "run.sh")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}  # SLUICE_BINARY stays


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Started:
    """deploy/run.sh in the foreground of its own session, read until the instructions are complete."""

    def __init__(self, *options):
        self.process = subprocess.Popen([RUN, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=ENVIRONMENT, stdin=subprocess.DEVNULL, start_new_session=True)
        self.text = ""
        for line in self.process.stdout:
            self.text += line
            if line.startswith("Ctrl-C ends the gateway"):
                return
        raise AssertionError(f"it ended with {self.process.wait()}:\n{self.text}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(timeout=60)


class Deploy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-deploy-")
        self.data = pathlib.Path(self.folder) / "data with spaces"
        self.options = ["--listen", f"127.0.0.1:{free_port()}", "--data", str(self.data)]

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def curl(self, command):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        return head, body

    def test_the_three_commands_show_what_they_say(self):
        started = Started(*self.options)
        try:
            commands = re.findall(r"^   (curl .*)$", started.text, re.M)
            self.assertEqual(len(commands), 3, started.text)
            head, body = self.curl(commands[0])
            self.assertRegex(head, r"^HTTP/1.1 200")
            self.assertIn("x-sluice-zone: cloud", head.lower())
            self.assertIn("demo cloud", body)
            head, body = self.curl(commands[1])
            self.assertRegex(head, r"^HTTP/1.1 200")
            self.assertIn("x-sluice-zone: local", head.lower())
            self.assertNotIn("demo cloud", body)
            decision = re.search(r"x-sluice-decision: (\S+)", head, re.I).group(1)
            head, body = self.curl(commands[2])
            self.assertRegex(head, r"^HTTP/1.1 402")
            self.assertIn("tiny", body)
            url = re.search(r"Sluice is ready at (\S+)", started.text).group(1)
            explained = self.curl(f"curl -i {url}/v1/decisions/{decision} -H \"Authorization: Bearer $(cat '{self.data}/first-key.txt')\"")
            self.assertIn('"restricted"', explained[1])
        finally:
            self.assertEqual(started.stop(), 0)

    def test_a_second_start_keeps_keys_and_data(self):
        first = Started(*self.options)
        key = (self.data / "first-key.txt").read_text()
        self.assertIn(key.strip(), first.text)
        self.assertEqual(first.stop(), 0)
        second = Started(*self.options)
        try:
            self.assertEqual((self.data / "first-key.txt").read_text(), key)
            self.assertIn(key.strip(), second.text)
        finally:
            self.assertEqual(second.stop(), 0)
        for name in ("first-key.txt", "tiny-key.txt"):
            self.assertEqual(stat.S_IMODE((self.data / name).stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.data.stat().st_mode), 0o700)
        teams = subprocess.run([os.environ["SLUICE_BINARY"], "teams", "list", "--json", "--data", str(self.data)],
                               capture_output=True, text=True, check=True).stdout
        self.assertEqual(teams.count('"name": "demo"'), 1)

    def test_a_running_gateway_is_left_alone(self):
        started = Started(*self.options)
        try:
            again = subprocess.run([RUN, *self.options], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertIn("is running already", again.stdout)
            self.assertIsNone(started.process.poll())
        finally:
            self.assertEqual(started.stop(), 0)

    def test_build_only_starts_nothing(self):
        done = subprocess.run([RUN, "--build-only", *self.options], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(self.data.exists())

    def test_wrong_options_are_exit_code_2(self):
        for options in (["--listen", "nowhere"], ["--lisen", "x"], ["--listen", "0.0.0.0:1"]):
            done = subprocess.run([RUN, "--data", str(self.data), *options], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertFalse(self.data.exists())


if __name__ == "__main__":
    unittest.main()
