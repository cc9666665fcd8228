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
            self.assertEqual(len(commands), 4, started.text)
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
            explained = self.curl(commands[3].replace("curl ", "curl -i ").replace("/ID ", f"/{decision} "))
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

    def refused(self, *options, **environment):
        """What it says, one line of it at least, when it ends with code 2."""
        done = subprocess.run([RUN, *options], capture_output=True, text=True, env={**ENVIRONMENT, **environment}, timeout=60)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertNotIn("Sluice is ready", done.stdout)
        return done.stderr

    def test_a_port_that_another_program_has_is_named_and_no_key_is_made(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            text = self.refused("--listen", f"127.0.0.1:{other.getsockname()[1]}", "--data", str(self.data))
        self.assertIn("another program", text)
        self.assertIn("--listen", text)
        self.assertFalse((self.data / "first-key.txt").exists())

    def test_a_gateway_with_other_data_is_not_taken_for_this_one(self):
        started = Started(*self.options)
        try:
            other = pathlib.Path(self.folder) / "other"
            self.assertIn("other data", self.refused(*self.options[:2], "--data", str(other)))
            self.assertFalse((other / "first-key.txt").exists())
            elsewhere = self.refused("--listen", f"127.0.0.1:{free_port()}", "--data", str(self.data))
            self.assertIn("runs already, but does not answer", elsewhere)
        finally:
            self.assertEqual(started.stop(), 0)

    def test_a_quote_in_the_data_directory_and_no_terminal_still_give_commands_that_run(self):
        started = Started(*self.options[:2], "--data", str(pathlib.Path(self.folder) / "it's here"))
        try:
            head, _ = self.curl(re.findall(r"^   (curl .*)$", started.text, re.M)[0])
            self.assertRegex(head, r"^HTTP/1.1 200")
        finally:
            self.assertEqual(started.stop(), 0)

    def test_what_cannot_hold_data_is_named(self):
        self.data.write_text("a file")
        self.assertIn(str(self.data), self.refused(*self.options))
        os.remove(self.data)
        if os.getuid() == 0:  # root may write anywhere
            return
        os.chmod(self.folder, 0o500)
        self.assertIn("Permission denied", self.refused(*self.options))
        os.chmod(self.folder, 0o700)

    def test_missing_files_and_values_are_named(self):
        self.assertIn("--data needs a directory", self.refused("--data"))
        self.assertIn("/nowhere/sluice.yaml", self.refused("--config", "/nowhere/sluice.yaml", *self.options))
        self.assertIn("/nowhere/model.gguf", self.refused("--model", "/nowhere/model.gguf", *self.options))
        self.assertIn("/nowhere/sluice", self.refused(*self.options, SLUICE_BINARY="/nowhere/sluice"))

    def packages(self, **commands):
        """install_packages with these commands in place of the system's, for a package that is not there."""
        programs = pathlib.Path(self.folder) / "programs"
        programs.mkdir()
        for name, script in commands.items():
            (programs / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name.replace("_", "-")).chmod(0o755)
        listed = pathlib.Path(self.folder) / "packages.txt"
        listed.write_text("# a comment\nlibnowhere-dev\n")
        done = subprocess.run(["bash", "-c", '. "$0" && install_packages "$1"', str(pathlib.Path(RUN).parent / "packages.sh"), str(listed)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                              env={**ENVIRONMENT, "PATH": f"{programs}:{ENVIRONMENT['PATH']}"})
        return done.returncode, done.stderr

    def test_packages_without_a_network_end_with_what_to_look_at(self):
        code, text = self.packages(id="echo 0", apt_get='echo "E: Failed to fetch http://mirror/x  Could not resolve" >&2; exit 100')
        self.assertEqual(code, 1)
        for part in ("Could not resolve", "Is there a network", "apt-get install --no-install-recommends libnowhere-dev"):
            self.assertIn(part, text)

    def test_packages_without_root_or_sudo_end_with_the_command_for_root(self):
        code, text = self.packages(id="echo 1000", apt_get="exit 0", sudo="exit 1")
        self.assertEqual(code, 1)
        self.assertIn("As root, run\n\n    apt-get install --no-install-recommends libnowhere-dev", text)

    def test_wrong_options_are_exit_code_2(self):
        for options in (["--listen", "nowhere"], ["--lisen", "x"], ["--listen", "0.0.0.0:1"]):
            done = subprocess.run([RUN, "--data", str(self.data), *options], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertFalse(self.data.exists())


if __name__ == "__main__":
    unittest.main()
