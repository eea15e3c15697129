# SPDX-License-Identifier: Apache-2.0
"""check_guide.py SENTIMENT FOLDER ENGINE: every guide folder below FOLDER gives
the answers that PyTorch gave (expected.jsonl, written by make_golden.py).

Token ids must be equal, probabilities within 1e-5. The native engine is run
with every instruction set of this machine, with several batch shapes and
thread counts, and its output must not differ by a byte. Exit status 77 where
the engine is not available.
"""
import json
import os
import subprocess
import sys

TOLERANCE = 1e-5
# What runs the programs of a cross build; meson says it.
WRAPPER = os.environ.get('MESON_EXE_WRAPPER', '').split()


def run(command, lines, **environment):
    text = ''.join(json.dumps(line) + '\n' for line in lines).encode()
    done = subprocess.run(WRAPPER + command + ['--input', '-', '--input-format', 'jsonl', '--json'],
                          input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **environment), check=False)
    if done.returncode != 0:
        message = done.stderr.decode()
        if 'torch' in command and 'unavailable' in message:
            print(message)
            sys.exit(77)
        sys.exit('%s: %s' % (' '.join(command), message))
    return done.stdout


def compare(folder, expected, answers, tokens):
    """Number of differences, each printed."""
    wrong = 0
    for want, got, split in zip(expected, answers, tokens):
        worst = max(abs(a - b) for a, b in zip(want['probabilities'], got['probabilities']))
        same_ids = split['ids'][:want['max_length']] == want['ids'][:want['max_length']]
        if worst > TOLERANCE or not same_ids or got['tokens'] != want['tokens'] \
                or got['prediction'] != want['prediction']:
            print('%s: %r at max_length %d: off by %g, ids %s' %
                  (folder, want['text'][:40], want['max_length'], worst,
                   'equal' if same_ids else 'differ'))
            wrong += 1
    return wrong


def check(sentiment, folder, engine):
    with open(os.path.join(folder, 'expected.jsonl'), encoding='utf-8') as file:
        expected = [json.loads(line) for line in file]
    lines = [{'text': e['text'], 'max_length': e['max_length']} for e in expected]
    predict = [sentiment, 'predict', '--model', folder, '--engine', engine]
    output = run(predict, lines)
    answers = [json.loads(line) for line in output.splitlines()]
    tokens = [json.loads(line) for line in
              run([sentiment, 'tokenize', '--model', folder], lines).splitlines()]
    if not len(expected) == len(answers) == len(tokens) > 0:
        sys.exit('%s: %d lines in, %d out' % (folder, len(expected), len(answers)))
    wrong = compare(folder, expected, answers, tokens)
    if engine == 'native':
        for isa in ('c', 'avx2', 'avx512', 'neon'):
            for threads in ('1', '2'):
                if run(predict + ['--threads', threads], lines, SENTIMENT_ISA=isa) != output:
                    print('%s: other bytes with %s and %s threads' % (folder, isa, threads))
                    wrong += 1
        alone = b''.join(run(predict, [line]) for line in lines[:5])
        if alone != b''.join(output.splitlines(True)[:5]):
            print('%s: other bytes for texts alone' % folder)
            wrong += 1
    return wrong


def main():
    sentiment, root, engine = sys.argv[1:]
    folders = sorted(entry.path for entry in os.scandir(root) if entry.is_dir())
    if not folders:
        sys.exit('no folders in ' + root)
    wrong = sum(check(sentiment, folder, engine) for folder in folders)
    print('%d folders, %d differences' % (len(folders), wrong))
    sys.exit(1 if wrong else 0)


main()
