# SPDX-License-Identifier: Apache-2.0
"""The site of docs/: it builds strictly, every link and anchor in it leads somewhere, it
asks no other host for anything, and search works in pages opened from a folder.

Called with the interpreter of build-deploy/site and tests/python; skipped (77) without
that environment, which .ci/deploy.sh makes.
"""
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
# What a browser fetches by itself; links that people follow are `a`.
FETCHED = {'src', 'srcset', 'poster', 'data', 'action', 'formaction', 'background', 'manifest'}
CSS_FETCH = re.compile(r'(?:url\(\s*|@import\s+)["\']?((?:https?:)?//[^"\')\s]+)', re.IGNORECASE)


def build(root, folder):
    """Builds the site of a tree strictly, as `make docs` does."""
    return subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', folder,
         '--config-file', os.path.join(root, 'docs', 'site', 'mkdocs.yml')],
        env=dict(os.environ, NO_MKDOCS_2_WARNING='1', PYTHONDONTWRITEBYTECODE='1'),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)


class Page(html.parser.HTMLParser):
    """Anchors, links and fetched addresses of one page."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.fetched, self.inside = set(), [], [], ''
        self.styles = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.inside = tag
        self.anchors.update(filter(None, [values.get('id'), values.get('name')]))
        if tag == 'a' and values.get('href'):
            self.links.append(values['href'])
        if tag == 'link' and values.get('href') and values.get('rel') not in (
                'canonical', 'next', 'prev'):
            self.fetched.append(values['href'])
        self.fetched += [value for name, value in attrs if name in FETCHED and value]
        self.styles.append(values.get('style') or '')

    def handle_data(self, data):
        if self.inside == 'style':
            self.styles.append(data)


def foreign(address):
    """Whether an address is another host's."""
    parts = urllib.parse.urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ('', 'data')


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = os.path.join(scratch.name, 'site')
        done = build(ROOT, cls.folder)
        assert done.returncode == 0, done.stdout
        cls.pages = {}
        for folder, _, names in os.walk(cls.folder):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith('.html'):
                    with open(path, encoding='utf-8') as stream:
                        cls.pages[os.path.relpath(path, cls.folder)] = Page(stream.read())

    def test_every_document_has_its_page(self):
        for name in os.listdir(os.path.join(ROOT, 'docs')):
            if name.endswith('.md') and name != 'README.md':
                page = name[:-3] + '.html'
                self.assertIn(page, self.pages)
                self.assertIn(page, self.pages['index.html'].links, 'not in the navigation')

    def test_links(self):
        """The page of a link is there, and the place in it."""
        checked = 0
        for name, page in self.pages.items():
            if name == '404.html':  # its links begin with the root of a web server
                continue
            for link in page.links:
                if foreign(link):
                    continue
                path, _, anchor = urllib.parse.unquote(link).partition('#')
                target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else (
                    name)
                self.assertTrue(os.path.isfile(os.path.join(self.folder, target)),
                                '%s: %s leads nowhere' % (name, link))
                if anchor and target in self.pages:
                    self.assertIn(anchor, self.pages[target].anchors, '%s: %s' % (name, link))
                checked += 1
        self.assertGreater(checked, 1000)

    def test_no_foreign_requests(self):
        for name, page in self.pages.items():
            self.assertEqual([each for each in page.fetched if foreign(each)], [], name)
            self.assertEqual(CSS_FETCH.findall(' '.join(page.styles)), [], name)
        sheets = [os.path.join(folder, name) for folder, _, names in os.walk(self.folder)
                  for name in names if name.endswith('.css')]
        self.assertTrue(sheets)
        for path in sheets:
            with open(path, encoding='utf-8') as stream:
                self.assertEqual(CSS_FETCH.findall(stream.read()), [], path)

    def test_files_outside_of_docs(self):
        """What a document links to is shown, to the letter."""
        with open(os.path.join(ROOT, 'LICENSE'), encoding='utf-8') as stream:
            line = stream.read().strip().split('\n')[0].strip()
        with open(os.path.join(self.folder, 'tree', 'LICENSE.html'), encoding='utf-8') as stream:
            self.assertIn(line, stream.read())
        self.assertIn('tree/include/sentiment/sentiment.h.html', self.pages['c-api.html'].links)

    def test_search(self):
        """The index has the documents and not the sources; a browser finds in it."""
        with open(os.path.join(self.folder, 'search', 'search_index.json'),
                  encoding='utf-8') as stream:
            places = {entry['location'].partition('#')[0] for entry in json.load(stream)['docs']}
        self.assertIn('serving.html', places)
        self.assertNotIn('tree/include/sentiment/sentiment.h.html', places)
        browser = shutil.which('chromium')
        if not browser:
            print('no chromium here: not searched')
            return
        with tempfile.TemporaryDirectory() as profile:
            done = subprocess.run(
                [browser, '--headless', '--no-sandbox', '--disable-gpu',
                 '--user-data-dir=' + profile, '--virtual-time-budget=20000', '--dump-dom',
                 'file://%s/index.html?q=canary' % self.folder], stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, universal_newlines=True, timeout=120, check=False)
        self.assertRegex(done.stdout, r'serving\.html\?h=canary')


class Strict(unittest.TestCase):
    """What is wrong with a document fails the build."""

    MISTAKES = (('docs/models.md', '\n[x](no-such.md)\n', "'no-such.md'"),
                ('docs/models.md', '\n[x](../no-such.c)\n', "'../no-such.c'"),
                ('docs/models.md', '\n[x](serving.md#no-such)\n', "'#no-such'"),
                ('CONTRIBUTING.md', '\n[x](docs/no-such.md)\n', "'docs/no-such.md'"),
                ('docs/extra.md', '# Not in the navigation\n', 'extra.md'))

    def test_mistakes(self):
        with tempfile.TemporaryDirectory() as folder:
            root = os.path.join(folder, 'tree')
            shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(
                'build*', '.git', 'target', '*.so', '__pycache__'))
            for path, text, _ in self.MISTAKES:
                with open(os.path.join(root, path), 'a', encoding='utf-8') as stream:
                    stream.write(text)
            done = build(root, os.path.join(folder, 'site'))
        self.assertEqual(done.returncode, 1, done.stdout)
        for _, text, says in self.MISTAKES:
            self.assertIn(says, done.stdout, text)
        self.assertIn('Aborted with %d warnings' % len(self.MISTAKES), done.stdout)


if __name__ == '__main__':
    if os.environ.get('CI') == 'true' and not os.path.exists(sys.argv[1]):
        sys.exit('no %s: .ci/deploy.sh makes it' % sys.argv[1])
    sys.path.insert(0, sys.argv[2])
    from venv import require
    require(sys.argv)
    unittest.main(argv=sys.argv[:1])
