# SPDX-License-Identifier: Apache-2.0
"""The side of a rival written in Python that answers bench.py: worker.h tells
the protocol. serve(run) calls run(rows) -> logits until the end of input, where
rows is what prepare makes of the int64 ids [batch, length] and the number of
words: by default the ids themselves."""
import json
import sys
import time

import numpy as np

WARM_CALLS = 2


def serve(run, prepare=lambda ids, words: ids):
    """Answers lines on standard input; `run` returns the logits as an array."""
    for line in sys.stdin:
        path, batch, length, words, limit = line.rsplit(' ', 4)
        ids = np.fromfile(path, dtype=np.int32).reshape(int(batch), int(length)).astype(np.int64)
        rows = prepare(ids, int(words))
        begin = time.perf_counter()
        for _ in range(WARM_CALLS):
            logits = run(rows)
            if time.perf_counter() - begin > float(limit):
                break
        seconds, begin = [], time.perf_counter()
        while not seconds or time.perf_counter() - begin < float(limit):
            start = time.perf_counter()
            logits = run(rows)
            seconds.append(time.perf_counter() - start)
        print(json.dumps({'seconds': seconds, 'logits': np.asarray(logits).ravel().tolist()}),
              flush=True)
