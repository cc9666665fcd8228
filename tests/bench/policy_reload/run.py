#!/usr/bin/env python3
"""What a reload of the rules costs the requests that run beside it.

  tests/bench/policy_reload/run.py [--build build/release] [--seconds 10] [--rate 500] [--terms 1000000]

The real binary with patterns and a dictionary of that many terms, asked at a fixed rate (latency counts from the moment a request
was due, so that a stall is not hidden): first undisturbed, then with the rules reloaded over and over. Prints p50, p99, the
longest request and how many took over 5 ms, with and without, and how long one reload took.
"""
import argparse
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/bench/gateway"))
import run as gateway_bench  # noqa: E402

RULES = """
sensitivity:
  dictionary_files: [{{file: {dir}/terms.txt}}]
  patterns:
    - {{name: employee_id, regex: '\\bEMP-\\d{{6}}\\b'}}
    - {{name: contract, regex: '\\bC{number}-[A-Z]{{3}}-\\d{{4}}\\b', class: restricted}}
    - {{name: member, regex: '\\b\\d{{10}}\\b', validator: luhn, context: [member, Mitglied]}}
"""


def write_terms(file, count):
    random.seed(1)
    parts = ["ka", "ro", "mi", "ten", "sol", "bar", "li", "zu", "fen", "dor", "qua", "pri", "ste", "van"]
    with open(file, "w") as out:
        for number in range(count):
            out.write("".join(random.choices(parts, k=3)) + " " + "".join(random.choices(parts, k=4)) + f" {number}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--terms", type=int, default=1_000_000)
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    started = []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as temporary:
        temporary = pathlib.Path(temporary)
        folder = temporary / "sluice"
        write_terms(temporary / "terms.txt", arguments.terms)
        rules = lambda number: RULES.format(dir=temporary, number=number)  # noqa: E731
        gateway_bench.SLUICE += rules(0).replace("{", "{{").replace("}", "}}")
        try:
            upstream = subprocess.Popen([str(build / "tests/bench/gateway/bench_upstream")], stdout=subprocess.PIPE, text=True)
            started.append(upstream)
            sluice = gateway_bench.start_sluice(build, folder, int(upstream.stdout.readline()), "strict")
            started.append(sluice.process)
            config = folder / "sluice.yaml"
            first = config.read_text()
            ask = dict(connections=32, rate=arguments.rate, seconds=arguments.seconds)
            gateway_bench.load(build, sluice, **{**ask, "seconds": 2})
            quiet = gateway_bench.load(build, sluice, **ask)
            took, stop = [], threading.Event()

            def reload_over_and_over():
                number = 0
                while not stop.is_set():
                    number += 1
                    config.write_text(first.replace(rules(0).strip(), rules(number).strip()))
                    begun = time.monotonic()
                    subprocess.run([str(build / "sluice"), "policy", "reload", "--config", str(config), "--data", str(folder / "data")],
                                   check=True, stdout=subprocess.DEVNULL)
                    took.append(time.monotonic() - begun)

            reloading = threading.Thread(target=reload_over_and_over)
            reloading.start()
            busy = gateway_bench.load(build, sluice, **ask)
            stop.set()
            reloading.join()
            print(f"{arguments.terms} terms, {arguments.rate:.0f} requests/s, {len(took)} reloads, "
                  f"{min(took):.2f} to {max(took):.2f} s each")
            for name, row in (("undisturbed", quiet), ("reloading", busy)):
                print(f"{name:12} requests {row['requests']:6.0f}  failed {row['failed']:.0f}  p50 {row['p50_ms']:.3f} ms  p99 {row['p99_ms']:.3f} ms  "
                      f"longest {row['max_ms']:.3f} ms  over 5 ms: {row['over_5ms']:.0f}")
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
                process.wait(15)


if __name__ == "__main__":
    main()
