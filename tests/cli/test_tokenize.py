# SPDX-License-Identifier: Apache-2.0
"""sentiment tokenize: ids, the text's own tokens, byte offsets."""
import cli


class Tokenize(cli.Case):
    def tokenize(self, *arguments, **options):
        return cli.json_lines(self.good(self.run_model('tokenize', '--json', *arguments,
                                                       **options)).stdout)

    def test_json(self):
        text = ' WORD_2\t\u00c9t\u00e9 word_59 word_60 '
        answer, = self.tokenize(text)
        self.assertEqual(list(answer), ['ids', 'tokens', 'offsets'])
        self.assertEqual(answer['tokens'], ['WORD_2', '\u00c9t\u00e9', 'word_59', 'word_60'])
        self.assertEqual([i == 0 for i in answer['ids']], [False, True, False, True])
        for token, (start, end) in zip(answer['tokens'], answer['offsets']):
            self.assertEqual(text.encode()[start:end].decode(), token)

    def test_nothing_is_truncated_or_added(self):
        empty, long = self.tokenize('', 'word_1 ' * 2000)
        self.assertEqual(empty, {'ids': [], 'tokens': [], 'offsets': []})
        self.assertEqual(len(long['ids']), 2000)

    def test_person(self):
        done = self.good(self.run_model('tokenize', 'word_1 what'))
        self.assertRegex(done.stdout.decode(), r'^word_1/[1-9]\d* what/0\n$')

    def test_inputs(self):
        answers = self.tokenize(stdin='a b\n\nc\n')
        self.assertEqual([len(a['ids']) for a in answers], [2, 0, 1])
        lines = self.write('x.jsonl', '{"text": "a \\"q\\"\\u0007", "max_length": 1}\n')
        answer, = self.tokenize('--input', lines)
        self.assertEqual(answer['tokens'], ['a', '"q"\x07'])

    def test_bad_utf8(self):
        done = self.run_model('tokenize', '--json', 'a', b'\xc3', 'b')
        self.bad(done, 1, '1 of 3 texts failed')
        self.assertEqual(cli.json_lines(done.stdout)[1]['error']['code'], -7)
        answer, = self.tokenize('--utf8', 'replace', b'a \xc3\xff')
        self.assertEqual((answer['tokens'], answer['offsets']), (['a', '\ufffd\ufffd'],
                                                                 [[0, 1], [2, 4]]))


if __name__ == '__main__':
    cli.main()
