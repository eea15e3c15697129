# SPDX-License-Identifier: Apache-2.0
"""process.py COMMAND...: runs a command and prints its seconds and its peak
megabytes as JSON. A process of its own, and a small one: until a child has
started its program it counts the memory of whom it came from."""
import json
import os
import subprocess
import sys
import time


def main():
    """Runs the command; fails where it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f'{sys.argv[1]} failed')
    print(json.dumps([seconds, usage.ru_maxrss / 1024]))


main()
