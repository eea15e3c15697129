# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on many texts: onnx_texts.py MODEL.onnx THREADS TOKENS SECONDS.

TOKENS has one JSON list of token ids a line, from `sentiment tokenize`: the
tokenizer's time is not counted. The texts are sorted by length and padded to
the longest of each batch of 32. Prints the seconds of each call on all texts.
"""
import json
import sys
import time

import numpy as np
import onnxruntime

BATCH = 32


def main():
    """Makes the batches once, then runs them over and over."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[2])
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options,
                                           providers=['CPUExecutionProvider'])
    with open(sys.argv[3], encoding='utf-8') as file:
        rows = sorted((json.loads(line) or [0] for line in file), key=len)
    batches = []
    for first in range(0, len(rows), BATCH):
        part = rows[first:first + BATCH]
        batches.append(np.array([row + [0] * (len(part[-1]) - len(row)) for row in part],
                                dtype=np.int64))
    seconds, begin = [], time.perf_counter()
    while len(seconds) < 4 or time.perf_counter() - begin < float(sys.argv[4]):
        start = time.perf_counter()
        for batch in batches:
            session.run(['output'], {'input': batch})
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[1:]))


main()
