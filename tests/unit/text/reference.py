# SPDX-License-Identifier: Apache-2.0
"""The tokenizers of docs/tokenizers.md in Python, to check the C ones against.

`whitespace` is str.lower() and str.split() themselves. `words` is the grammar
of the document as a regular expression over character classes, with nothing in
common with the C scanner. Needs a Python with Unicode 14.0.0 (CPython 3.11).
"""
import codecs
import re
import unicodedata

UNICODE = "14.0.0"
WHITESPACE, WORDS = 1, 2
STRICT, REPLACE = 0, 1
PICTURE_BLOCKS = ((0x1F000, 0x1FAFF), (0x1FC00, 0x1FFFD))

TOKEN = re.compile(
    "(?P<keycap>[d#]v?k)"
    "|(?P<flag>rr)"
    "|(?P<picture>[or][vmt]*(?:z[orsm][vmt]*)*)"
    "|(?P<mark>[psm#]v?)"
    "|(?P<run>(?:[wzvtk]|d(?!v?k))+)")

_bad = []


def _replace(error):
    _bad.append((error.start, error.end))
    return "\ufffd", error.end


codecs.register_error("sn-replace", _replace)


def decode(data, policy):
    """(text, byte offset of each character and of the end)."""
    _bad.clear()
    text = data.decode("utf-8", "sn-replace" if policy == REPLACE else "strict")
    ends = dict(_bad)
    offsets = [0]
    for char in text:
        at = offsets[-1]
        offsets.append(ends.get(at, at + len(char.encode("utf-8", "surrogatepass"))))
    assert offsets[-1] == len(data)
    return text, offsets


def kind_of(char):
    """The class of a character, a letter of TOKEN."""
    code = ord(char)
    for low, high, letter in ((0x30, 0x39, "d"), (0x1F1E6, 0x1F1FF, "r"), (0x1F3FB, 0x1F3FF, "m"),
                              (0xFE0E, 0xFE0F, "v"), (0xE0020, 0xE007F, "t"),
                              (0x20E3, 0x20E3, "k"), (0x200D, 0x200D, "z")):
        if low <= code <= high:
            return letter
    if char in "#*":
        return "#"
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category == "So":
        return "o"
    if category == "Cn" and any(low <= code <= high for low, high in PICTURE_BLOCKS):
        return "o"
    return {"P": "p", "S": "s"}.get(category[0], "w")


def whitespace(text):
    """[(start, end, word)] in characters of the text."""
    spans = [match.span() for match in re.finditer("w+", "".join(
        " " if char.isspace() else "w" for char in text))]
    lowered = text.lower().split()
    assert len(lowered) == len(spans)
    return [(start, end, word) for (start, end), word in zip(spans, lowered)]


def words(text):
    lowered = text.lower()
    # Where each character's lower case begins; one code point alone has two.
    places = [0]
    for char in text:
        places.append(places[-1] + len(char.lower()))
    assert places[-1] == len(lowered)
    result = []
    for match in TOKEN.finditer("".join(kind_of(char) for char in text)):
        start, end = match.span()
        word = lowered[places[start]:places[end]]
        if word[0] in "`\u2018\u2019":
            word = "'" + word[1:]
        result.append((start, end, word))
    return result


def tokenize(kind, policy, data):
    """[(start, end, word)], offsets and word in bytes; or the offset of the first
    bad byte."""
    try:
        text, offsets = decode(data, policy)
    except UnicodeDecodeError as error:
        return error.start
    tokens = whitespace(text) if kind == WHITESPACE else words(text)
    return [(offsets[start], offsets[end], word.encode("utf-8", "surrogatepass"))
            for start, end, word in tokens]


def show(tokens):
    """As tokenize_lines.c prints them."""
    if isinstance(tokens, int):
        return "!%d" % tokens
    return " ".join("%d,%d,%s" % (start, end, word.hex()) for start, end, word in tokens)


# Pieces that random texts are made of: everything the tokenizers tell apart.
PIECES = [piece.encode("utf-8") for piece in (
    "a", "B", "hello", "World", "1", "42", "_", ".", "!", "'", "`", "\u2019", "#", "*", "@", "-",
    " ", "  ", "\t", "\n", "\r\n", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2003", "\u2028",
    "\u202f", "\u3000", "\u180e", "\u200b", "\ufeff", "\x00", "\x7f", "\u0301", "\u0345", "\xad",
    "\u03a3", "\u03a3\u03a3", "a\u03a3", "\u039f\u0394\u039f\u03a3", "\u03c3", "\u0130", "I",
    "\u1e9e",
    "\xc4", "\xdf", "\u01c5", "\u2160", "\u24b6", "\u212a", "\u023a", "\ua64a", "\U00010400",
    "\u4e2d\u6587", "\u65e5\u672c\u8a9e\u3002", "\u0645\u0631\u062d\u0628\u0627\u060c",
    "\u0939\u093f\u0928\u094d\u0926\u0940\u0964", "\u0e20\u0e32\u0e29\u0e32", "\u200c", "\u200d",
    "\ufe0f", "\ufe0e", "\u20e3", "\U0001f600", "\U0001f44d", "\U0001f3fd", "\U0001f1e6",
    "\U0001f1fa\U0001f1f8", "\u2764\ufe0f", "1\ufe0f\u20e3", "#\u20e3", "\u2194", "+", "$",
    "\u20ac",
    "\U0001f469\u200d\U0001f4bb", "\U0001f3f4\U000e0067\U000e007f", "\U0001faff", "\ufffd",
    "\u203c", "\u2139", "\U0010ffff")]
BAD_PIECES = [bytes.fromhex(piece) for piece in (
    "80 bf c0 c1 c2 c0af c1bf e0 e080 e0a0 e2 e282 ed a0 eda080 edbfbf f0 f08080 f09f f09f98 f4 "
    "f490 f4908080 f5 f8 fe ff fffe c3 cea3c0 e282ce").split()]


def random_text(random, bad):
    pieces = PIECES + BAD_PIECES if bad else PIECES
    return b"".join(random.choice(pieces) for _ in range(random.randint(0, 14)))
