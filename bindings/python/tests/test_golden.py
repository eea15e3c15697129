# SPDX-License-Identifier: Apache-2.0
"""The golden texts: the same answers as in C and everywhere else, to the bit."""
import collections
import struct
import unittest

import sentiment

import support


def bits(values):
    """Floats as they are written there."""
    return ','.join('%08x' % struct.unpack('<I', struct.pack('<f', each)) for each in values)


def rows():
    """The lines of the file."""
    with open(support.GOLDEN, encoding='ascii') as file:
        names = next(file).rstrip('\n').split('\t')
        for line in file:
            yield dict(zip(names, line.rstrip('\n').split('\t')))


class GoldenTest(support.Case):
    """Every line, alone and in a batch."""

    def setUp(self):
        self.models = {}

    def model(self, row):
        """A model with the options of a line."""
        key = row['precision'], row['utf8']
        if key not in self.models:
            self.models[key] = self.load(precision=key[0], errors=key[1])
        return self.models[key]

    def compare(self, row, result):
        """An answer with its line."""
        if int(row['status']):
            self.assertEqual(int(result.error.code), int(row['status']))
            told = '-' if result.error.offset is None else str(result.error.offset)
            self.assertEqual(told, row['error_offset'])
            return
        self.assertIsNone(result.error)
        flags = sum(sentiment.Flag[each.upper()] for each in result.flags)
        self.assertEqual(
            (str(result.prediction), bits([result.confidence]), str(int(flags)),
             str(result.tokens), str(result.unknown), bits(result.probabilities),
             bits(result.logits)),
            (row['prediction'], row['confidence'], row['flags'], row['tokens'], row['unknown'],
             row['probabilities'], row['logits']))

    def test_single(self):
        """predict."""
        for row in rows():
            text = bytes.fromhex(row['text']) * int(row['repeat'])
            with self.subTest(row['name']):
                try:
                    result = self.model(row).predict(text, int(row['max_length']))
                except sentiment.SentimentError as problem:
                    result = sentiment.FailedResult(problem)
                self.compare(row, result)

    def test_batch(self):
        """predict_batch, the texts of a model at once."""
        groups = collections.defaultdict(list)
        for row in rows():
            groups[row['precision'], row['utf8']].append(row)
        self.assertGreater(len(groups), 2)
        for group in groups.values():
            texts = [bytes.fromhex(row['text']) * int(row['repeat']) for row in group]
            limits = [int(row['max_length']) for row in group]
            batch = self.model(group[0]).predict_batch(texts, limits)
            self.assertEqual(len(batch), len(group))
            for row, result in zip(group, batch):
                with self.subTest(row['name']):
                    self.compare(row, result)

    def test_str(self):
        """Texts that are UTF-8 answer the same as str."""
        for row in rows():
            text = bytes.fromhex(row['text']) * int(row['repeat'])
            try:
                word = text.decode('utf-8')
            except UnicodeDecodeError:
                continue
            if int(row['status']) == 0:
                self.compare(row, self.model(row).predict(word, int(row['max_length'])))


if __name__ == '__main__':
    unittest.main()
