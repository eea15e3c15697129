# SPDX-License-Identifier: Apache-2.0
"""python_bench.py MODEL single ROUNDS | MODEL batch FILE ROUNDS: the Python binding's clock.

single: seconds of one predict, the median over rounds of many calls. batch: seconds of
predict_batch over the lines of FILE, the median over rounds, from an Arrow array and from
a list. Prints one JSON object. The package and the library are found through PYTHONPATH
and SENTIMENT_LIBRARY; the Arrow array is left out where pyarrow is not installed.
"""
import json
import statistics
import sys
from time import perf_counter

import sentiment

CALLS = 20000
TEXT = 'word_1 word_2 word_3'


def single(model, rounds):
    """Seconds a call."""
    predict, seconds = model.predict, []
    for _ in range(rounds):
        started = perf_counter()
        for _ in range(CALLS):
            predict(TEXT)
        seconds.append((perf_counter() - started) / CALLS)
    return {'single': statistics.median(seconds)}


def measured(model, texts, rounds):
    """Median seconds of a batch; once without being measured."""
    seconds = []
    for _ in range(rounds + 1):
        started = perf_counter()
        model.predict_batch(texts)
        seconds.append(perf_counter() - started)
    return statistics.median(seconds[1:])


def batch(model, path, rounds):
    """Seconds of the whole file."""
    with open(path, encoding='utf-8', newline='\n') as file:
        texts = file.read().split('\n')[:-1]
    found = {'batch_list': measured(model, texts, rounds)}
    try:
        import pyarrow
    except ImportError:
        return found
    array = pyarrow.array(texts, pyarrow.large_string())
    return {'batch_arrow': measured(model, array, rounds), **found}


def main():
    """See above."""
    with sentiment.Model.load(sys.argv[1]) as model:
        rounds = int(sys.argv[-1])
        done = single(model, rounds) if sys.argv[2] == 'single' else (
            batch(model, sys.argv[3], rounds))
    print(json.dumps(done))


if __name__ == '__main__':
    main()
