# SPDX-License-Identifier: Apache-2.0
"""Models and labelled texts for the tests of compare and calibrate: random models that
do not always answer the same, and labels that make them as good as a test wants."""
import json
import math
import os
import random
import struct

import cli
import history

LABELS = ['negative', 'neutral', 'positive']
TEXTS = ['word_%d word_%d word_%d' % (i % 60, i * 13 % 60, i * 29 % 59) for i in range(400)]


def change(file, name, floats):
    """Replaces the numbers of a tensor."""
    start, end = file.header[name]['data_offsets']
    old = struct.unpack('<%df' % ((end - start) // 4), file.data[start:end])
    file.data[start:end] = struct.pack('<%df' % len(old), *floats(old))


def seal(file, path):
    """Saves a changed file as one that is whole."""
    file.seal_crc()
    file.seal_sha256()
    return file.save(path)


def make(path, seed, strength=40):
    """A model with random weights, the last layer `strength` times as strong and balanced, so
    that each class is the answer to many of TEXTS."""
    done = cli.run('create', *cli.SIZES, '--padding', 'none', '--seed', str(seed), path)
    assert done.returncode == 0, done.stderr
    file = history.Native(path)
    del file.metadata['golden']
    change(file, 'fc.weight', lambda old: [weight * strength for weight in old])
    told = [answer['probabilities'] for answer in answers(seal(file, path))]
    means = [sum(math.log(one[c]) for one in told) / len(told) for c in range(3)]
    change(file, 'fc.bias', lambda old: [b - mean for b, mean in zip(old, means)])
    return seal(file, path)


def give_labels(source, folder, labels):
    """A folder with the weights of a model and these labels."""
    done = cli.run('convert', source, folder)
    assert done.returncode == 0, done.stderr
    path = os.path.join(folder, 'config.json')
    with open(path, encoding='utf-8') as file:
        config = json.load(file)
    config['labels'] = labels
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(config, file)
    return folder


def answers(model, *arguments, texts=None):
    """The answers of predict to all texts."""
    done = cli.run('predict', '--json', '--model', model, *arguments,
                   stdin='\n'.join(texts or TEXTS) + '\n')
    assert done.returncode == 0, done.stderr
    return cli.json_lines(done.stdout)


def spoil(predictions, share, seed=1):
    """Labels of which a share differs from the predictions, among LABELS."""
    numbers = random.Random(seed)
    return [label if numbers.random() >= share
            else LABELS[(LABELS.index(label) + 1 + numbers.randrange(2)) % 3]
            for label in predictions]


def rows(labels, texts=None):
    """A TSV."""
    return 'text\tlabel\n' + ''.join('%s\t%s\n' % row for row in zip(texts or TEXTS, labels))
