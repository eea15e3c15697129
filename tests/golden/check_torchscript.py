# SPDX-License-Identifier: Apache-2.0
"""check_torchscript.py SENTIMENT FOLDER ENGINE: every TorchScript archive below FOLDER
gives the answers that PyTorch gave (expected.jsonl, written by make_torchscript.py).

Probabilities must be within 1e-5. With the native engine each archive is also
converted: its tensors must be those of the folder's model.pth, bit for bit. The
programs in foreign/ run on the torch engine alone. Exit status 77 where the engine
is not available.
"""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

TOLERANCE = 1e-5
# What runs the programs of a cross build; meson says it.
WRAPPER = os.environ.get('MESON_EXE_WRAPPER', '').split()
# Of foreign/, those that answer as expected.jsonl says; all others are something else.
SAME_ANSWERS = ('bag-1.13.pt', 'bag-2.15.pt', 'pair.pt', 'half.pt')


def run(command, text=b''):
    done = subprocess.run(WRAPPER + command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    message = done.stderr.decode()
    if done.returncode != 0 and 'torch' in command and 'unavailable' in message:
        print(message)
        sys.exit(77)
    return done.returncode, done.stdout, message


def must(command, text=b''):
    status, output, message = run(command, text)
    if status:
        sys.exit('%s: %s' % (' '.join(command), message))
    return output


def expected_of(folder):
    with open(os.path.join(folder, 'expected.jsonl'), encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def check_answers(sentiment, path, engine):
    """1 if an answer is wrong."""
    expected = expected_of(os.path.dirname(path))
    lines = ''.join(json.dumps({'text': e['text'], 'max_length': e['max_length']}) + '\n'
                    for e in expected).encode()
    answers = must([sentiment, 'predict', '--model', path, '--engine', engine, '--json', '--input',
                    '-', '--input-format', 'jsonl'], lines).splitlines()
    if not len(answers) == len(expected) > 0:
        sys.exit('%s: %d lines in, %d out' % (path, len(expected), len(answers)))
    worst = max(abs(a - b) for want, got in zip(expected, answers)
                for a, b in zip(want['probabilities'], json.loads(got)['probabilities']))
    if worst > TOLERANCE:
        print('%s on %s: off by %g' % (path, engine, worst))
    return worst > TOLERANCE


def tensors_of(sentiment, source, folder):
    """The weights of a model, as the native file has them."""
    target = os.path.join(folder, 'converted.safetensors')
    must([sentiment, 'convert', source, target])
    with open(target, 'rb') as file:
        data = file.read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: (entry['dtype'], entry['shape'],
                   data[8 + size + entry['data_offsets'][0]:8 + size + entry['data_offsets'][1]])
            for name, entry in header.items() if name != '__metadata__'}


def check_folder(sentiment, folder, engine):
    archives = sorted(glob.glob(os.path.join(folder, '*.pt')))
    if not archives:
        sys.exit('no archives in ' + folder)
    if engine != 'native':
        # Each start of libtorch takes seconds; tests/unit/engine runs all the others.
        return check_answers(sentiment, archives[-1], engine)
    wrong = sum(check_answers(sentiment, path, engine) for path in archives)
    with tempfile.TemporaryDirectory() as scratch:
        original = tensors_of(sentiment, folder, scratch)
        for path in archives:
            if tensors_of(sentiment, path, scratch) != original:
                print('%s: other weights than in model.pth' % path)
                wrong += 1
    return wrong


def check_foreign(sentiment, folder, engine):
    wrong = 0
    for path in sorted(glob.glob(os.path.join(folder, '*.pt'))):
        if engine == 'torch':
            if os.path.basename(path) in SAME_ANSWERS[:1]:
                wrong += check_answers(sentiment, path, engine)
        elif os.path.basename(path) in SAME_ANSWERS:
            status, _, message = run([sentiment, 'predict', '--model', path, 'good'])
            if status != 1 or 'this TorchScript program is not the classifier' not in message:
                print('%s: status %d, %s' % (path, status, message))
                wrong += 1
    return wrong


def main():
    sentiment, root, engine = sys.argv[1:]
    folders = [os.path.dirname(path) for path in
               sorted(glob.glob(os.path.join(root, '*', 'model.pth')))]
    if len(folders) < 7:
        sys.exit('%d folders with model.pth in %s' % (len(folders), root))
    wrong = sum(check_folder(sentiment, folder, engine) for folder in folders)
    wrong += check_foreign(sentiment, os.path.join(root, 'foreign'), engine)
    print('%d folders, %d differences' % (len(folders), wrong))
    sys.exit(1 if wrong else 0)


main()
