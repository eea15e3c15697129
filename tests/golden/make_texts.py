# SPDX-License-Identifier: Apache-2.0
"""make_texts.py CHECK_TEXTS MODEL COMMAND: writes texts.tsv, the golden texts.

CHECK_TEXTS is the built tests/golden/check_texts, MODEL the bundled model, COMMAND the
built `sentiment`: where it has libtorch, the answers in fp32 are held against that
engine's before they are written. Run it when the bundled model changes.

Columns: name; precision (fp32, int8); utf8 (strict, replace); max_length (0: the
model's); repeat; text (hexadecimal bytes; the text is these, `repeat` times); then the
answer: status; prediction; confidence; flags; tokens; unknown; error_offset (- where
there is none); probabilities; logits. Floats are the eight hexadecimal digits of their
IEEE 754 single, lists have commas. Of a failure only status and error_offset mean
something.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

HEADER = ('name precision utf8 max_length repeat text status prediction confidence flags tokens '
          'unknown error_offset probabilities logits').split()
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'texts.tsv')

# name: (text, how often, max_length)
TEXTS = {
    'plain': ('I love this product!', 1, 0),
    'negated': ('The film was not good, not good at all.', 1, 0),
    'capitals': ('ABSOLUTELY WONDERFUL. Best PURCHASE ever', 1, 0),
    'empty': ('', 1, 0),
    'spaces': (' \t\n \u00a0\u3000\u2028 ', 1, 0),
    'punctuation': ('?!... --- ((()))', 1, 0),
    'unknown': ('xqzt vrrrk plmfff', 1, 0),
    'lines': ('first line\nsecond line\r\nthird\tcolumn', 1, 0),
    'quotes': ('"it\'s" \u2018fine\u2019 \u201creally\u201d \\ / {"text": "x"}', 1, 0),
    'nul inside': ('good\0bad', 1, 0),
    'nul alone': ('\0', 1, 0),
    'controls': ('a\x01b \x7f\x1b[31mred\x1b[0m', 1, 0),
    'composed': ('caf\u00e9 na\u00efve \u00c5ngstr\u00f6m', 1, 0),
    'decomposed': ('cafe\u0301 nai\u0308ve A\u030angstro\u0308m', 1, 0),
    'special casing': ('\u0130stanbul STRASSE stra\u00dfe \u03a3\u03a3 \u1e9e \ufb01ne', 1, 0),
    'emoji': ('great \U0001f600\U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467', 1,
              0),
    'chinese': ('\u8fd9\u4e2a\u4ea7\u54c1\u5f88\u597d\uff01', 1, 0),
    'arabic': ('\u0647\u0630\u0627 \u0645\u0646\u062a\u062c \u0631\u0627\u0626\u0639', 1, 0),
    'hindi': ('\u092f\u0939 \u0905\u091a\u094d\u091b\u093e \u0939\u0948', 1, 0),
    'invisible': ('a\u200bb\ufeffc\u00add\u2060e', 1, 0),
    'edges of unicode': ('\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff', 1, 0),
    'cut to three tokens': ('good good good bad bad bad bad', 1, 3),
    'one token': ('terrible', 1, 1),
    'long': ('The room was lovely, but the staff was rude. ', 2300, 0),
    'long, all of it': ('Not bad at all. ', 500, 65536),
    'long word': ('abcdefghij', 10000, 0),
    'long unicode': ('tr\u00e8s bien \u597d ', 6000, 0),
}
BAD = {
    'continuation alone': b'good \x80 bad',
    'overlong': b'\xc0\xaf and more',
    'surrogate': b'x \xed\xa0\x80 y',
    'above unicode': b'good \xf4\x90\x80\x80',
    'never a byte': b'\xff\xfe',
    'cut at the end': b'love \xe2\x82',
    'cut in the middle': b'lo\xe2\x82ve \xf0\x9f\x98 it',
    'after a nul': b'good\0\x80',
}


def questions():
    """The rows without answers."""
    for precision in ('fp32', 'int8'):
        for name, (text, repeat, max_length) in TEXTS.items():
            yield [name, precision, 'strict', max_length, repeat, text.encode().hex()]
        for name, data in BAD.items():
            for utf8 in ('strict', 'replace'):
                yield [name, precision, utf8, 0, 1, data.hex()]


def compare_with_torch(rows, model, command):
    """The largest difference of a probability from libtorch's; texts that are UTF-8."""
    rows = [row for row in rows if row['precision'] == 'fp32' and row['utf8'] == 'strict'
            and row['status'] == '0']
    lines = ''.join(json.dumps({'text': bytes.fromhex(row['text']).decode() * int(row['repeat']),
                                **({'max_length': int(row['max_length'])}
                                   if row['max_length'] != '0' else {})}) + '\n' for row in rows)
    done = subprocess.run([command, 'predict', '--model', model, '--engine', 'torch', '--json',
                           '--input', '-', '--input-format', 'jsonl'], input=lines.encode(),
                          stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit('no libtorch here to compare with')
    worst = 0.0
    for row, line in zip(rows, done.stdout.splitlines()):
        theirs = json.loads(line)['probabilities']
        ours = [struct.unpack('>f', bytes.fromhex(each))[0]
                for each in row['probabilities'].split(',')]
        worst = max([worst, *(abs(a - b) for a, b in zip(ours, theirs))])
    return worst


def main(check, model, command):
    """See above."""
    table = '\n'.join('\t'.join(map(str, row)) for row in [HEADER, *questions()]) + '\n'
    with tempfile.NamedTemporaryFile('w', suffix='.tsv') as file:
        file.write(table)
        file.flush()
        answered = subprocess.run([check, model, file.name, 'write'], stdout=subprocess.PIPE,
                                  check=True, universal_newlines=True).stdout
    lines = answered.rstrip('\n').split('\n')
    rows = [dict(zip(HEADER, line.split('\t'))) for line in lines[1:]]
    worst = compare_with_torch(rows, model, command)
    if worst > 1e-6:
        sys.exit('a probability differs by %g from that of libtorch' % worst)
    with open(TABLE, 'w', encoding='ascii') as file:
        file.write(answered)
    print('%d texts; probabilities within %.1g of libtorch' % (len(rows), worst))


if __name__ == '__main__':
    main(*sys.argv[1:4])
