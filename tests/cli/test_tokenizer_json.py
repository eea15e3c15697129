# SPDX-License-Identifier: Apache-2.0
"""Models with a tokenizer.json: shown, converted, truncating, refused."""
import json
import os
import shutil

import cli

GOLDEN = os.path.join(cli.SOURCE, 'tests', 'golden', 'tokenizer_json')
TEXT = 'I love good na\u00efve caf\u00e9s, <mask>it\'s unbelievably good!'


class TokenizerJson(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.roberta = cls.make('roberta', 343)
        cls.bpe = cls.make('bpe', 400)

    @classmethod
    def make(cls, name, rows):
        folder = cls.path(name)
        done = cli.run('create', '--vocab-size', str(rows), '--embedding-dim', '4',
                       '--hidden-size', '5', '--num-classes', '2', '--padding', 'none', folder)
        assert done.returncode == 0, done.stderr
        shutil.copyfile(os.path.join(GOLDEN, name + '.json'),
                        os.path.join(folder, 'tokenizer.json'))
        # The golden vectors were made with another tokenizer.
        config = os.path.join(folder, 'config.json')
        with open(config, encoding='utf-8') as file:
            given = json.load(file)
        del given['libsentiment']
        with open(config, 'w', encoding='utf-8') as file:
            json.dump(given, file)
        return folder

    def read(self, *path):
        with open(os.path.join(*path), 'rb') as file:
            return file.read()

    def lines(self, subcommand, model, *arguments):
        done = self.good(cli.run(subcommand, '--json', '--model', model, *arguments))
        return cli.json_lines(done.stdout)

    def test_tokens_are_words_of_the_vocabulary(self):
        words = {i: word for word, i in json.loads(self.read(self.bpe, 'tokenizer.json'))
                 ['model']['vocab'].items()}
        answer, = self.lines('tokenize', self.bpe, TEXT)
        self.assertEqual(answer['tokens'], [words[i] for i in answer['ids']])
        self.assertIn('\u0120', ''.join(answer['tokens']))
        for start, end in answer['offsets']:
            self.assertTrue(TEXT.encode()[start:end].decode())
        self.assertEqual((answer['offsets'][0][0], answer['offsets'][-1][1]),
                         (0, len(TEXT.encode())))

    def test_golden_answers(self):
        for name, folder in (('bpe', self.bpe), ('roberta', self.roberta)):
            for line in self.read(GOLDEN, name + '.txt').decode().split('\n')[:20]:
                text, expected = line.split(' = ')
                if not text:
                    continue
                answer, = self.lines('tokenize', folder, '--input', self.write(
                    'line.jsonl', json.dumps({'text': bytes.fromhex(text).decode()})))
                found = ['%d,%d,%d' % (i, *place) for i, place in
                         zip(answer['ids'], answer['offsets'])]
                self.assertEqual(found, expected.split())

    def test_every_format_keeps_it(self):
        expected = self.lines('predict', self.roberta, '--input', self.write('t.txt', TEXT))
        tokens = self.lines('tokenize', self.roberta, TEXT)
        native, onnx, folder = (self.path(name) for name in ('r.safetensors', 'r.onnx', 'again'))
        for source, target in ((self.roberta, native), (native, onnx), (onnx, folder)):
            unchecked = ['--no-check'] if target == onnx else []
            self.good(cli.run('convert', *unchecked, source, target))
            self.assertEqual(self.lines('tokenize', target, TEXT), tokens)
            found, = self.lines('predict', target, '--input', self.path('t.txt'))
            self.assertAlmostEqual(found['confidence'], expected[0]['confidence'], delta=1e-6)
            info, = self.lines('info', target)
            self.assertEqual((info['tokenizer'], info['tokenizer_ignored']),
                             ('huggingface', 'decoder, post_processor'))
        self.assertEqual(sorted(os.listdir(folder)),
                         ['config.json', 'model.pth', 'tokenizer.json'])
        self.assertEqual(self.read(folder, 'tokenizer.json'),
                         self.read(self.roberta, 'tokenizer.json'))

    def test_info_for_a_person(self):
        shown = self.good(cli.run('info', '--model', self.roberta)).stdout.decode()
        self.assertRegex(shown, r'(?m)^tokenizer +huggingface$')
        self.assertRegex(shown, r'(?m)^tokenizer ignores +decoder, post_processor$')
        shown = self.good(cli.run('info', '--model', self.bpe)).stdout.decode()
        self.assertNotIn('ignores', shown)

    def test_truncation_from_the_left(self):
        """The tokenizer's own 5 tokens, or fewer if asked for, and the last ones."""
        tokens, = self.lines('tokenize', self.roberta, TEXT)
        self.assertGreater(len(tokens['ids']), 10)
        for asked, used in (([], 5), (['--max-length', '500'], 5), (['--max-length', '3'], 3)):
            answer, = self.lines('predict', self.roberta, '--explain', *asked, TEXT)
            self.assertEqual(answer['tokens'], len(tokens['ids']))
            self.assertEqual(answer['flags'], ['truncated'])
            places = [[part['start'], part['end']] for part in answer['contributions']]
            self.assertEqual(places, tokens['offsets'][-used:])
            rest = [sum(part['logits'][c] for part in answer['contributions']) + answer['bias'][c]
                    for c in range(2)]
            self.assertEqual(rest.index(max(rest)), answer['prediction'])

    def test_unknown_tokens_are_counted(self):
        folder = self.make('cased', 300)
        answer, = self.lines('predict', folder, 'good \u4e00\u4e01 \u4e02')
        self.assertEqual(answer['unknown'], 3)
        answer, = self.lines('predict', folder, '\u4e00')
        self.assertEqual(answer['flags'], ['all_unknown'])

    def test_config_and_files_must_agree(self):
        folder = self.path('contradicts')
        shutil.copytree(self.bpe, folder)
        config = os.path.join(folder, 'config.json')
        given = json.loads(self.read(config))
        for kind in ('words', 'whitespace'):
            with open(config, 'w', encoding='utf-8') as file:
                json.dump({**given, 'tokenizer': kind}, file)
            self.bad(cli.run('info', '--model', folder), 1,
                     'config.json: tokenizer is "%s", but there is a tokenizer.json' % kind)
        with open(config, 'w', encoding='utf-8') as file:
            json.dump({**given, 'tokenizer': 'huggingface'}, file)
        self.good(cli.run('info', '--model', folder))
        other = self.path('other')
        self.good(cli.run('create', *cli.SIZES, other))
        given = json.loads(self.read(other, 'config.json'))
        with open(os.path.join(other, 'config.json'), 'w', encoding='utf-8') as file:
            json.dump({**given, 'tokenizer': 'huggingface'}, file)
        self.bad(cli.run('info', '--model', other), 1,
                 'config.json: tokenizer is "huggingface", but there is no tokenizer.json')

    def test_refusals_name_file_and_place(self):
        folder = self.path('refused')
        shutil.copytree(self.bpe, folder)
        given = json.loads(self.read(folder, 'tokenizer.json'))
        for part, value, says in (
                ('model', {'type': 'Unigram'}, "model 'Unigram' is not supported; expected "
                                               'WordLevel, WordPiece or BPE'),
                ('pre_tokenizer', {'type': 'Split'}, "pre_tokenizer 'Split' is not supported"),
                ('version', '3.0', "version '3.0' is not supported")):
            with open(os.path.join(folder, 'tokenizer.json'), 'w', encoding='utf-8') as file:
                json.dump({**given, part: value}, file)
            self.bad(cli.run('info', '--model', folder), 1,
                     '%s: tokenizer.json: %s' % (folder, says))
        small = self.path('small')
        self.good(cli.run('create', *cli.SIZES, small))
        shutil.copyfile(os.path.join(GOLDEN, 'bpe.json'), os.path.join(small, 'tokenizer.json'))
        self.bad(cli.run('info', '--model', small), 1,
                 'tokenizer.json: model.vocab has 400 words, but the embedding has 60 rows')

    def test_training_makes_none(self):
        self.bad(cli.run('train', '--tokenizer', 'huggingface', '--train', 'x', '--dev', 'y',
                         '--output', 'z'), 2, "'huggingface' is not one of whitespace, words")


if __name__ == '__main__':
    cli.main()
