#!/usr/bin/env python3
"""Sluice beside nginx and a direct connection, in one run: requests/s, p50, p99 and memory.

  tests/bench/gateway/run.py [--build build/release] [--seconds 4] [--rounds 3] [--json FILE]

All contenders stand in front of the same upstream (bench_upstream) and are asked by the same generator (bench_load) over
loopback, in alternating rounds; the median of the rounds is printed, and ratios to nginx (one worker, plain reverse proxy,
keep-alive to the upstream). Sluice runs one event loop with everything on: key check, classification, hold, ledger,
decision. Nothing listens but on 127.0.0.1, and everything started here is stopped here.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d;
  scgi_temp_path {dir}/e; keepalive_requests 1000000;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering {buffering}; }} }}
}}
"""

SLUICE = """
server: {{listen: "127.0.0.1:{port}", loops: 1}}
data: {dir}/data
ledger: {{durability: {durability}}}
engine: {{enabled: false}}
logging: {{level: warn}}
providers:
  - name: bench
    base_url: http://127.0.0.1:{upstream}/v1
    api_key: bench
    max_connections: 128
    models: [{{name: bench, input_price: "0.14", output_price: "0.28", context: 65536}}]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_ready(port, path="/", seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                if s.recv(12)[9:10] in (b"2", b"4"):
                    return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"port {port} did not become ready")


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(x) for x in out]


class Contender:
    def __init__(self, name, process, port, key="none"):
        self.name, self.process, self.port, self.key = name, process, port, key

    def memory(self):
        if self.process is None:
            return 0
        return rss_mib(self.process.pid) + sum(rss_mib(child) for child in children(self.process.pid))


def start_nginx(directory, upstream, buffering):
    port = free_port()
    directory.mkdir()
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(dir=directory, upstream=upstream, port=port, buffering=buffering))
    process = subprocess.Popen(["nginx", "-p", str(directory), "-c", str(config)], stderr=subprocess.DEVNULL)
    wait_ready(port, "/healthz")
    return Contender("nginx", process, port)


def start_sluice(build, directory, upstream, durability):
    port = free_port()
    directory.mkdir()
    config = directory / "sluice.yaml"
    config.write_text(SLUICE.format(dir=directory, upstream=upstream, port=port, durability=durability))
    binary = str(build / "sluice")
    data = ["--data", str(directory / "data")]
    subprocess.run([binary, "teams", "add", "bench", "--daily", "1000000"] + data, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run([binary, "keys", "create", "--team", "bench", "--json"] + data, check=True, capture_output=True, text=True)
    key = json.loads(made.stdout)["key"]
    log = open(directory / "log", "w")
    process = subprocess.Popen([binary, "serve", "--config", str(config)], stdout=log, stderr=log)
    wait_ready(port, "/readyz")
    return Contender(f"sluice {durability}", process, port, key)


def load(build, contender, **options):
    command = [str(build / "tests/bench/gateway/bench_load"), "--port", str(contender.port), "--key", contender.key, "--model", "bench/bench"]
    for name, value in options.items():
        command += ["--" + name] + ([] if value is True else [str(value)])
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    started = []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as temporary:
        temporary = pathlib.Path(temporary)
        try:
            upstream = subprocess.Popen([str(build / "tests/bench/gateway/bench_upstream")], stdout=subprocess.PIPE, text=True)
            started.append(upstream)
            port = int(upstream.stdout.readline())
            contenders = [Contender("direct", None, port), start_nginx(temporary / "nginx", port, "on")]
            started.append(contenders[-1].process)
            streaming_nginx = start_nginx(temporary / "nginx-stream", port, "off")
            started.append(streaming_nginx.process)
            for durability in ("strict", "relaxed"):
                contenders.append(start_sluice(build, temporary / durability, port, durability))
                started.append(contenders[-1].process)
            idle = {c.name: c.memory() for c in contenders}
            # The steady rate comes first: after the others Sluice is still writing what they left to its database.
            cases = [("2000/s", dict(connections=64, rate=2000)), ("plain 32", dict(connections=32)),
                     ("plain 64", dict(connections=64)), ("stream 32", dict(connections=32, stream=True))]
            results = {}
            for case, options in cases:
                who = [streaming_nginx if c.name == "nginx" and options.get("stream") else c for c in contenders]
                runs = {c.name: [] for c in who}
                for _ in range(arguments.rounds):
                    for c in who:
                        runs[c.name].append(load(build, c, seconds=arguments.seconds, **options))
                results[case] = {name: {field: statistics.median(run[field] for run in many) for field in many[0]} for name, many in runs.items()}
            report(results, idle, {c.name: c.memory() for c in contenders})
            if arguments.json:
                pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1))
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()


def report(results, idle, loaded):
    for case, rows in results.items():
        print(f"\n{case:10}  {'':15} {'per s':>9} {'/ nginx':>8} {'p50 ms':>8} {'p99 ms':>8} {'+p99':>7} {'failed':>7}")
        for name, row in rows.items():
            nginx = rows["nginx"]
            print(f"{'':10}  {name:15} {row['per_second']:9.0f} {row['per_second'] / nginx['per_second']:8.2f} {row['p50_ms']:8.3f} "
                  f"{row['p99_ms']:8.3f} {row['p99_ms'] - rows['direct']['p99_ms']:7.2f} {row['failed']:7.0f}")
    print("\nresident MiB (idle, after load): " + ", ".join(f"{name} {idle[name]:.0f} -> {loaded[name]:.0f}" for name in loaded if loaded[name]))


if __name__ == "__main__":
    main()
