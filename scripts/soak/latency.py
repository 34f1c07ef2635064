"""How long an answer takes: milliseconds from the write of a row into a pseudo-terminal to the answer on standard output.

    python3 latency.py LINK ROWS WARM PATTERN COMMAND...

LINK will name the terminal, ROWS is a file of rows, one a line; the first WARM of them are not timed. COMMAND is started on
the terminal; what it prints that contains PATTERN is an answer (an empty PATTERN: anything). Prints the times as JSON.

In Python because Node cannot open a pseudo-terminal, and a program in between (script, socat) would be timed as well.
"""

import json
import os
import pty
import select
import subprocess
import sys
import time
import tty

PAUSE_S = 0.002
START_S = 30

link, rows_file, warm, pattern, *command = sys.argv[1:]
pattern = pattern.encode()
master, slave = pty.openpty()
tty.setraw(slave)
os.symlink(os.ttyname(slave), link)
with open(rows_file, "rb") as file:
    rows = file.readlines()
process = subprocess.Popen(command, stdout=subprocess.PIPE)
output = process.stdout.fileno()


def answer(row, limit_s):
    """Writes the row; milliseconds until its answer, or None where none came within the limit."""
    start = time.perf_counter()
    os.write(master, row)
    while True:
        readable, _, _ = select.select([output], [], [], limit_s)
        if not readable:
            return None
        seen = os.read(output, 65536)
        if not seen:
            sys.exit(f"{command[0]} ended")
        if pattern in seen:
            return 1000 * (time.perf_counter() - start)


try:
    end = time.perf_counter() + START_S
    while answer(rows[0], 0.5) is None:
        if time.perf_counter() > end:
            sys.exit(f"no answer from {command[0]} within {START_S} s")
    times = []
    for i, row in enumerate(rows):
        time.sleep(PAUSE_S)
        ms = answer(row, 5)
        if i < int(warm):
            continue
        if ms is None:
            sys.exit(f"row {i} was not answered within 5 s")
        times.append(ms)
    print(json.dumps(times))
finally:
    process.terminate()
    process.wait()
    os.unlink(link)
