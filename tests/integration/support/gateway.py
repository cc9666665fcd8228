"""The real binary for tests in Python: a data folder of its own, commands, and a running gateway. Standard library only."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

BINARY = os.environ["SLUICE_BINARY"]
# Without provider keys the gateway brings its demo cloud.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


def run(*words, stdin=""):
    """Runs `sluice WORDS`; code, standard output, standard error."""
    done = subprocess.run([BINARY, *words], input=stdin, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    return done.returncode, done.stdout, done.stderr


class Gateway:
    """`sluice serve` on a port of the system's choice. Use as a context manager."""

    def __init__(self, *options, environment=()):
        self.folder = tempfile.mkdtemp(prefix="sluice-test-")
        self.data = str(pathlib.Path(self.folder) / "data")
        self.options = options
        self.environment = {**ENVIRONMENT, **dict(environment)}
        self.process = None
        self.reader = None
        self.log = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            if self.reader:
                self.reader.join()
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words, stdin=""):
        """A command on this gateway's data; fails the test when the command fails."""
        code, out, error = run(*words, "--data", self.data, stdin=stdin)
        assert code == 0, f"sluice {' '.join(words)}: {code}\n{error}"
        return out

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def start(self):
        self.process = subprocess.Popen([BINARY, "serve", "--listen", "127.0.0.1:0", "--data", self.data, *self.options],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment)
        self.log = []
        for line in self.process.stdout:
            self.log.append(line)
            found = re.search(r"listening on (\S+?),", line)
            if found:
                self.url = found.group(1)
                self.reader = threading.Thread(target=self._read_log, daemon=True)
                self.reader.start()
                return self
        raise AssertionError(f"the gateway ended with {self.process.wait()}:\n{''.join(self.log)}")

    def _read_log(self):
        for line in self.process.stdout:
            self.log.append(line)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def ask(self, path, key=None, body=None):
        """Status, header fields and JSON of the answer."""
        return self.send(path, key, None if body is None else json.dumps(body))

    def send(self, path, key=None, body=None, headers=()):
        """As ask(), with a body that need not be JSON: text or bytes."""
        request = urllib.request.Request(self.url + path, data=body.encode() if isinstance(body, str) else body)
        request.add_header("Content-Type", "application/json")
        for name, value in dict(headers).items():
            request.add_header(name, value)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, json.load(refused)

    def connect(self):
        """A plain socket to the gateway."""
        host, port = self.url.rsplit("/", 1)[1].rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=120)

    def stream(self, key, body, receive_buffer=None):
        """A socket on which a streaming request was sent; the caller reads."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(120)
        host, port = self.url.rsplit("/", 1)[1].rsplit(":", 1)
        connection.connect((host, int(port)))
        text = json.dumps({**body, "stream": True}).encode()
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        return connection


def chat(text, **more):
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


def until(what, limit=60, pause=0.01):
    """What it says as soon as that is true; else what it said after `limit` seconds: the bound of a test that hangs, not a measurement."""
    deadline = time.monotonic() + limit
    while not (answer := what()) and time.monotonic() < deadline:
        time.sleep(pause)
    return answer
