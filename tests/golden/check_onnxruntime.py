# SPDX-License-Identifier: Apache-2.0
"""check_onnxruntime.py PYTHON TESTS-PYTHON SENTIMENT RUN_IDS: our ONNX files pass
onnx.checker.check_model(full_check=True), and ONNX Runtime gives the logits of the
native engine, within 1e-5, at every operator set, for one layer, two, both
directions, small and large, for batches of 1 and 8 and rows of 1, 50 and 512 ids.

Skipped (77) where there is no interpreter PYTHON, made by .ci/venv.sh.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.argv[2])
import venv  # noqa: E402  (tests/python/venv.py)

ARGUMENTS = venv.require(sys.argv)

import numpy  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

TOLERANCE = 1e-5
WORDS, CLASSES = 40, 3
SHAPES = {'one layer': [], 'two layers': ['--num-layers', '2'],
          'bidirectional': ['--bidirectional'],
          'two bidirectional layers': ['--num-layers', '2', '--bidirectional']}
ALL = range(11, 21)
# The operator set changes the graph alone: one size sees all of them.
OPSETS = {1: (11, 17, 20), 51: ALL, 256: (11, 17, 20)}
ROWS = [(1, 1), (8, 1), (1, 50), (8, 50), (1, 512), (8, 512)]


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        sys.exit('%s: %s' % (' '.join(command), done.stderr.decode()))
    return done.stdout


def native_logits(run_ids, model, batches):
    """One array for each batch."""
    rows = [' '.join(map(str, row)) for ids in batches for row in ids]
    answers = run(run_ids, model, stdin=('\n'.join(rows) + '\n').encode()).decode().splitlines()
    found, at = [], 0
    for ids in batches:
        part = answers[at:at + len(ids)]
        found.append(numpy.array([[float(value) for value in line.split()] for line in part]))
        at += len(ids)
    return found


def check_words(model):
    """The vocabulary's text form, as the documentation reads it in Python."""
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    unescape = lambda found: chr(int(found[2], 16)) if found[2] else '\\'  # noqa: E731
    words = [re.sub(r'\\(\\|u([0-9a-f]{4}))', unescape, line)
             for line in metadata['vocabulary'].split('\n')[:-1]]
    return words == ['word_%d' % i for i in range(WORDS)] and metadata['format'] == 'libsentiment'


def check_file(path, batches, expected):
    """The largest difference of a logit; None where the file is not as it should be."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    taken, given = session.get_inputs(), session.get_outputs()
    if [(one.name, one.shape) for one in taken] != [('input', ['batch_size', 'sequence_length'])]:
        return None
    if [(one.name, one.shape) for one in given] != [('output', ['batch_size', CLASSES])]:
        return None
    if not check_words(model):
        return None
    return max(numpy.abs(session.run(['output'], {'input': ids})[0] - logits).max()
               for ids, logits in zip(batches, expected))


def main():
    sentiment, run_ids = ARGUMENTS[-2:]
    random = numpy.random.default_rng(3)
    batches = [random.integers(0, WORDS, (batch, length)) for batch, length in ROWS]
    wrong = files = 0
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        native, graph = os.path.join(folder, 'm.safetensors'), os.path.join(folder, 'm.onnx')
        for shape, options in SHAPES.items():
            for hidden, opsets in OPSETS.items():
                run(sentiment, 'create', '--vocab-size', str(WORDS), '--embedding-dim', '16',
                    '--hidden-size', str(hidden), '--num-classes', str(CLASSES), '--seed', '5',
                    *options, native)
                expected = native_logits(run_ids, native, batches)
                for opset in opsets:
                    run(sentiment, 'convert', native, graph, '--opset', str(opset), '--no-check')
                    off = check_file(graph, batches, expected)
                    files += 1
                    if off is None or not off <= TOLERANCE:
                        print('%s, hidden %d, opset %d: off by %s' % (shape, hidden, opset, off))
                        wrong += 1
                    else:
                        worst = max(worst, off)
    print('%d files, %d wrong, largest difference %.2g' % (files, wrong, worst))
    return 1 if wrong or not files else 0


sys.exit(main())
