"""A provider that streams as slowly or as much as a test wants, and sees when it is left. Standard library only."""
import json
import select
import socket
import threading
import time


class SlowUpstream:
    """Each call gets `events` chunks of `size` letters, `gap` seconds apart. Use as a context manager."""

    def __init__(self, gap=0.0, events=1000, size=5):
        self.gap, self.events, self.size = gap, events, size
        self.left = []       # when a caller closed its connection inside an answer (monotonic seconds)
        self.finished = 0    # answers sent to their end
        self.stalled = threading.Event()  # a write waited for more than a second: the caller does not read
        self.sent = 0        # bytes of events, all answers together
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def settings(self):
        """The lines of a configuration that name this provider; its model is "m"."""
        return (f"providers: [{{name: slow, base_url: 'http://127.0.0.1:{self.port}/v1', zone: cloud, models: "
                "[{name: m, input_price: '0.1', output_price: '0.1', context: 100000}]}]\n")

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            try:
                self._stream(connection)
                self.finished += 1
            except OSError:
                self.left.append(time.monotonic())

    def _stream(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        connection.setblocking(False)
        for _ in range(self.events):
            self._event(connection, {"choices": [{"index": 0, "delta": {"content": "w" * self.size}}]})
            if self.gap and select.select([connection], [], [], self.gap)[0] and not connection.recv(65536):
                raise OSError("left")
        self._event(connection, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._event(connection, {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}})
        self._send(connection, b"data: [DONE]\n\n")

    def _event(self, connection, fields):
        event = json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields})
        self._send(connection, f"data: {event}\n\n".encode())

    def _send(self, connection, data):
        while data:
            if not select.select([], [connection], [], 1)[1]:
                self.stalled.set()
                continue
            count = connection.send(data)
            self.sent += count
            data = data[count:]
