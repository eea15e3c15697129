# SPDX-License-Identifier: Apache-2.0
"""Random tokenizers and texts against the live package: the same ids and offsets.

Usage: test_tokenizer_json_python.py PYTHON TEXT_TESTS PROGRAM [SEED [TOKENIZERS]]
"""
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'python'))

import venv  # noqa: E402

ARGUMENTS = venv.require(sys.argv)
sys.path[:0] = [HERE, ARGUMENTS[0]]

import tokenizer_json  # noqa: E402
import tokenizer_json_random as made  # noqa: E402
import tokenizers  # noqa: E402

SEED, TOKENIZERS, TEXTS = 1, 150, 40


def ask(program, text, texts):
    """The program's answers: ids, and offsets in bytes."""
    with tempfile.NamedTemporaryFile('w', suffix='.json', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        lines = ''.join(line.encode().hex() + '\n' for line in texts)
        run = subprocess.run([program, file.name], input=lines, capture_output=True, text=True,
                             check=True)
    answers = run.stdout.split('\n')[:-1]
    if answers[0].startswith('!') if answers else False:
        return answers[0]
    assert len(answers) == len(texts), (answers, run.stderr)
    found = []
    for answer in answers:
        tokens = [token.lstrip('~').split(',') for token in answer.split()]
        found.append(([int(token[0]) for token in tokens],
                      [(int(token[1]), int(token[2])) for token in tokens]))
    return found


def package_answers(text, texts):
    """What the package says, None where it panics; or why it loads nothing."""
    try:
        tokenizer = tokenizers.Tokenizer.from_str(text)
    except Exception as error:
        return str(error)
    answers = []
    for line in texts:
        try:
            found = tokenizer.encode(line, add_special_tokens=False)
            answers.append((found.ids, found.offsets))
        except BaseException as error:
            if 'Panic' not in type(error).__name__:
                raise
            answers.append(None)
    return answers


def same(line, found, expected):
    return found[0] == expected[0] and (
        tokenizer_json.char_offsets(line, found[1]) == expected[1])


def normalizes_badly(given):
    """Two added tokens that are the same normalized, of which the package takes
    either; or one of which nothing is left, which it finds everywhere."""
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps({**given, 'added_tokens': []}))
    forms = [tokenizer.normalizer.normalize_str(token['content']) if tokenizer.normalizer
             else token['content'] for token in given['added_tokens'] if token['normalized']]
    return len(set(forms)) < len(forms) or '' in forms


def trims_whitespace(given):
    """An added token of whitespace with rstrip, and trimmed offsets."""
    forms = [token['content'] for token in given['added_tokens'] if token['rstrip']]
    return '"trim_offsets": true' in json.dumps(given['post_processor']) and any(
        not form.strip() for form in forms)


def is_refused_rightly(reason, given):
    """For what the package does not refuse, at least not as a file."""
    if 'rstrip of whitespace' in reason:
        return trims_whitespace(given)
    return 'normalized' in reason and normalizes_badly(given)


def compare(program, numbers):
    """Differences, texts compared."""
    given = made.random_tokenizer(numbers)
    text = json.dumps(given, ensure_ascii=numbers.random() < 0.5)
    texts = [made.random_text(numbers) for _ in range(TEXTS)]
    found = ask(program, text, texts)
    if isinstance(found, str) and is_refused_rightly(found, given):
        return 0, 0
    expected = package_answers(text, texts)
    if isinstance(found, str) or isinstance(expected, str):
        print('refused:', found if isinstance(found, str) else '', '/ package:',
              expected if isinstance(expected, str) else 'loads it', text[:300])
        return 1, 0
    wrong = known = 0
    for line, one, other in zip(texts, found, expected):
        known += other is not None
        if other is None or same(line, one, other):
            continue
        wrong += 1
        if wrong == 1:
            parts = {key: value for key, value in given.items() if key != 'model'}
            model = {key: value for key, value in given['model'].items()
                     if key not in ('vocab', 'merges')}
            print(ascii(line), '\n  package', other, '\n  ours   ', one[0],
                  tokenizer_json.char_offsets(line, one[1]), '\n ', parts, model)
    return wrong, known


def main():
    program = ARGUMENTS[1]
    seed = int(ARGUMENTS[2]) if len(ARGUMENTS) > 2 else SEED
    count = int(ARGUMENTS[3]) if len(ARGUMENTS) > 3 else TOKENIZERS
    numbers = random.Random(seed)
    wrong = texts = 0
    for _ in range(count):
        differ, known = compare(program, numbers)
        wrong += differ
        texts += known
    print(f'{count} tokenizers, {texts} texts, {wrong} differences')
    return 1 if wrong or texts < count * TEXTS / 2 else 0


if __name__ == '__main__':
    sys.exit(main())
