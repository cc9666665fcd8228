#!/usr/bin/env python3
"""Registers and spills of every CUDA kernel against the committed table.

check_cuda_resources.py LOG TABLE          fails on spills, and on kernels that take more registers than the table allows
check_cuda_resources.py LOG TABLE --write  writes the table from the log
LOG is what ptxas -v printed while the program was built (<build>/cuda_resources.log).
Ends with 77, which ctest shows as skipped, when there is no log: the build had no nvcc.
"""
import pathlib
import re
import sys

SLACK = 2  # registers: compilers of the same version already differ by as much when a neighbouring line changes
TYPES = {2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
         14: "Q6_K", 20: "IQ4_NL", 23: "IQ4_XS", 39: "MXFP4"}


def name_of(mangled):
    """_ZN...24quantised_product_kernelILNS0_10TensorTypeE8ELi4EEEv... -> quantised_product_kernel<Q8_0,4>"""
    found = re.search(r"\d+([a-z_]+_kernel)(I.*?EE)?(?=E|v|N|P)", mangled)
    if not found:
        sys.exit(f"not the name of one of our kernels: {mangled}")
    arguments = re.findall(r"LNS\w*?TensorTypeE(\d+)E|Li(\d+)E", found.group(2) or "")
    words = [TYPES[int(kind)] if kind else number for kind, number in arguments]
    return found.group(1) + (f"<{','.join(words)}>" if words else "")


def read_log(text):
    """(kernel, card) -> (registers, bytes spilled)"""
    entries, current, spilled = {}, None, 0
    for line in text.splitlines():
        if found := re.search(r"Compiling entry function '(\w+)' for '(sm_\w+)'", line):
            current = (name_of(found.group(1)), found.group(2))
        elif found := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            spilled = int(found.group(1)) + int(found.group(2))
        elif found := re.search(r"Used (\d+) registers", line):
            entries[current] = (int(found.group(1)), spilled)
    return entries


def read_table(text):
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    cards = lines[0][1:]
    return {(kernel, card): int(number) for kernel, *numbers in lines[1:] for card, number in zip(cards, numbers)}


def write_table(entries):
    cards = sorted({card for _, card in entries}, key=lambda card: int(card[3:]))
    kernels = sorted({kernel for kernel, _ in entries})
    rows = ["# Registers per thread; nothing spills. Written by check_cuda_resources.py --write.", "\t".join(["kernel", *cards])]
    rows += ["\t".join([kernel, *(str(entries[kernel, card][0]) for card in cards)]) for kernel in kernels]
    return "\n".join(rows) + "\n"


def complaints(entries, table):
    for (kernel, card), (registers, spilled) in sorted(entries.items()):
        if spilled:
            yield f"{kernel} on {card} spills {spilled} bytes"
        allowed = table.get((kernel, card))
        if allowed is None:
            yield f"{kernel} on {card} is not in the table"
        elif registers > allowed + SLACK:
            yield f"{kernel} on {card} takes {registers} registers, the table says {allowed}"
    for kernel, card in sorted(table):
        if card in {one for _, one in entries} and (kernel, card) not in entries:
            yield f"{kernel} on {card} is in the table, but no longer in the program"


def main():
    log, table = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if not log.exists():
        print("skipped: this build has no CUDA backend, so there are no registers to count")
        return 77
    entries = read_log(log.read_text())
    if not entries:
        sys.exit(f"{log} names no kernel")
    if "--write" in sys.argv:
        table.write_text(write_table(entries))
        return 0
    found = list(complaints(entries, read_table(table.read_text())))
    print("\n".join(found) or f"{len(entries)} kernels as in the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
