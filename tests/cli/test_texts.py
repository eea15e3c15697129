# SPDX-License-Identifier: Apache-2.0
"""The golden texts of tests/golden/texts.tsv, through the command: to the bit what
the library and every binding answer."""
import collections
import json
import os
import struct
import unittest

import cli

TABLE = os.path.join(cli.SOURCE, 'tests', 'golden', 'texts.tsv')
FLAGS = ['empty', 'truncated', 'all_unknown']


def rows():
    """The rows of the table, by column; the text in full."""
    with open(TABLE, encoding='ascii') as file:
        header, *lines = file.read().rstrip('\n').split('\n')
    for line in lines:
        row = dict(zip(header.split('\t'), line.split('\t')))
        row['text'] = bytes.fromhex(row['text']) * int(row['repeat'])
        yield row


def bits(value):
    """A float as the table has it."""
    return struct.pack('>f', value).hex()


def is_utf8(data):
    """Whether a JSON string can carry it."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def request(group):
    """The input that holds these texts, and its format."""
    if all(is_utf8(row['text']) for row in group):
        lines = [json.dumps({'text': row['text'].decode(),
                             **({'max_length': int(row['max_length'])}
                                if row['max_length'] != '0' else {})}) for row in group]
        return 'jsonl', ''.join(line + '\n' for line in lines).encode()
    return 'lines', b''.join(row['text'] + b'\n' for row in group)


@unittest.skipUnless(os.path.exists(cli.BUNDLED), 'no bundled model in this build')
class Texts(cli.Case):
    def compare(self, row, answer):
        if row['status'] != '0':
            self.assertEqual(answer['error'], {
                'code': int(row['status']),
                'message': 'invalid UTF-8 at byte ' + row['error_offset']}, row['name'])
            return
        flags = [name for bit, name in enumerate(FLAGS) if int(row['flags']) >> bit & 1]
        self.assertEqual(
            [answer['prediction'], bits(answer['confidence']), answer['flags'], answer['tokens'],
             answer['unknown'], ','.join(map(bits, answer['probabilities']))],
            [int(row['prediction']), row['confidence'], flags, int(row['tokens']),
             int(row['unknown']), row['probabilities']], (row['name'], row['precision']))

    def test_same_bits(self):
        groups = collections.defaultdict(list)
        for row in rows():
            groups[row['precision'], row['utf8'], is_utf8(row['text'])].append(row)
        self.assertEqual(len(groups), 6)
        for (precision, utf8, _), group in groups.items():
            form, data = request(group)
            done = cli.run('predict', '--json', '--model', cli.BUNDLED, '--precision', precision,
                           '--utf8', utf8, '--input', '-', '--input-format', form, stdin=data)
            failures = any(row['status'] != '0' for row in group)
            self.assertEqual(done.returncode, 1 if failures else 0, done.stderr)
            answers = cli.json_lines(done.stdout)
            self.assertEqual(len(answers), len(group))
            for row, answer in zip(group, answers):
                self.compare(row, answer)


if __name__ == '__main__':
    cli.main()
