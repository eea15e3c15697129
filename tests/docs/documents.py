# SPDX-License-Identifier: Apache-2.0
"""The code blocks of the documents, and the comments that mark them.

A comment on the line before a block says what the tests do with it:

  <!-- file: NAME -->       the block is the file NAME of the reader's folder
  <!-- run -->              shell: the commands are run, in the order of the text
  <!-- run: MODEL -->       ... where there is a bundled model
  <!-- run: TORCH -->       ... where there is the plugin for libtorch
  <!-- deploy -->           shell: run by the test of that deployment, in tests/deploy/

Other marks belong to the tests of deploy/, which find their blocks by them.

In a `console` block, lines that begin with "$ " are commands and the others
are their output, to the letter; in an `sh` block all lines are commands.
"""
import os
import re

BLOCK = re.compile(r'(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>[a-z]+)\n(?P<text>.*?)^```$',
                   re.MULTILINE | re.DOTALL)


class Block:
    """One fenced block: where it stands, its language, marks and text."""

    def __init__(self, document, found, line):
        self.document, self.line = document, line
        self.language, self.text = found['language'], found['text']
        self.mark = found['mark'] or ''
        key, _, value = self.mark.partition(':')
        self.file = value.strip() if key == 'file' else None
        self.run = key == 'run'
        self.needs = value.strip() if self.run else ''
        self.deploy = key == 'deploy'
        self.span = found.span('text')

    def __str__(self):
        return '%s:%d' % (self.document, self.line)

    def commands(self):
        """Pairs of command and expected output (None: any)."""
        if self.language == 'sh':
            return [(self.text, None)]
        parts = re.split(r'^\$ ', self.text, flags=re.MULTILINE)[1:]
        return [tuple(part.split('\n', 1)) for part in parts]


def names(root):
    """The documents with programs, README first."""
    docs = sorted(name for name in os.listdir(os.path.join(root, 'docs')) if name.endswith('.md'))
    return ['README.md'] + [os.path.join('docs', name) for name in docs]


def blocks(root, name):
    """Every fenced block of a document."""
    with open(os.path.join(root, name), encoding='utf-8') as stream:
        text = stream.read()
    return [Block(name, found, text.count('\n', 0, found.start('text')))
            for found in BLOCK.finditer(text)]
