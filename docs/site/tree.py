# SPDX-License-Identifier: Apache-2.0
"""Hooks of mkdocs: what the documents link to outside of docs/ is on the site too.

Links are written for a viewer of the repository: `../include/sentiment/sentiment.h`. Each
file of the tree that a page links to becomes a page below tree/, sources with colours, a
folder as a list; links are turned to these pages. So the site needs no repository beside
it. A link to nothing stays as it is, and mkdocs complains of it.
"""
import os
import re

from mkdocs.structure.files import File
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINK = re.compile(r'(\]\()([^)\s#]+)')
FENCE = re.compile(r'^(```|~~~)')
# What the tests read, see tests/docs/documents.py.
MARK = re.compile(r'^<!-- [^\n]* -->\n(?=```)', re.MULTILINE)
FOREIGN = re.compile(r'^[a-z]+:|^/')


def read(path):
    """The text of a file of the tree."""
    with open(os.path.join(ROOT, path), encoding='utf-8') as stream:
        return stream.read()


def page_of(path):
    """Where something of the tree is on the site, as mkdocs names sources; None if nowhere."""
    full = os.path.join(ROOT, path)
    inside = os.path.relpath(path, 'docs')
    if path.startswith('docs/') and os.path.isfile(full) and (
            inside.startswith('images/') or '/' not in inside):
        return inside
    if os.path.isdir(full):
        readme = os.path.join(path, 'README.md')
        return page_of(readme) if os.path.exists(os.path.join(ROOT, readme)) else (
            'tree/%s/index.md' % path)
    if os.path.isfile(full):
        return 'tree/' + path + ('' if path.endswith('.md') else '.md')
    return None


def links(path, text):
    """Files and folders of the tree that a document links to, outside of code."""
    fenced = False
    for line in text.split('\n'):
        fenced ^= bool(FENCE.match(line))
        for _, link in [] if fenced else LINK.findall(line):
            if not FOREIGN.match(link):
                yield os.path.normpath(os.path.join(os.path.dirname(path), link))


def turn(path, text):
    """A document of the tree with its links turned to pages of the site."""
    here = os.path.dirname(page_of(path))

    def turned(found):
        link = os.path.normpath(os.path.join(os.path.dirname(path), found[2]))
        page = None if FOREIGN.match(found[2]) else page_of(link)
        return found[1] + (os.path.relpath(page, here) if page else found[2])

    parts = re.split(r'(^```.*?^```$)', MARK.sub('', text), flags=re.MULTILINE | re.DOTALL)
    return ''.join(part if part.startswith('```') else LINK.sub(turned, part) for part in parts)


def language(path):
    """What Pygments calls the language of a file."""
    try:
        return get_lexer_for_filename(os.path.basename(path)).aliases[0]
    except ClassNotFound:
        return 'text'


def source_page(path):
    """A page that shows a file, or lists a folder; search looks past it."""
    full = os.path.join(ROOT, path)
    if os.path.isdir(full):
        names = sorted(name + '/' * os.path.isdir(os.path.join(full, name))
                       for name in os.listdir(full) if not name.startswith(('.', '__')))
        body = '\n'.join('- `%s`' % name for name in names)
    else:
        body = '~~~~~~~~ %s\n%s~~~~~~~~' % (language(path), read(path))
    return '---\nsearch: {exclude: true}\n---\n# %s\n\n%s\n' % (path, body)


def reached(paths):
    """Documents, and all that they link to, however far."""
    found, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.endswith('.md'):
            waiting += [link for link in links(path, read(path)) if page_of(link)]
    return found


def on_files(files, *, config):
    """Adds the pages below tree/."""
    for path in sorted(reached('docs/' + file.src_uri for file in files.documentation_pages())):
        page = page_of(path)
        if page.startswith('tree/') and page not in files.src_uris:
            markdown = path.endswith('.md')
            text = turn(path, read(path)) if markdown else source_page(path)
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, *, page, **_):
    """Turns the links of the pages of docs/; those below tree/ are turned already."""
    if page.file.src_uri.startswith('tree/'):
        return markdown
    return turn('docs/' + page.file.src_uri, markdown)
