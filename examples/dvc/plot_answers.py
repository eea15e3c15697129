# SPDX-License-Identifier: Apache-2.0
"""plot_answers.py TSV ANSWERS FOLDER: what `dvc plots` draws.

TSV has the columns text and label; ANSWERS has what `sentiment predict --json` said of
them, a line each. Writes confusion.csv, a row for each text with its two labels, and
confidence.csv, how many answers were right for each tenth of confidence, into FOLDER.
"""
import csv
import json
import os
import sys


def read_labels(path):
    """The column `label`; no quoting, as in the command."""
    with open(path, encoding='utf-8', newline='\n') as file:
        lines = file.read().rstrip('\n').split('\n')
    names = lines[0].split('\t')
    if 'label' not in names:
        raise ValueError('%s: expected a column `label`, found %s' % (path, ', '.join(names)))
    return [line.split('\t')[names.index('label')] for line in lines[1:]]


def read_answers(path):
    """Pairs of label and confidence."""
    with open(path, encoding='utf-8') as file:
        answers = [json.loads(line) for line in file]
    for number, answer in enumerate(answers, 1):
        if 'label' not in answer:
            raise ValueError('%s:%d: no answer: %s'
                             % (path, number, answer.get('error', {}).get('message')))
    return [(answer['label'], answer['confidence']) for answer in answers]


def by_confidence(labels, answers):
    """Rows of (mean confidence, share of right answers, answers) for each tenth."""
    tenths = {}
    for actual, (label, confidence) in zip(labels, answers):
        tenths.setdefault(min(int(confidence * 10), 9), []).append((confidence, label == actual))
    return [['%.4f' % (sum(each[0] for each in found) / len(found)),
             '%.4f' % (sum(each[1] for each in found) / len(found)), len(found)]
            for _, found in sorted(tenths.items())]


def write(folder, name, header, rows):
    """One CSV file."""
    with open(os.path.join(folder, name), 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)


def main(texts, answered, folder):
    """See above."""
    labels, answers = read_labels(texts), read_answers(answered)
    if len(labels) != len(answers):
        raise ValueError('%s has %d texts, %s has %d answers'
                         % (texts, len(labels), answered, len(answers)))
    os.makedirs(folder, exist_ok=True)
    write(folder, 'confusion.csv', ['actual', 'predicted'],
          [[actual, label] for actual, (label, _) in zip(labels, answers)])
    write(folder, 'confidence.csv', ['confidence', 'accuracy', 'answers'],
          by_confidence(labels, answers))


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__.split('\n', maxsplit=1)[0])
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as problem:
        sys.exit('plot_answers: %s' % problem)
