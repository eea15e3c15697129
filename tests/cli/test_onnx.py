# SPDX-License-Identifier: Apache-2.0
"""convert to and from ONNX: operator sets, the checker's verdict, round trips. The
second argument is a checker's plugin that finds every file bad."""
import json
import os
import shutil
import unittest

import cli


TOKENIZER = {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [],
             'normalizer': {'type': 'Lowercase'}, 'pre_tokenizer': {'type': 'WhitespaceSplit'},
             'post_processor': None, 'decoder': None,
             'model': {'type': 'WordLevel', 'unk_token': '[UNK]',
                       'vocab': {'[UNK]': 0, 'word_1': 7, 'word_2': 3, '\u00e9\n\U0001f600': 4}}}


def parts(folder):
    """Names and bytes of a folder's files."""
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), 'rb') as file:
            found[name] = file.read()
    return found


class Onnx(cli.Case):
    def convert(self, source, target, *arguments):
        """A note says where the checker is missing or too old; nothing else may."""
        done = cli.run('convert', source, target, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in done.stderr.decode().splitlines():
            self.assertRegex(line, '^sentiment: note: .*: written without a check: ')
        return target

    def read(self, path):
        with open(path, 'rb') as file:
            return file.read()

    def predict(self, path):
        done = cli.run('predict', '--json', '--model', path, stdin='word_1 word_2\nx\n\n')
        return self.good(done).stdout

    def test_there_and_back(self):
        """Guide folder, native file, ONNX, native file, guide folder."""
        for shape in ([], ['--num-layers', '2'], ['--bidirectional'],
                      ['--num-layers', '2', '--bidirectional', '--padding', 'none']):
            for hidden in ('1', '51', '256'):
                with self.subTest(shape=shape, hidden=hidden):
                    first = self.path('first')
                    shutil.rmtree(first, ignore_errors=True)
                    self.good(cli.run('create', '--vocab-size', '9', '--embedding-dim', '5',
                                      '--hidden-size', hidden, '--num-classes', '3', *shape,
                                      first))
                    last = self.path('last')
                    shutil.rmtree(last, ignore_errors=True)
                    native = self.convert(first, self.path('a.safetensors'))
                    graph = self.convert(native, self.path('m.onnx'), '--no-check')
                    again = self.convert(graph, self.path('b.safetensors'))
                    self.convert(again, last)
                    answers = self.predict(first)
                    for path in (native, graph, again, last):
                        self.assertEqual(self.predict(path), answers)
                    before, after = parts(first), parts(last)
                    for name in ('model.pth', 'tokenizer.pkl'):
                        self.assertEqual(before[name], after[name], name)

    def test_operator_sets(self):
        files = set()
        for opset in range(11, 21):
            path = self.convert(self.model, self.path('o%d.onnx' % opset), '--opset', str(opset))
            self.assertEqual(self.predict(path), self.predict(self.model))
            files.add(self.read(path))
        self.assertEqual(len(files), 10)
        for bad in ('10', '21', 'x', '-1'):
            self.bad(cli.run('convert', self.model, self.path('x.onnx'), '--opset', bad), 2,
                     'opset')
        for option in (['--opset', '12'], ['--no-check']):
            self.bad(cli.run('convert', self.model, self.path('x.safetensors'), *option), 2,
                     'go with a DST ending in .onnx')
        self.assertFalse(os.path.exists(self.path('x.onnx')))
        self.assertFalse(os.path.exists(self.path('x.safetensors')))

    def test_info(self):
        path = self.convert(self.model, self.path('info.onnx'))
        done = self.good(cli.run('info', '--json', '--model', path))
        info = cli.json_lines(done.stdout)[0]
        self.assertEqual(info['format'], 'onnx')
        self.assertEqual(info['metadata']['format'], 'libsentiment')
        self.assertNotIn('vocabulary', info['metadata'])
        self.assertIn('"convert"', info['metadata']['lineage'])

    def test_verify(self):
        path = self.convert(self.model, self.path('verify.onnx'))
        done = cli.run('verify', '--json', path)
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        answer = cli.json_lines(done.stdout)[0]
        self.assertIs(answer['ok'], True)
        digest = next(check for check in answer['checks'] if check['name'] == 'digest')
        self.assertIn('that the file states', digest['detail'])

    def test_the_checkers_verdict(self):
        """A file that the checker refuses is not written; what was there stays."""
        folder = self.path('plugins')
        os.mkdir(folder)
        os.symlink(cli.EXTRA[0], os.path.join(folder, 'libsentiment-onnx.so'))
        dislikes = {'SENTIMENT_PLUGIN_PATH': folder}
        target = self.write('refused.onnx', b'precious')
        done = cli.run('convert', self.model, target, env=dislikes)
        self.bad(done, 1, 'refused.onnx: not written: fake checker dislikes')
        self.assertEqual(self.read(target), b'precious')
        self.assertEqual([name for name in os.listdir(self.folder.name) if 'refused' in name],
                         ['refused.onnx'])
        self.good(cli.run('convert', self.model, target, '--no-check', env=dislikes))
        self.assertEqual(self.predict(target), self.predict(self.model))

    def test_a_foreign_graph_needs_a_tokenizer(self):
        source = os.path.join(cli.SOURCE, 'tests', 'golden', 'onnx')
        graph = self.path('foreign.onnx')
        shutil.copy(os.path.join(source, '1.13-17-2b.onnx'), graph)
        self.bad(cli.run('info', '--model', graph), 1, 'neither tokenizer.json nor tokenizer.pkl')
        shutil.copy(os.path.join(source, 'tokenizer.pkl'), self.path('tokenizer.pkl'))
        native = self.convert(graph, self.path('foreign.safetensors'))
        self.assertEqual(self.predict(native), self.predict(graph))
        # Other people may mean anything by the keys of our metadata, here field 14 of ModelProto.
        with open(graph, 'ab') as file:
            for key in (b'golden', b'lineage'):
                entry = b'\x0a%c%s\x12\x04mine' % (len(key), key)
                file.write(b'\x72%c%s' % (len(entry), entry))
        again = self.convert(graph, self.path('again.safetensors'))
        self.assertEqual(self.predict(again), self.predict(native))
        self.write('config.json', '{"model_params": {"vocab_size": 8, "embedding_dim": 3, '
                                  '"hidden_size": 4, "num_classes": 2}}')
        self.bad(cli.run('info', '--model', graph), 1, 'vocab_size is 8')

    def test_tokenizer_json(self):
        """Its text travels as it is."""
        folder, last = self.path('pieces'), self.path('pieces-again')
        self.convert(self.model, folder)
        os.remove(os.path.join(folder, 'tokenizer.pkl'))
        config = json.loads(parts(folder)['config.json'])
        del config['libsentiment']  # the other tokenizer's golden vectors
        self.write('pieces/config.json', json.dumps(config))
        text = json.dumps(TOKENIZER, indent=1, ensure_ascii=False).encode()
        self.write('pieces/tokenizer.json', text)
        graph = self.convert(folder, self.path('pieces.onnx'))
        self.assertEqual(self.predict(graph), self.predict(folder))
        self.assertNotEqual(self.predict(graph), self.predict(self.model))
        self.convert(graph, last)
        self.assertEqual(parts(last)['tokenizer.json'], text)
        self.assertEqual(parts(last)['model.pth'], parts(folder)['model.pth'])

    def test_failures(self):
        for arguments in ([], ['--no-check']):
            target = self.path('no/such/m.onnx')
            self.bad(cli.run('convert', self.model, target, *arguments), 1,
                     'sentiment: ' + target + ': cannot write')
        cut = self.write('cut.onnx', self.read(self.convert(self.model, self.path('w.onnx')))[:-1])
        self.bad(cli.run('convert', cut, self.path('cut.safetensors')), 1, 'cut.onnx')
        small = self.path('int8.safetensors')
        self.assertEqual(cli.run('optimize', self.model, small).returncode, 0)
        target = self.path('int8.onnx')
        self.bad(cli.run('convert', small, target), 1, 'sentiment: ' + target + ': int8')
        self.assertEqual([name for name in os.listdir(self.folder.name) if 'int8.onnx' in name], [])


if __name__ == '__main__':
    cli.main()
