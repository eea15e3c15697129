# SPDX-License-Identifier: Apache-2.0
"""Texts from files and pipes: formats, gzip, bad lines, size, order, reruns."""
import gzip
import json
import os
import pty
import subprocess

import cli


class Inputs(cli.Case):
    def answers(self, *arguments, status=0, **options):
        done = self.run_model('predict', '--json', *arguments, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        return cli.json_lines(done.stdout)

    def tokens(self, *arguments, **options):
        return [answer.get('tokens', 'error') for answer in self.answers(*arguments, **options)]

    def test_lines(self):
        self.assertEqual(self.tokens(stdin=''), [])
        self.assertEqual(self.tokens(stdin='\n'), [0])
        self.assertEqual(self.tokens(stdin='a\n\nb c'), [1, 0, 2])
        self.assertEqual(self.tokens(stdin='a b\r\nc\x0bd\u2028e\n'), [2, 3])
        self.assertEqual(self.tokens('--input', '-', stdin='a\n'), [1])
        self.assertEqual(self.tokens('--input', self.write('x.txt', 'a b\n\n')), [2, 0])
        self.assertEqual(self.tokens(stdin=b'a\x00b c\n'), [2])

    def test_no_time_so_reruns_are_identical(self):
        file = self.write('reruns.txt', ''.join('word_%d x\n' % (i % 70) for i in range(3000)))
        first = self.run_model('predict', '--json', '--input', file)
        self.assertNotIn(b'processing_time', first.stdout)
        self.assertEqual(len(cli.json_lines(first.stdout)), 3000)
        for arguments in (['--input', file], ['--input', file, '--threads', '2']):
            self.assertEqual(self.run_model('predict', '--json', *arguments).stdout, first.stdout)
        with open(file, 'rb') as stream:
            piped = self.run_model('predict', '--json', stdin=stream.read())
        self.assertEqual(piped.stdout, first.stdout)

    def test_jsonl(self):
        lines = [{'text': 'a b c'}, {'text': 'a b c', 'max_length': 2, 'id': 7},
                 {'text': 'a\u0000b \ud83d\ude00'}, {'text': '', 'max_length': 65536},
                 {'text': 'a', 'max_length': None}]
        file = self.write('good.jsonl', ''.join(json.dumps(line) + '\n' for line in lines))
        answers = self.answers('--input', file)
        self.assertEqual([a['tokens'] for a in answers], [3, 3, 2, 0, 1])
        self.assertIn('truncated', answers[1]['flags'])

    def test_bad_json_lines_keep_their_place(self):
        bad = [(b'nope', -1), (b'', -1), (b'[]', -1), (b'"text"', -1), (b'{}', -1),
               (b'{"text": 3}', -1), (b'{"text": null}', -1), (b'{"text": "a"', -1),
               (b'{"text": "a"} x', -1), (b'{"text": "\\ud800"}', None), (b'{"text": "\xff"}', -7),
               (b'{"text": "a", "max_length": 0}', -1), (b'{"text": "a", "max_length": -1}', -1),
               (b'{"text": "a", "max_length": 65537}', -1),
               (b'{"text": "a", "max_length": 1.5}', -1),
               (b'{"text": "a", "max_length": "5"}', -1),
               (b'{"text": "a", "max_length": true}', -1),
               (b'{"text": "a", "text": "b"}', -1), (b'{"id": 1, "text": "a", "id": 2}', -1),
               (b'[' * 100000, -1)]
        lines = b''.join(b'{"text": "word_1"}\n' + line + b'\n' for line, _ in bad)
        done = self.run_model('predict', '--json', '--input', self.write('bad.jsonl', lines))
        self.bad(done, 1, '%d of %d texts failed; the first, number 2: ' % (len(bad), 2 * len(bad)))
        answers = cli.json_lines(done.stdout)
        self.assertEqual(len(answers), 2 * len(bad))
        for good in answers[::2]:
            self.assertEqual(good, answers[0])
        for answer, (line, code) in zip(answers[1::2], bad):
            self.assertEqual(list(answer), ['error'], line)
            self.assertEqual(list(answer['error']), ['code', 'message'])
            self.assertTrue(answer['error']['message'])
            if code is not None:
                self.assertEqual(answer['error']['code'], code, line)

    def test_tsv(self):
        rows = 'id\ttext\tlabel\n1\ta b\tx\n2\t"a\ty\n3\t\tz\n'
        self.assertEqual(self.tokens('--input', self.write('a.tsv', rows)), [2, 1, 0])
        one = self.write('one.tsv', 'text\na b\r\n\nc')
        self.assertEqual(self.tokens('--input', one), [2, 0, 1])
        self.assertEqual(self.tokens('--input-format', 'tsv', stdin='text\tn\na\t1\n\nb\n'),
                         [1, 0, 1])
        short = self.write('short.tsv', 'id\ttext\n1\n2\ta\n3\ta\tb\n')
        self.assertEqual(self.tokens('--input', short, status=1), ['error', 1, 'error'])

    def test_tsv_headers(self):
        for content, says in (('', 'empty file'), ('a\tb\n', "no column 'text'"),
                              ('Text\nx\n', "no column 'text'"), ('a' * 5000 + '\n', '4096')):
            file = self.write('header.tsv', content)
            done = self.bad(self.run_model('predict', '--json', '--input', file), 1, says)
            self.assertEqual(done.stdout, b'')

    def test_format_by_name_and_by_option(self):
        line = '{"text": "a b c"}\n'
        self.assertEqual(self.tokens('--input', self.write('f.jsonl', line)), [3])
        self.assertEqual(self.tokens('--input', self.write('f.txt', line)), [4])
        self.assertEqual(self.tokens('--input', self.path('f.txt'), '--input-format', 'jsonl'), [3])
        self.assertEqual(self.tokens('--input', self.path('f.jsonl'), '--input-format', 'lines'),
                         [4])

    def test_gzip_by_content(self):
        text = ''.join('word_%d b\n' % (i % 60) for i in range(4000))
        expected = self.answers(stdin=text)
        for name in ('t.txt.gz', 't.txt'):
            file = self.write(name, gzip.compress(text.encode()))
            self.assertEqual(self.answers('--input', file), expected)
        self.assertEqual(self.answers(stdin=gzip.compress(text.encode())), expected)
        half = len(text) // 2
        parts = gzip.compress(text[:half].encode()) + gzip.compress(text[half:].encode())
        self.assertEqual(self.answers(stdin=parts), expected)
        lines = gzip.compress(b'{"text": "a b"}\n')
        self.assertEqual(self.tokens('--input', self.write('l.jsonl.gz', lines)), [2])
        rows = gzip.compress(b'text\na b c\n')
        self.assertEqual(self.tokens('--input', self.write('l.tsv.gz', rows)), [3])
        self.assertEqual(self.tokens(stdin=gzip.compress(b'')), [])

    def test_damaged_gzip(self):
        packed = gzip.compress(os.urandom(3000).hex().encode() + b'\n')
        for content, says in ((packed[:-9], 'ends too early'), (packed[:12], 'ends too early'),
                              (b'\x1f\x8b' + b'x' * 50, 'bad gzip data'),
                              (packed[:-8] + b'\0' * 8, 'incorrect data check'),
                              (packed + b'tail', 'bad gzip data')):
            done = self.run_model('predict', '--json', '--input', self.write('d.gz', content))
            self.bad(done, 1, says)
        # The first byte of the magic alone is a text (of white space).
        self.assertEqual(self.tokens(stdin=b'\x1f'), [0])

    def test_records_before_a_failure_are_answered(self):
        packed = gzip.compress(b'word_1\n' * 5000, 0)
        done = self.run_model('predict', '--json', stdin=packed[:-20])
        self.bad(done, 1, 'ends too early')
        self.assertGreater(len(cli.json_lines(done.stdout)), 4000)

    def test_files_that_cannot_be_read(self):
        self.bad(self.run_model('predict', '--input', self.path('none')), 1, 'No such file')
        self.bad(self.run_model('predict', '--input', self.folder.name), 1, 'directory')

    def test_bad_utf8_line(self):
        answers = self.answers(status=1, stdin=b'a\nb\xff\nc\n')
        self.assertEqual(answers[1]['error']['code'], -7)
        self.assertEqual([answers[0]['tokens'], answers[2]['tokens']], [1, 1])
        self.assertEqual(self.tokens('--utf8', 'replace', stdin=b'a\nb\xff\nc\n'), [1, 1, 1])

    def test_huge_lines(self):
        line = b'word_1 ' * 600000
        self.assertEqual(self.tokens('--max-length', '5', stdin=line + b'\nx\n' + line),
                         [600000, 1, 600000])

    def test_chunk_borders(self):
        for count in (1023, 1024, 1025, 2048, 2049):
            self.assertEqual(self.tokens(stdin='a\n' * count), [1] * count)
        wide = ('a' * 700000 + ' b\n') * 4
        self.assertEqual(self.tokens(stdin=wide), [2] * 4)

    def test_answers_come_while_the_pipe_is_open(self):
        process = subprocess.Popen([*cli.COMMAND, 'predict', '--json', '--model', self.model],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for line in (b'\n', b'word_1\n', b'word_2 x\n'):
            process.stdin.write(line)
            process.stdin.flush()
            self.assertIn('label', json.loads(process.stdout.readline()))
        rest, _ = process.communicate(timeout=60)
        self.assertEqual((rest, process.returncode), (b'', 0))


class Progress(cli.Case):
    def stderr_on_a_terminal(self, *arguments):
        here, there = pty.openpty()
        done = subprocess.run([*cli.COMMAND, *arguments, '--model', self.model], stderr=there,
                              stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        os.write(there, b'$')  # marks the end, so that reading never waits
        text = b''
        while not text.endswith(b'$'):
            text += os.read(here, 65536)
        os.close(here)
        os.close(there)
        self.assertEqual(done.returncode, 0, text)
        return text

    def test_progress_on_a_terminal_only(self):
        file = self.write('progress.txt', 'word_1\n' * 1500)
        text = self.stderr_on_a_terminal('predict', '--input', file)
        self.assertRegex(text, rb'\r1024 texts  \d+/s  100%  \d\d:\d\d left')
        self.assertTrue(text.endswith(b'\r\x1b[K$'))
        self.assertEqual(self.good(self.run_model('predict', '--input', file)).stderr, b'')
        self.assertEqual(self.stderr_on_a_terminal('predict', 'word_1'), b'$')


class Memory(cli.Case):
    def peak_memory(self, command, count):
        file = self.write('%d.txt' % count, b'word_1 and some more\n' * count)
        process = subprocess.Popen([cli.TOOL, command, '--model', self.model, '--input', file],
                                   stdout=subprocess.DEVNULL,
                                   env=dict(os.environ, ASAN_OPTIONS='quarantine_size_mb=1'))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        self.assertEqual(status, 0)
        return usage.ru_maxrss

    def test_memory_does_not_grow_with_the_file(self):
        # The second file is 2 MB longer; buffers are bounded by a chunk.
        for command in ('tokenize', 'predict'):
            with self.subTest(command=command):
                self.assertLess(self.peak_memory(command, 100000) - self.peak_memory(command, 9000),
                                1500)


if __name__ == '__main__':
    cli.main()
