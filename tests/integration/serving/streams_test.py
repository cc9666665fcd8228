"""Streams whose client or whose gateway goes away, or whose client does not read, between the real binary and a slow provider."""
import os
import pathlib
import socket
import struct
import tempfile
import time
import unittest

import gateway
from gateway import chat, until
from slow_upstream import SlowUpstream


# What these tests measure is memory the gateway holds. The address sanitizer would add up to 256 MB of what it gave back, and second
# stacks for its threads.
LEAN_SANITIZER = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
                                                                      ":detect_stack_use_after_return=0"}


def read_events(connection, count):
    """Reads until `count` events have come."""
    text = b""
    while text.count(b"data: ") < count:
        piece = connection.recv(65536)
        assert piece, text
        text += piece
    return text


def read_all(connection):
    """Everything up to the end of the answer or the connection, and whether the end was a clean one."""
    text = b""
    try:
        while not text.endswith(b"\r\n0\r\n\r\n"):
            piece = connection.recv(1 << 20)
            if not piece:
                return text, False
            text += piece
    except ConnectionResetError:
        return text, False
    return text, True


class Streams(unittest.TestCase):
    def stream(self, server, **more):
        connection = server.stream(self.key, chat("Hello", model="m", max_tokens=400), **more)
        self.addCleanup(connection.close)
        return connection

    def start(self, upstream, more=""):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = pathlib.Path(folder.name) / "sluice.yaml"
        file.write_text(upstream.settings() + "cache: {backend: 'off'}\nengine: {enabled: false}\n" + more)
        server = gateway.Gateway("--config", str(file), environment=LEAN_SANITIZER)
        self.addCleanup(server.__exit__)
        server.run("teams", "add", "ops")
        self.key = server.run("keys", "create", "ops", "--quiet").strip()
        return server.start()

    def test_a_client_that_vanishes_frees_the_upstream_within_two_seconds_and_is_billed_what_came(self):
        with SlowUpstream(gap=0.05, events=100000) as upstream:
            server = self.start(upstream)
            for number, reset in enumerate((False, True), 1):
                connection = self.stream(server)
                read_events(connection, 3)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                gone = time.monotonic()
                self.assertTrue(until(lambda: len(upstream.left) == number, limit=30))
                self.assertLess(upstream.left[-1] - gone, 2)
            self.assertTrue(until(lambda: server.json("usage")["total"]["requests"] == 2, limit=10))
            total = server.json("usage")["total"]
            self.assertEqual(total["estimated"], 2)
            self.assertGreaterEqual(total["completion_tokens"], 6)
            self.assertEqual(server.stop(), 0)

    def test_a_client_that_does_not_read_pauses_the_upstream_and_loses_nothing(self):
        with SlowUpstream(events=6000, size=10000) as upstream:
            server = self.start(upstream, "server: {timeouts: {write: 120s}}\n")
            connection = self.stream(server, receive_buffer=4096)
            before = self.memory(server)
            self.assertTrue(upstream.stalled.wait(60))
            self.assertLess(upstream.sent, 32 * 2**20)  # what the sockets' buffers took, of 60 MB
            self.assertLess(self.memory(server) - before, 16 * 2**20)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            text, clean = read_all(connection)
            self.assertTrue(clean)
            self.assertEqual(text.count(b'"content": "www'), 6000)
            self.assertIn(b"data: [DONE]", text[-100:])
            self.assertNotIn(b'"usage"', text[-2000:])  # not asked for
            self.assertLess(self.memory(server) - before, 16 * 2**20)
            # The journal has it; the books that `usage` reads follow.
            self.assertTrue(until(lambda: server.json("usage")["total"]["completion_tokens"] == 7, limit=10))

    @staticmethod
    def memory(server):
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0])

    def test_after_sigterm_running_streams_finish_and_nobody_new_comes_in(self):
        with SlowUpstream(gap=0.1, events=15) as upstream:
            server = self.start(upstream)
            streams = [self.stream(server) for _ in range(4)]
            begun = [read_events(stream, 1) for stream in streams]
            server.process.terminate()
            self.assertTrue(until(lambda: "draining" in "".join(server.log), limit=10))
            self.assertTrue(until(lambda: self.refused(server), limit=10))
            for stream, first in zip(streams, begun):
                text, clean = read_all(stream)
                self.assertTrue(clean)
                self.assertIn(b"data: [DONE]", (first + text)[-100:])
            self.assertEqual(server.process.wait(timeout=60), 0)
            self.assertEqual(server.json("usage")["total"]["requests"], 4)
            self.assertEqual(server.json("usage")["total"]["estimated"], 0)

    @staticmethod
    def refused(server):
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def test_streams_beyond_the_drain_limit_end_with_an_error_and_are_recorded(self):
        self.cut_short("server: {timeouts: {drain: 1s}}\n", signals=1)

    def test_a_second_sigterm_ends_streams_at_once(self):
        self.cut_short("server: {timeouts: {drain: 600s}}\n", signals=2)

    def cut_short(self, settings, signals):
        with SlowUpstream(gap=0.05, events=100000) as upstream:
            server = self.start(upstream, settings)
            streams = [self.stream(server) for _ in range(4)]
            for stream in streams:
                read_events(stream, 1)
            server.process.terminate()
            self.assertTrue(until(lambda: "draining" in "".join(server.log), limit=10))
            if signals == 2:
                server.process.terminate()
            for stream in streams:
                text, clean = read_all(stream)
                self.assertFalse(clean)  # a cut stream must not look finished
                self.assertNotIn(b"[DONE]", text)
                self.assertIn(b'data: {"error":', text)
            self.assertEqual(server.process.wait(timeout=60), 0)
            self.assertTrue(until(lambda: len(upstream.left) == 4, limit=10))
            self.assertEqual(server.json("usage")["total"]["requests"], 4)
            self.assertIn("is whole", server.run("audit", "verify"))


if __name__ == "__main__":
    unittest.main()
