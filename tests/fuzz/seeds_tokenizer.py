# SPDX-License-Identifier: Apache-2.0
"""Seeds of make_corpus.py: tokenizer.json files, small and hostile.

Behind a NUL stands a text that they are tried on.
"""
import json

ADDED = {'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False,
         'special': True}
BERT = {'type': 'BertNormalizer', 'clean_text': True, 'handle_chinese_chars': True,
        'strip_accents': None, 'lowercase': True}
BYTES = {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': True}


def added(number, content, **how):
    """An added token."""
    return {'id': number, 'content': content, **ADDED, **how}


def vocab(*words):
    """Words with the ids 0, 1, ..."""
    return {word: number for number, word in enumerate(words)}


def tokenizer(model, **parts):
    """A whole file."""
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [],
            'normalizer': None, 'pre_tokenizer': {'type': 'Whitespace'}, 'post_processor': None,
            'decoder': None, **parts, 'model': model}


LEVEL = {'type': 'WordLevel', 'vocab': vocab('[UNK]', 'a', 'hello', 'world', ',', '!'),
         'unk_token': '[UNK]'}
PIECE = {'type': 'WordPiece', 'unk_token': '[UNK]', 'continuing_subword_prefix': '##',
         'max_input_chars_per_word': 100,
         'vocab': vocab('[UNK]', '[CLS]', 'a', 'hel', '##lo', '##l', '##o', 'h', '##e', 'naive',
                        ',', "'", 's', '\u4f60', '##\u4f60')}
LETTERS = list('abcdehlorstw') + ['\u0120', '\u010a', '\u00c3', '\u00a9', '!', "'"]
MERGES = [['h', 'e'], ['l', 'l'], ['he', 'll'], ['hell', 'o'], ['\u0120', 'w'], ['o', 'r'],
          ['\u0120w', 'or'], ['\u00c3', '\u00a9']]
PAIRS = {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None,
         'end_of_word_suffix': None, 'fuse_unk': False, 'byte_fallback': False,
         'vocab': vocab(*LETTERS, *[a + b for a, b in MERGES]), 'merges': MERGES}
SUFFIX = {**PAIRS, 'end_of_word_suffix': '</w>', 'unk_token': '<unk>', 'fuse_unk': True,
          'vocab': vocab('<unk>', 'a', 'b', 'a</w>', 'b</w>', 'ab</w>', 'aa', 'aab</w>'),
          'merges': ['a b</w>', 'a a', 'aa b</w>']}
FALLBACK = {**PAIRS, 'byte_fallback': True, 'unk_token': '<unk>',
            'vocab': vocab('<unk>', 'a', *[f'<0x{i:02X}>' for i in range(0x80, 0xFF)]),
            'merges': []}


def good_files():
    """Files that load."""
    yield 'level', tokenizer(LEVEL, normalizer={'type': 'Lowercase'})
    yield 'piece', tokenizer(PIECE, normalizer=BERT, pre_tokenizer={'type': 'BertPreTokenizer'},
                             added_tokens=[added(0, '[UNK]'), added(1, '[CLS]'),
                                           added(15, '[MASK]', lstrip=True)])
    yield 'pairs', tokenizer(PAIRS, pre_tokenizer=BYTES, post_processor=BYTES, decoder=BYTES,
                             added_tokens=[added(26, '<s>'), added(27, ' x ', normalized=True)])
    yield 'prefix-space', tokenizer(PAIRS, pre_tokenizer={**BYTES, 'add_prefix_space': True},
                                    post_processor={'type': 'RobertaProcessing', 'sep': ['a', 0],
                                                    'cls': ['b', 1], 'trim_offsets': True,
                                                    'add_prefix_space': True})
    yield 'no-regex', tokenizer(PAIRS, pre_tokenizer={**BYTES, 'use_regex': False})
    yield 'suffix', tokenizer(SUFFIX, pre_tokenizer={'type': 'WhitespaceSplit'})
    yield 'fallback', tokenizer(FALLBACK, pre_tokenizer=None)
    yield 'ignore-merges', tokenizer({**PAIRS, 'ignore_merges': True}, pre_tokenizer=BYTES)
    for form in ('NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents'):
        yield 'form-' + form, tokenizer(LEVEL, normalizer={'type': form})
    yield 'sequence', tokenizer(
        LEVEL, normalizer={'type': 'Sequence', 'normalizers': [
            {'type': 'NFD'}, {'type': 'Lowercase'}, {'type': 'StripAccents'}]},
        pre_tokenizer={'type': 'Sequence', 'pretokenizers': [
            {'type': 'WhitespaceSplit'}, {'type': 'Punctuation', 'behavior': 'Contiguous'}]})
    for behaviour in ('Isolated', 'Removed', 'MergedWithPrevious', 'MergedWithNext'):
        yield 'punctuation-' + behaviour, tokenizer(
            LEVEL, pre_tokenizer={'type': 'Punctuation', 'behavior': behaviour})
    for side in ('Left', 'Right'):
        yield 'truncation-' + side, tokenizer(LEVEL, truncation={
            'direction': side, 'max_length': 2, 'strategy': 'LongestFirst', 'stride': 0})
    yield 'old', {'model': {'vocab': LEVEL['vocab'], 'unk_token': '[UNK]'}}
    yield 'nul', tokenizer(LEVEL, added_tokens=[added(6, '\u0000x'), added(7, 'A', normalized=True),
                                                added(8, 'b', single_word=True, rstrip=True)])
    yield 'nested-added', tokenizer(LEVEL, added_tokens=[
        added(6 + i, 'a' * (i + 2), normalized=i % 2 == 0, lstrip=i % 3 == 0, rstrip=i % 3 == 1)
        for i in range(8)])


