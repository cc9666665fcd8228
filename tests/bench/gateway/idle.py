#!/usr/bin/env python3
"""Memory of idle keep-alive connections, and what a working client notices of them.

  tests/bench/gateway/idle.py [--binary build/release/sluice] [--connections 10000] [--plain]

Opens the connections over loopback (TLS unless --plain), asks each for /healthz once, leaves them open and then measures a
working client. The figure to hold: 40 kB for each idle TLS connection and a p99 under 50 ms. Needs as many descriptors as
connections, twice; ends by itself.
"""
import argparse
import pathlib
import re
import resource
import socket
import ssl
import statistics
import subprocess
import tempfile
import time

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def memory(pid):
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def start(binary, folder, plain):
    lines = ["server:", "  limits: {max_connections: 100000}", "  timeouts: {idle: 600s}"]
    if not plain:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/chain.pem"], check=True, capture_output=True)
        lines += [f"  tls_certificate: {folder}/chain.pem", f"  tls_key: {folder}/key.pem"]
    (folder / "sluice.yaml").write_text("\n".join(lines) + "\nengine: {enabled: false}\n")
    process = subprocess.Popen([binary, "serve", "--config", str(folder / "sluice.yaml"), "--listen", "127.0.0.1:0", "--data", str(folder / "data")],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        found = re.search(r"listening on \S+:(\d+),", line)
        if found:
            return process, int(found.group(1))
    raise SystemExit("the gateway did not start")


def connect(port, context):
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the request waits 40 ms behind the handshake's last record
    return context.wrap_socket(connection) if context else connection


def ask(connection):
    connection.sendall(REQUEST)
    answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"ok\n"), answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/release/sluice")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--plain", action="store_true")
    wanted = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < wanted.connections + 200:
        raise SystemExit(f"needs {wanted.connections + 200} descriptors, may have {most}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    context = None
    if not wanted.plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(wanted.binary, pathlib.Path(folder), wanted.plain)
        try:
            ask(connect(port, context))
            before = memory(process.pid)
            begun = time.monotonic()
            idle = []
            for _ in range(wanted.connections):
                idle.append(connect(port, context))
                ask(idle[-1])
            print(f"{wanted.connections} connections in {time.monotonic() - begun:.1f} s, memory before {before / 1e6:.1f} MB")
            after = memory(process.pid)
            worker, times = connect(port, context), []
            for _ in range(2000):
                begun = time.monotonic()
                ask(worker)
                times.append(1000 * (time.monotonic() - begun))
            print(f"memory with them {after / 1e6:.1f} MB: {(after - before) / wanted.connections / 1000:.2f} kB each")
            print(f"working client: p50 {statistics.median(times):.3f} ms, p99 {statistics.quantiles(times, n=100)[98]:.3f} ms")
            ask(idle[0])  # they are still served
            ask(idle[-1])
        finally:
            process.terminate()
            process.wait(60)


if __name__ == "__main__":
    main()
