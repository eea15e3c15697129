# SPDX-License-Identifier: Apache-2.0
"""process.py SENTIMENT ENGINE,ENGINE: a whole process that classifies one
sentence with the bundled model: median wall time and largest peak memory of 11
runs of each engine, taken in turns."""
import os
import statistics
import subprocess
import sys
import time

RUNS = 11


def run(command):
    """Seconds, and peak resident kilobytes of that child alone."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = status
    if status != 0:
        sys.exit('%s failed' % ' '.join(command))
    return seconds, usage.ru_maxrss


def main():
    sentiment, engines = sys.argv[1], sys.argv[2].split(',')
    runs = {engine: [] for engine in engines}
    for _ in range(RUNS):
        for engine in engines:
            runs[engine].append(run([sentiment, 'predict', '--engine', engine,
                                     'I love this product!']))
    medians = {}
    for engine, taken in runs.items():
        medians[engine] = statistics.median(seconds for seconds, _ in taken)
        print('%s: a whole process %.2f ms, peak memory %.1f MB' %
              (engine, medians[engine] * 1e3, max(peak for _, peak in taken) / 1024))
    if len(engines) == 2:
        print('%s takes 1/%.1f of the time of %s' %
              (engines[0], medians[engines[1]] / medians[engines[0]], engines[1]))


main()
