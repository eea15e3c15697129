#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes invalid/tokenizer_json/: files that must be refused, and why.

    make_invalid_tokenizer_json.py [FOLDER]

messages.txt has a line for each file: its name, a space, the whole message.
Only the standard library is needed; the same files come out each time.
"""
import copy
import json
import pathlib
import sys

WORDS = {'type': 'WordLevel', 'vocab': {'[UNK]': 0, 'a': 1, 'b': 2}, 'unk_token': '[UNK]'}
PIECES = {'type': 'WordPiece', 'vocab': {'[UNK]': 0, 'a': 1, '##b': 2}, 'unk_token': '[UNK]',
          'continuing_subword_prefix': '##', 'max_input_chars_per_word': 100}
PAIRS = {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None,
         'end_of_word_suffix': None, 'fuse_unk': False, 'byte_fallback': False,
         'ignore_merges': False, 'vocab': {'a': 0, 'b': 1, 'ab': 2}, 'merges': [['a', 'b']]}
WHOLE = {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [],
         'normalizer': None, 'pre_tokenizer': None, 'post_processor': None, 'decoder': None,
         'model': WORDS}
TOKEN = {'id': 3, 'content': '<s>', 'single_word': False, 'lstrip': False, 'rstrip': False,
         'normalized': False, 'special': True}
CUT = {'direction': 'Right', 'max_length': 5, 'strategy': 'LongestFirst', 'stride': 0}
BERT = {'type': 'BertNormalizer', 'clean_text': True, 'handle_chinese_chars': True,
        'strip_accents': None, 'lowercase': True}
ROBERTA = {'type': 'RobertaProcessing', 'sep': ['b', 2], 'cls': ['a', 1], 'trim_offsets': True,
           'add_prefix_space': False}
BYTES = {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True}
GONE = object()


def with_parts(base, **parts):
    made = {**copy.deepcopy(base), **parts}
    return {key: value for key, value in made.items() if value is not GONE}


def whole(**parts):
    return with_parts(WHOLE, **parts)


def model(base, **parts):
    return whole(model=with_parts(base, **parts))


def added(*tokens, **parts):
    return whole(added_tokens=[with_parts(TOKEN, **token) for token in tokens], **parts)


def sequences(depth):
    made = {'type': 'NFC'}
    for _ in range(depth):
        made = {'type': 'Sequence', 'normalizers': [made]}
    return made


NORMALIZERS = ('expected BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, StripAccents, or '
               'Sequence')
SPLITTERS = 'expected BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, ByteLevel, ' \
    'or Sequence'
PROCESSORS = 'expected BertProcessing, ByteLevel, RobertaProcessing, TemplateProcessing or one ' \
    'Sequence of them'
UNIGRAM = {'type': 'Unigram', 'unk_id': 0, 'vocab': [['<unk>', 0.0]], 'byte_fallback': False}
METASPACE = {'type': 'Metaspace', 'replacement': '_', 'prepend_scheme': 'always', 'split': True}
REPLACE = {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '_'}
ONE_ID = {'vocab': {'[UNK]': 0, 'a': 1, 'b': 1}}
CYCLE = {'vocab': {'a': 0, 'b': 1, 'ab': 2}, 'merges': [['a', 'b'], ['ab', 'a'], ['b', 'ab']]}
TWO_DAYS = [{'content': 'Day', 'normalized': True}, {'content': 'day', 'id': 4, 'normalized': True}]

# name: (content, message without "tokenizer.json: ")
FILES = {
    # the file
    'empty': ('', "not valid JSON: unexpected token near end of file"),
    'list': ('[]', 'expected a JSON object'),
    'cut-off': ('{"version": "1.0", "model": {',
                'not valid JSON: string or \'}\' expected near end of file'),
    'key-twice': ('{"version": "1.0", "version": "1.0"}',
                  'not valid JSON: duplicate object key near \'"version"\''),
    'nul-in-key': ('{"model": {"vocab": {"a\\u0000": 0}}}',
                   'not valid JSON: NUL byte in object key not supported near \'"a\\u0000"\''),
    'deep': ('{"normalizer": ' + '[' * 3000,
             "not valid JSON: maximum parsing depth reached near '['"),
    'lone-surrogate': ('{"version": "\\ud800"}',
                       'not valid JSON: invalid Unicode \'\\uD800\' near \'"\\ud800"\''),
    'other-version': (whole(version='2.0'), "version '2.0' is not supported; expected 1.0"),
    'version-is-number': (whole(version=1), 'version must be a string'),
    'unknown-key': (whole(extra=1), "the key 'extra' is not supported"),
    'decoder-is-list': (whole(decoder=[]), 'decoder must be an object or null'),
    # truncation
    'truncation-is-number': (whole(truncation=5), 'truncation must be an object or null'),
    'truncation-of-0': (whole(truncation=with_parts(CUT, max_length=0)),
                        'truncation.max_length must be an integer from 1'),
    'truncation-negative': (whole(truncation=with_parts(CUT, max_length=-1)),
                            'truncation.max_length must be an integer from 1'),
    'truncation-real': (whole(truncation=with_parts(CUT, max_length=5.0)),
                        'truncation.max_length must be an integer from 1'),
    'truncation-stride': (whole(truncation=with_parts(CUT, stride=5)),
                          'truncation.stride must be an integer from 0 and below max_length'),
    'truncation-middle': (whole(truncation=with_parts(CUT, direction='Middle')),
                          "truncation.direction 'Middle' is not supported; expected Left or "
                          "Right"),
    'truncation-of-pairs': (whole(truncation=with_parts(CUT, strategy='OnlySecond')),
                            "truncation.strategy 'OnlySecond' is not supported for single texts; "
                            "expected LongestFirst or OnlyFirst"),
    'truncation-without-strategy': (whole(truncation=with_parts(CUT, strategy=GONE)),
                                    'truncation.strategy is missing'),
    'truncation-key': (whole(truncation=with_parts(CUT, side='left')),
                       "truncation: the key 'side' is not supported"),
    # steps
    'normalizer-is-string': (whole(normalizer='NFC'), 'normalizer must be an object'),
    'normalizer-without-type': (whole(normalizer={'lowercase': True}),
                                'normalizer.type is missing or no string'),
    'replace': (whole(normalizer=REPLACE),
                "normalizer 'Replace' is not supported; " + NORMALIZERS),
    'nested-replace': (whole(normalizer={'type': 'Sequence', 'normalizers': [
                           {'type': 'NFC'}, {'type': 'Sequence', 'normalizers': [REPLACE]}]}),
                       "normalizer.normalizers[1].normalizers[0]: normalizer 'Replace' is not "
                       "supported; " + NORMALIZERS),
    'sequence-without-list': (whole(normalizer={'type': 'Sequence'}),
                              'normalizer.normalizers is missing'),
    'sequence-of-object': (whole(normalizer={'type': 'Sequence', 'normalizers': {}}),
                           'normalizer.normalizers must be a list'),
    'sequence-of-number': (whole(normalizer={'type': 'Sequence', 'normalizers': [7]}),
                           'normalizer.normalizers[0] must be an object'),
    'deep-sequences': (whole(normalizer=sequences(9)),
                       'normalizer: Sequences within each other 9 times are not supported'),
    'long-sequence': (whole(normalizer={'type': 'Sequence', 'normalizers': [{'type': 'NFC'}] * 33}),
                      'normalizer.normalizers[32]: more than 32 steps are not supported'),
    'bert-without-lowercase': (whole(normalizer=with_parts(BERT, lowercase=GONE)),
                               'normalizer.lowercase is missing'),
    'bert-accents': (whole(normalizer=with_parts(BERT, strip_accents='yes')),
                     'normalizer.strip_accents must be true or false'),
    'lowercase-key': (whole(normalizer={'type': 'Lowercase', 'locale': 'tr'}),
                      "normalizer: the key 'locale' is not supported"),
    'metaspace': (whole(pre_tokenizer=METASPACE),
                  "pre_tokenizer 'Metaspace' is not supported; " + SPLITTERS),
    'long-splitters': (whole(pre_tokenizer={'type': 'Sequence',
                                            'pretokenizers': [{'type': 'Whitespace'}] * 33}),
                       'pre_tokenizer.pretokenizers[32]: more than 32 steps are not supported'),
    'many-byte-levels': (whole(pre_tokenizer={'type': 'Sequence', 'pretokenizers': [BYTES] * 5}),
                         'pre_tokenizer.pretokenizers[4]: more than 4 times ByteLevel are not '
                         'supported'),
    'byte-level-prefix': (whole(pre_tokenizer={'type': 'ByteLevel', 'add_prefix_space': 1}),
                          'pre_tokenizer.add_prefix_space must be true or false'),
    'punctuation': (whole(pre_tokenizer={'type': 'Punctuation', 'behavior': 'Doubled'}),
                    "pre_tokenizer: behavior 'Doubled' is not supported; expected Isolated, "
                    "Removed, MergedWithPrevious, MergedWithNext or Contiguous"),
    'punctuation-null': (whole(pre_tokenizer={'type': 'Punctuation', 'behavior': None}),
                         'pre_tokenizer.behavior must be a string'),
    'processor-without-type': (whole(post_processor={'sep': ['b', 2], 'cls': ['a', 1]}),
                               'post_processor.type is missing or no string'),
    'processor-unknown': (whole(post_processor={'type': 'Pairs'}),
                          f"post_processor: post-processor 'Pairs' is not supported here; "
                          f'{PROCESSORS}'),
    'processor-of-two-kinds': (whole(post_processor={**ROBERTA, 'type': 'BertProcessing'}),
                               "post_processor: the key 'trim_offsets' is not supported"),
    'processor-without-trim': (whole(post_processor=with_parts(ROBERTA, trim_offsets=GONE)),
                               'post_processor.trim_offsets is missing'),
    'processors-in-processors': (whole(post_processor={'type': 'Sequence', 'processors': [
        {'type': 'Sequence', 'processors': [ROBERTA]}]}),
                                 "post_processor.processors[0]: post-processor 'Sequence' is not "
                                 f'supported here; {PROCESSORS}'),
    'processors-missing': (whole(post_processor={'type': 'Sequence'}),
                           'post_processor.processors is missing'),
    'trimmed-twice': (whole(post_processor={'type': 'Sequence', 'processors': [
                          BYTES, ROBERTA]}),
                      'post_processor.processors[1]: offsets that are trimmed twice are not '
                      'supported'),
    # words
    'no-model': (whole(model=GONE), 'model is missing'),
    'model-is-list': (whole(model=[]), 'model must be an object'),
    'unigram': (whole(model=UNIGRAM),
                "model 'Unigram' is not supported; expected WordLevel, WordPiece or BPE"),
    'model-key': (model(WORDS, extra=1), "model: the key 'extra' is not supported"),
    'no-vocab': (model(WORDS, vocab=GONE), 'model.vocab is missing'),
    'vocab-is-list': (model(WORDS, vocab=['a']),
                      'model.vocab must be an object of words and their ids'),
    'id-is-string': (model(WORDS, vocab={'[UNK]': 0, 'a': '1'}),
                     "model.vocab['a'] must be an integer from 0"),
    'id-is-real': (model(WORDS, vocab={'[UNK]': 0, 'a': 1.0}),
                   "model.vocab['a'] must be an integer from 0"),
    'id-negative': (model(WORDS, vocab={'[UNK]': 0, 'a\t': -1}),
                    "model.vocab['a\\x09'] must be an integer from 0"),
    'id-huge': (model(WORDS, vocab={'[UNK]': 0, 'a': 2 ** 62}),
                "word 'a' has index 4611686018427387904, outside the embedding's 8 rows"),
    'id-outside': (model(WORDS, vocab={'[UNK]': 0, 'a': 8}),
                   "word 'a' has index 8, outside the embedding's 8 rows"),
    'id-twice': (model(WORDS, **ONE_ID), "model.vocab: 'a' and 'b' have the same id 1"),
    'too-many-words': (model(WORDS, vocab={str(i): i for i in range(9)}),
                       'model.vocab has 9 words, but the embedding has 8 rows'),
    'no-unknown': (model(WORDS, unk_token=GONE), 'model.unk_token is missing'),
    'unknown-is-null': (model(WORDS, unk_token=None), 'model.unk_token must be a string'),
    'unknown-is-no-word': (model(WORDS, unk_token='<unk>'),
                           "model.unk_token '<unk>' is not in model.vocab"),
    'unknown-is-added': (added({'content': '<unk>'}, model=with_parts(WORDS, unk_token='<unk>')),
                         "model.unk_token '<unk>' is not in model.vocab"),
    # added tokens
    'added-is-object': (whole(added_tokens={}), 'added_tokens must be a list'),
    'added-is-null': (whole(added_tokens=None), 'added_tokens must be a list'),
    'added-string': (whole(added_tokens=['<s>']), 'added_tokens[0] must be an object'),
    'added-without-flag': (added({'lstrip': GONE}), 'added_tokens[0].lstrip is missing'),
    'added-flag': (added({'special': 1}), 'added_tokens[0].special must be true or false'),
    'added-without-content': (added({'content': GONE}), 'added_tokens[0].content is missing'),
    'added-empty': (added({'content': ''}), 'added_tokens[0].content is empty'),
    'added-key': (added({'style': 1}), "added_tokens[0]: the key 'style' is not supported"),
    'added-id-is-string': (added({'id': '3'}), 'added_tokens[0].id must be an integer from 0'),
    'added-id-negative': (added({'id': -3}), 'added_tokens[0].id must be an integer from 0'),
    'added-id-of-model': (added({'content': 'a'}),
                          "added_tokens[0].id is 3, but 'a' has in model.vocab the id 1"),
    'added-id-skips': (added({}, {'content': 'x', 'id': 5}),
                       "added_tokens[1].id is 5, but 'x' would be given the id 4"),
    'added-id-outside': (added(*({'content': c, 'id': i + 3} for i, c in enumerate('cdefgh'))),
                         "word 'h' has index 8, outside the embedding's 8 rows"),
    'added-id-of-word': (added({}, model=with_parts(WORDS, vocab={'[UNK]': 0, 'a': 1, 'b': 3})),
                         "model.vocab: 'b' and '<s>' have the same id 3"),
    'added-twice': (added({}, {}), "added_tokens[1].content '<s>' is there a second time"),
    'added-word-twice': (added({'content': 'a', 'id': 1}, {'content': 'a', 'id': 1,
                                                           'normalized': True}),
                         "added_tokens[1].content 'a' is there a second time"),
    'added-same-normalized': (added(*TWO_DAYS, normalizer={'type': 'Lowercase'}),
                              'added_tokens[1] is the same as added_tokens[0] once both are '
                              'normalized'),
    'added-normalized-away': (added({'content': '\u2060', 'normalized': True}, normalizer=BERT),
                              'added_tokens[0] is empty once it is normalized'),
    'added-trimmed': (added({}, {'content': '\u00a0', 'id': 4, 'normalized': True, 'rstrip': True},
                            normalizer=BERT, post_processor=BYTES),
                      'added_tokens[1]: rstrip of whitespace is not supported together with '
                      'trim_offsets of the post_processor'),
    # words
    'unknown-long': (model(WORDS, unk_token=' ' * 256),
                     'model.unk_token has 256 bytes; at most 255 are supported'),
    # WordPiece
    'long-pieces-prefix': (model(PIECES, continuing_subword_prefix=' ' * 256),
                           'model.continuing_subword_prefix has 256 bytes; at most 255 are '
                           'supported'),
    'prefix-is-null': (model(PIECES, continuing_subword_prefix=None),
                       'model.continuing_subword_prefix must be a string'),
    'no-prefix': (model(PIECES, continuing_subword_prefix=GONE),
                  'model.continuing_subword_prefix is missing'),
    'max-chars-negative': (model(PIECES, max_input_chars_per_word=-1),
                           'model.max_input_chars_per_word is missing or no integer from 0'),
    'max-chars-missing': (model(PIECES, max_input_chars_per_word=GONE),
                          'model.max_input_chars_per_word is missing or no integer from 0'),
    # BPE
    'dropout': (model(PAIRS, dropout=0.1),
                'model.dropout is 0.1, which makes tokens random; expected null or 0'),
    'dropout-is-string': (model(PAIRS, dropout='0'), 'model.dropout must be a number or null'),
    'fuse-is-number': (model(PAIRS, fuse_unk=1), 'model.fuse_unk must be true or false'),
    'fallback-with-suffix': (model(PAIRS, byte_fallback=True, end_of_word_suffix='</w>'),
                             'model.byte_fallback together with continuing_subword_prefix or '
                             'end_of_word_suffix is not supported'),
    'long-prefix': (model(PAIRS, continuing_subword_prefix='#' * 256),
                    'model.continuing_subword_prefix has 256 bytes; at most 255 are supported'),
    'no-merges': (model(PAIRS, merges=GONE), 'model.merges is missing'),
    'merges-is-object': (model(PAIRS, merges={}), 'model.merges must be a list'),
    'merge-of-three': (model(PAIRS, merges=[['a', 'b', 'ab']]),
                       'model.merges[0] must be a list of two strings, as the first one is'),
    'merge-of-number': (model(PAIRS, merges=[['a', 1]]),
                        'model.merges[0] must be a list of two strings, as the first one is'),
    'merge-without-space': (model(PAIRS, merges=['ab']),
                            'model.merges[0] must be two words with a space between, or a list '
                            'of two strings'),
    'merge-with-two-spaces': (model(PAIRS, merges=['a b ab']),
                              'model.merges[0] must be two words with a space between, or a list '
                              'of two strings'),
    'merges-mixed': (model(PAIRS, merges=['a b', ['a', 'b']]),
                     'model.merges[1] must be two words with a space between, or a list of two '
                     'strings'),
    'merge-of-stranger': (model(PAIRS, merges=[['a', 'c']]),
                          "model.merges[0]: 'c' is not in model.vocab"),
    'merge-into-stranger': (model(PAIRS, merges=[['a', 'b'], ['b', 'a']]),
                            "model.merges[1]: 'ba' is not in model.vocab"),
    'merge-of-added': (added({'content': 'c', 'normalized': True},
                             model=with_parts(PAIRS, merges=[['a', 'c']])),
                       "model.merges[0]: 'c' is not in model.vocab"),
    'merges-in-a-circle': (model(PAIRS, **CYCLE), "model.merges[1]: 'aba' is not in model.vocab"),
    'merge-without-prefix': (model(PAIRS, continuing_subword_prefix='##'),
                             "model.merges[0]: 'b' does not begin with "
                             "continuing_subword_prefix"),
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / 'invalid/tokenizer_json'
    folder.mkdir(parents=True, exist_ok=True)
    messages = []
    for name, (content, message) in FILES.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / (name + '.json')).write_text(text, encoding='ascii')
        messages.append(f'{name} tokenizer.json: {message}\n')
    (folder / 'messages.txt').write_text(''.join(messages), encoding='ascii')


if __name__ == '__main__':
    main()