def bad_files():
    """Files that contradict themselves, or ask for what is not there."""
    yield 'empty', {}
    yield 'version', {**tokenizer(LEVEL), 'version': '9.9'}
    yield 'unknown-key', {**tokenizer(LEVEL), 'x': 1}
    for kind in ('Unigram', 'X', 'WordLevel\n\u0007', 'M' * 300, '\u00e9' * 60):
        yield 'model-' + str(len(kind)), tokenizer({'type': kind, 'vocab': {}})
    for kind in ('Precompiled', 'Replace', 'Prepend', 'Strip'):
        yield 'normalizer-' + kind, tokenizer(LEVEL, normalizer={'type': kind, 'content': 'x'})
    for kind in ('Metaspace', 'Split', 'Digits', 'UnicodeScripts'):
        yield 'splitter-' + kind, tokenizer(LEVEL, pre_tokenizer={'type': kind})
    deep = {'type': 'Lowercase'}
    for _ in range(12):
        deep = {'type': 'Sequence', 'normalizers': [deep]}
    yield 'deep', tokenizer(LEVEL, normalizer=deep)
    yield 'many-steps', tokenizer(LEVEL, normalizer={
        'type': 'Sequence', 'normalizers': [{'type': 'NFC'}] * 40})
    for name, words in (('negative', {'a': -1}), ('real', {'a': 1.5}), ('huge', {'a': 2 ** 40}),
                        ('same', {'a': 0, 'b': 0}), ('text', {'a': 'b'}), ('none', {})):
        yield 'ids-' + name, tokenizer({**LEVEL, 'vocab': {'[UNK]': 1, **words}})
    yield 'no-unknown', tokenizer({**LEVEL, 'unk_token': 'nope'})
    for name, merges in (('missing', [['a', 'zz']]), ('result', [['a', 'b']]), ('one', ['a']),
                         ('three', [['h', 'e', 'l']]), ('mixed', [['h', 'e'], 'l l']),
                         ('number', [[1, 2]]), ('spaces', ['h  e']), ('object', {}),
                         ('twice', MERGES + MERGES[:2])):
        yield 'merges-' + name, tokenizer({**PAIRS, 'merges': merges})
    # a + b gives ab, which is a again under another name: merges that feed each other.
    yield 'merges-cycle', tokenizer({**PAIRS, 'vocab': vocab('a', 'aa', 'aaa', 'aaaa'),
                                     'merges': [['aa', 'aa'], ['a', 'a'], ['aaa', 'a'],
                                                ['a', 'aaa'], ['aa', 'a'], ['a', 'aa']]},
                                    pre_tokenizer=None)
    yield 'long-affixes', tokenizer({**SUFFIX, 'continuing_subword_prefix': 'p' * 300,
                                     'end_of_word_suffix': 's' * 300})
    yield 'empty-word', tokenizer({**PAIRS, 'vocab': {**PAIRS['vocab'], '': 26},
                                   'merges': [['', 'h'], ['h', '']]})
    yield 'piece-empty', tokenizer({**PIECE, 'continuing_subword_prefix': '',
                                    'max_input_chars_per_word': 0})
    yield 'piece-endless', tokenizer({**PIECE, 'max_input_chars_per_word': 2 ** 62, 'vocab': vocab(
        '[UNK]', 'a', '##a', 'a' * 200, '##' + 'a' * 200)})
    for name, token in (('id', added(99, 'x')), ('empty', added(6, '')), ('key', {'id': 6}),
                        ('own', added(2, 'hello')), ('number', 5), ('other', added(3, 'hello'))):
        yield 'added-' + name, tokenizer(LEVEL, added_tokens=[token])
    yield 'added-twice', tokenizer(LEVEL, added_tokens=[added(6, 'x'), added(7, 'x')])
    yield 'added-same', tokenizer(LEVEL, normalizer={'type': 'Lowercase'}, added_tokens=[
        added(6, 'X', normalized=True), added(7, 'x', normalized=True)])
    for length, stride in ((0, 0), (1, 1), (-1, 0), (2 ** 62, 0), (3, -1)):
        yield f'truncation-{length}-{stride}', tokenizer(LEVEL, truncation={
            'max_length': length, 'strategy': 'LongestFirst', 'stride': stride})
    yield 'dropout', tokenizer({**PAIRS, 'dropout': 0.5})
    yield 'trim-twice', tokenizer(PAIRS, pre_tokenizer=BYTES, post_processor={
        'type': 'Sequence', 'processors': [BYTES, BYTES]})


TEXTS = ('Hello, world! naïve hello', 'aab aab', ' hello  world é\n',
         "it's 10 o'clock [MASK] <s> x ",
         'aaaaaaaaaaaaaaaaaaaa', '你好 ÀÉ ﬁ Å e\u0301', 'a\u0000xA b')


def files():
    """Name and bytes of all of them."""
    for prefix, source in (('', good_files), ('bad-', bad_files)):
        for number, (name, value) in enumerate(source()):
            text = json.dumps(value, ensure_ascii=number % 2 == 0, separators=(',', ':'))
            yield prefix + name, text.encode() + b'\0' + TEXTS[number % len(TEXTS)].encode()
    plain = json.dumps(tokenizer(LEVEL))
    yield 'bad-duplicate', plain.replace('"hello": 2', '"hello": 2, "hello": 3').encode()
    yield 'bad-tail', (plain + 'x').encode()
    yield 'bad-surrogate', plain.replace('hello', '\\ud800').encode()
