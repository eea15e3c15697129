# SPDX-License-Identifier: Apache-2.0
"""The page of sentiment compare: valid, without requests, escaped, readable without eyes,
and there whole or not at all."""
import os
import re
import stat
import sys
import unittest

import cli
import labelled

try:
    import html5lib
except ImportError:
    html5lib = None

EVIL = '<script>alert(1)</script>&amp;"\'<img src=https://example.org/x.png>\u202e \u0001\ufffe'


def text_of(element):
    return ''.join(element.itertext())


class Page(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        one = labelled.make(cls.path('one.safetensors'), 7)
        other = labelled.make(cls.path('other.safetensors'), 3)
        names = ['<b>bad</b> & "sad"', 'neutral', 'x' * 200]
        cls.a = labelled.give_labels(one, cls.path('a&<b>'), names)
        cls.b = labelled.give_labels(other, cls.path('b'), names)
        cls.rows = cls.write('t"<i>.tsv', labelled.rows(
            [str(i % 3) for i in range(400)], [text + ' ' + EVIL for text in labelled.TEXTS]))

    def page(self, *arguments, status=0):
        path = self.path('page.html')
        done = cli.run('compare', self.a, self.b, '--test', self.rows, '--seconds', '0.01',
                       '--html', path, *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        with open(path, encoding='utf-8') as file:
            return file.read()

    def parse(self, page):
        """As strictly as the standard has it: the first error fails."""
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False,
                                     tree=html5lib.getTreeBuilder('etree'))
        return parser.parse(page)

    def test_asks_for_nothing(self):
        page = self.page('--all-disagreements')
        self.assertTrue("content=\"default-src 'none'; style-src 'unsafe-inline'\"" in page)
        for wrong in (r'(?i)<(script|link|img|image|use|iframe|object|embed|base|form)\b',
                      r'(?i)<[^>]*\s((xlink:)?href|src|srcset|action|style|on[a-z]+)\s*=',
                      r'(?i)url\(|@import', '[\x00-\x08\x0b-\x1f\x7f\ufffe]'):
            self.assertIsNone(re.search(wrong, page), wrong)

    def test_text_is_escaped(self):
        page = self.page('--all-disagreements')
        for escaped in ('&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&quot;&#39;',
                        '&lt;b&gt;bad&lt;/b&gt; &amp; &quot;sad&quot;'):
            self.assertTrue(escaped in page, escaped)

    @unittest.skipUnless(html5lib, 'no html5lib')
    def test_is_valid(self):
        for arguments in ([], ['--disagreements', '0'], ['--all-disagreements'],
                          ['--resamples', '0', '--alpha', '0']):
            root = self.parse(self.page(*arguments))
            names = [element.get('id') for element in root.iter() if element.get('id')]
            self.assertEqual(len(names), len(set(names)))

    @unittest.skipUnless(html5lib, 'no html5lib')
    def test_can_be_read_without_eyes(self):
        root = self.parse(self.page())
        self.assertEqual(root.get('lang'), 'en')
        self.assertEqual([text_of(head) for head in root.iter('h1')], ['Comparison of two models'])
        known = {element.get('id'): text_of(element) for element in root.iter()
                 if element.get('id')}
        plots = [element for element in root.iter() if element.tag.endswith('svg')]
        self.assertEqual(len(plots), 6)
        for plot in plots:
            self.assertEqual(plot.get('role'), 'img')
            self.assertRegex(known[plot.get('aria-labelledby')], r'^[A-Z][a-z]+ of [AB]\. .*\.$')
        for table in root.iter('table'):
            self.assertTrue(text_of(table.find('caption')))
            for cell in table.iter('th'):
                self.assertIn(cell.get('scope'), ('row', 'col'))
        for element in root.iter():
            if element.get('tabindex'):
                self.assertEqual((element.get('role'), bool(element.get('aria-label'))),
                                 ('region', True))

    @unittest.skipUnless(html5lib, 'no html5lib')
    def test_tells_what_the_json_tells(self):
        path = self.path('page.html')
        done = self.good(cli.run('compare', self.a, self.b, '--test', self.rows, '--seconds', '0',
                                 '--json', '--html', path))
        answer, = cli.json_lines(done.stdout)
        with open(path, encoding='utf-8') as file:
            root = self.parse(file.read())
        tables = {text_of(table.find('caption')): table for table in root.iter('table')}
        figures = [[text_of(cell) for cell in row] for row in tables['Figures'].iter('tr')]
        self.assertEqual(figures[1][:3], ['accuracy', '%.4f' % answer['a']['accuracy'],
                                          '%.4f' % answer['b']['accuracy']])
        numbers = [[text_of(cell) for cell in row] for row in tables['Confusion of B'].iter('tr')]
        self.assertEqual(numbers[0][1:], answer['labels'])
        self.assertEqual([list(map(int, row[1:])) for row in numbers[1:]],
                         answer['b']['confusion'])
        bins = list(tables['Reliability of A'].iter('tr'))[1:]
        self.assertEqual([int(text_of(row[1])) for row in bins],
                         [one['count'] for one in answer['a']['calibration']['bins']])

    def test_gates_are_told(self):
        for arguments, status, says in (([], 0, 'No gate was asked for.'),
                                        (['--max-accuracy-drop', '1'], 0, 'B keeps to all gates.'),
                                        (['--max-slowdown', '0'], 1, 'B fails a gate.')):
            self.assertTrue(says in self.page(*arguments, status=status), says)

    def test_many_classes(self):
        many = self.path('many.safetensors')
        self.good(cli.run('create', *cli.SIZES[:-1], '40', many))
        path = self.path('many.html')
        self.good(cli.run('compare', many, many, '--test', self.rows, '--seconds', '0', '--html',
                          path))
        with open(path, encoding='utf-8') as file:
            page = file.read()
        self.assertTrue('Not drawn: more than 12 classes.' in page)
        if html5lib:
            self.parse(page)

    def test_file(self):
        """Whole or not at all, and no device becomes a file."""
        compare = ['compare', self.a, self.b, '--test', self.rows, '--seconds', '0', '--html']
        before = set(os.listdir(self.folder.name))
        self.bad(cli.run(*compare, self.path('no/page.html')), 1, 'cannot be written')
        self.bad(cli.run(*compare, self.folder.name), 1, 'cannot be written')
        self.assertEqual(self.bad(cli.run(*compare, ''), 1, 'cannot be written').stdout, b'')
        self.good(cli.run(*compare, '/dev/null'))
        self.assertTrue(stat.S_ISCHR(os.stat('/dev/null').st_mode))
        if os.path.exists('/dev/full'):
            self.bad(cli.run(*compare, '/dev/full'), 1, '/dev/full: cannot be written: ')
        kept = self.write('kept.html', 'kept')
        self.bad(cli.run(*compare, kept, '--test', self.path('none.tsv')), 1, 'none.tsv')
        with open(kept, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'kept')
        self.assertEqual(set(os.listdir(self.folder.name)), before | {'kept.html'})


if __name__ == '__main__':
    if not html5lib and os.environ.get('CI') == 'true':
        sys.exit('html5lib, Debian\'s python3-html5lib, is missing')
    cli.main()
