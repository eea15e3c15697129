# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark that are no single call: all texts of a file from
end to end, and a process from its start to its first answer."""
import json
import os
import shutil
import statistics
import subprocess
import sys

import files

HERE = os.path.dirname(os.path.abspath(__file__))
TURNS = 3
# The guide's function pads each text to 512: so many are enough to know its rate.
GUIDE_TEXTS = 50
FASTTEXT_EPOCHS = 5


def columns(path):
    """Texts and labels of a TSV; labels are None where it has none. ValueError where
    it is no such file."""
    with open(path, encoding='utf-8') as file:
        head = file.readline().rstrip('\n').split('\t')
        rows = [line.rstrip('\n').split('\t') for line in file]
    if 'text' not in head:
        raise ValueError('expected a first line that names the column "text"')
    if not rows or any(len(row) != len(head) for row in rows):
        raise ValueError(f'expected lines of {len(head)} columns, one at least')
    text = head.index('text')
    label = head.index('label') if 'label' in head else None
    return ([row[text] for row in rows],
            None if label is None else [row[label] for row in rows])


def _output(command):
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


class Corpus:
    """The texts of a TSV, and the bundled model, as each rival reads them."""

    def __init__(self, sentiment, folder, path):
        self.texts, self.labels = columns(path)
        self.model = os.path.join(os.path.dirname(sentiment), 'models', 'sentiment-en.safetensors')
        self.lines, self.tokens, self.onnx, self.weights = (
            os.path.join(folder, name) for name in ('texts', 'tokens', 'bundled.onnx', 'bundled'))
        with open(self.lines, 'w', encoding='utf-8') as file:
            file.writelines(text + '\n' for text in self.texts)
        with open(self.lines, 'rb') as source, open(self.tokens, 'w', encoding='utf-8') as file:
            done = subprocess.run([sentiment, 'tokenize', '--json'], stdin=source, check=True,
                                  stdout=subprocess.PIPE)
            for line in done.stdout.splitlines():
                file.write(json.dumps(json.loads(line)['ids']) + '\n')
        subprocess.run([sentiment, 'convert', '--no-check', self.model, self.onnx], check=True,
                       stdout=subprocess.DEVNULL)
        files.write_weights(self.model, self.weights)


def _fasttext(corpus, folder):
    """Seconds for all texts, its start taken off: a model trained on these texts,
    since speed alone is asked. None without the program or labels."""
    program = shutil.which('fasttext')
    if not program or not corpus.labels:
        return None
    training, model, one = (os.path.join(folder, name) for name in ('train', 'fasttext', 'one'))
    with open(training, 'w', encoding='utf-8') as file:
        file.writelines(f'__label__{label} {text.lower()}\n'
                        for label, text in zip(corpus.labels, corpus.texts))
    with open(one, 'w', encoding='utf-8') as file:
        file.write('one\n')
    subprocess.run([program, 'supervised', '-input', training, '-output', model, '-thread', '1',
                    '-epoch', str(FASTTEXT_EPOCHS), '-verbose', '0'], check=True)
    taken = {one: [], corpus.lines: []}
    for _ in range(2 * TURNS):
        for path, turns in taken.items():
            turns.append(_process([program, 'predict-prob', model + '.bin', path, '-1'])[0])
    return statistics.median(taken[corpus.lines]) - statistics.median(taken[one])


def texts(options, sentiment, folder):
    """Texts per second by name, of whole passes over the file, in turns."""
    corpus = Corpus(sentiment, folder, options.texts)
    program, count = os.path.join(options.build, 'bench', 'native_texts'), len(corpus.texts)
    seconds = str(max(1.0, options.seconds))
    plans = {f'native {precision}, {threads} thread{"s" if threads > 1 else ""}':
             [program, corpus.model, precision, str(threads), corpus.lines, seconds]
             for precision in ('fp32', 'int8') for threads in (1, 2)}
    plans['ONNX Runtime, 1 thread'] = [options.venv, os.path.join(HERE, 'rivals', 'onnx_texts.py'),
                                       corpus.onnx, '1', corpus.tokens, seconds]
    taken = {name: [] for name in plans}
    for _ in range(TURNS):
        for name, command in plans.items():
            taken[name].append(statistics.median(_output(command)))
    rates = {name: count / statistics.median(turns) for name, turns in taken.items()}
    guide = subprocess.run([options.python, os.path.join(HERE, 'rivals', 'guide.py'),
                            corpus.weights, '1', corpus.tokens, str(GUIDE_TEXTS)],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if guide.returncode == 0:
        rates["guide's function, 1 thread"] = 1 / statistics.median(json.loads(guide.stdout))
    fasttext = _fasttext(corpus, folder)
    if fasttext:
        rates['fastText, 1 thread'] = count / fasttext
    return {'count': count, 'rates': rates}


def _process(command):
    """Seconds and peak megabytes of a whole process."""
    return _output([sys.executable, '-S', os.path.join(HERE, 'process.py')] + command)


def processes(options, sentiment, paths):
    """From the start of a process to its end with one answer: medians of turns."""
    one = ('import onnxruntime, numpy, sys\n'
           's = onnxruntime.InferenceSession(sys.argv[1])\n'
           's.run(["output"], {"input": numpy.zeros((1, 5), dtype="int64")})\n')
    ours = [sentiment, 'predict', 'I love this product!', '--engine']
    plans = {'`sentiment predict`': ours + ['native'],
             '`sentiment predict --engine torch`': ours + ['torch'],
             'ONNX Runtime in Python': [options.venv, '-c', one, paths['onnx']]}
    if not os.path.exists(os.path.join(options.build, 'libsentiment-torch.so')):
        del plans['`sentiment predict --engine torch`']
    taken = {name: [] for name in plans}
    for _ in range(7):
        for name, command in plans.items():
            taken[name].append(_process(command))
    return {name: (statistics.median(seconds for seconds, _ in turns),
                   max(peak for _, peak in turns)) for name, turns in taken.items()}
