# SPDX-License-Identifier: Apache-2.0
"""Reads the bodies of the Flask service's requests, and refuses with 400 what is wrong.

Bounds are those of service.py. A text with half of a surrogate pair is left to the library.
"""
from flask import abort, request
from service import MAX_LENGTH, MAX_TEXT, MAX_TEXTS


def _read():
    """The object that was sent, and its max_length: 0 for the model's own."""
    try:
        data = request.get_json(silent=True)
    except RecursionError:
        data = None
    if not isinstance(data, dict):
        abort(400, 'Expected a JSON object, sent as application/json')
    limit = data.get('max_length')
    if limit is not None and not (type(limit) is int and 1 <= limit <= MAX_LENGTH):
        abort(400, 'max_length: expected a whole number from 1 to %d' % MAX_LENGTH)
    return data, limit or 0


def _check(text, name):
    if not isinstance(text, str):
        abort(400, '%s: expected a string' % name)
    if len(text) > MAX_TEXT:
        abort(400, '%s: %d characters, at most %d' % (name, len(text), MAX_TEXT))


def read_text():
    """Text and max_length of /predict."""
    data, limit = _read()
    text = data.get('text')
    if text is None or text == '':
        abort(400, 'Text is required')
    _check(text, 'text')
    return text, limit


def read_texts():
    """Texts and max_length of /predict_batch."""
    data, limit = _read()
    texts = data.get('texts')
    if not isinstance(texts, list) or len(texts) > MAX_TEXTS:
        abort(400, 'texts: expected a list of at most %d strings' % MAX_TEXTS)
    for index, text in enumerate(texts):
        _check(text, 'texts[%d]' % index)
    return texts, limit
