# SPDX-License-Identifier: Apache-2.0
"""make_texts.py FOLDER: small sets of labelled texts, to try the pipeline with.

Writes train.tsv, dev.tsv and test.tsv, which share no text, into FOLDER. The texts are
put together from parts, always the same ones; a model learns them in seconds, and nothing
else. Put texts of your own in their place.
"""
import itertools
import os
import random
import sys

THINGS = ['film', 'book', 'phone', 'hotel', 'meal', 'game', 'song', 'jacket', 'train', 'lamp']
OPENINGS = ['the {} is {}', 'I found the {} {}', 'a {}, and it was {}', 'our {} turned out {}',
            'this {} looks {} to me', 'they say the {} is {}']
WORDS = {'negative': ['awful', 'boring', 'broken', 'not good', 'a bad joke', 'never great'],
         'neutral': ['blue', 'new', 'on time', 'from Italy', 'as described', 'two years old'],
         'positive': ['great', 'lovely', 'perfect', 'not bad at all', 'good', 'a real joy']}
SHARES = {'train': 0.7, 'dev': 0.15, 'test': 0.15}


def main(folder):
    """Shuffles all texts and deals them out."""
    rows = [(opening.format(thing, word), label) for label in WORDS
            for opening, thing, word in itertools.product(OPENINGS, THINGS, WORDS[label])]
    random.Random(1).shuffle(rows)
    os.makedirs(folder, exist_ok=True)
    start = 0
    for name, share in SHARES.items():
        end = start + round(share * len(rows))
        with open(os.path.join(folder, name + '.tsv'), 'w', encoding='utf-8') as file:
            file.write('text\tlabel\n')
            file.writelines('%s\t%s\n' % row for row in rows[start:end])
        start = end


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__.split('\n', maxsplit=1)[0])
    main(sys.argv[1])
