# SPDX-License-Identifier: Apache-2.0
"""What Hugging Face tokenizers makes of a text, in the line format of
piece_answer.h; and random texts to ask it about. Needs the tests' own Python
environment (.ci/venv.sh)."""
import itertools

from tokenizers import PreTokenizedString, Regex, normalizers, pre_tokenizers

VERSION = "0.23.3"
OFF = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
NORMALIZERS = {
    "C": normalizers.NFC, "D": normalizers.NFD, "K": normalizers.NFKC, "k": normalizers.NFKD,
    "l": normalizers.Lowercase, "s": normalizers.StripAccents,
    "c": lambda: normalizers.BertNormalizer(**{**OFF, "clean_text": True}),
    "h": lambda: normalizers.BertNormalizer(**{**OFF, "handle_chinese_chars": True}),
    "a": lambda: normalizers.BertNormalizer(**{**OFF, "strip_accents": True}),
}
BEHAVIOURS = ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous")
SPLITTERS = {
    "B": pre_tokenizers.BertPreTokenizer, "W": pre_tokenizers.Whitespace,
    "S": pre_tokenizers.WhitespaceSplit,
}
SPLITTERS.update({"P%d" % i: lambda name=name: pre_tokenizers.Punctuation(name)
                  for i, name in enumerate(BEHAVIOURS)})
SPLITTERS.update({"L%d" % i: lambda i=i: pre_tokenizers.ByteLevel(
    add_prefix_space=bool(i & 1), use_regex=bool(i & 2)) for i in range(4)})
ANY = Regex(r"[\s\S]")


def splitter_names(letters):
    while letters:
        width = 2 if letters[0] in "PL" else 1
        yield letters[:width]
        letters = letters[width:]


class Steps:
    """The package's normalizers and splitters for a `normalizers:splitters`."""

    def __init__(self, steps):
        self.steps = steps
        letters, names = steps.split(":")
        self.normalizers = [NORMALIZERS[letter]() for letter in letters]
        self.splitters = [SPLITTERS[name]() for name in splitter_names(names)]

    def question(self, text):
        return "%s %s" % (self.steps, text.encode().hex())

    def answer(self, text):
        string = PreTokenizedString(text)
        for normalizer in self.normalizers:
            string.normalize(lambda part, normalizer=normalizer: normalizer.normalize(part))
        for splitter in self.splitters:
            splitter.pre_tokenize(string)
        pieces = [len(piece) for piece, _, _ in string.get_splits("original", "byte") if piece]
        string.split(lambda _, part: part.split(ANY, "isolated"))
        chars = ["%s@%d,%d." % (char.encode().hex(), *place)
                 for char, place, _ in string.get_splits("original", "byte")]
        ends = itertools.accumulate(pieces)
        return " ".join("".join(chars[end - size:end]) for end, size in zip(ends, pieces))

    def answer_without_places(self, text):
        """The pieces alone, which is quicker; for at most one splitter."""
        for normalizer in self.normalizers:
            text = normalizer.normalize_str(text)
        pieces = self.splitters[0].pre_tokenize_str(text) if self.splitters else [(text, None)]
        return " ".join(piece.encode().hex() for piece, _ in pieces)


def ranges(*pairs):
    return [chr(code) for low, high in pairs for code in range(low, high + 1)]


MARKS = ranges((0x300, 0x36F), (0x483, 0x487), (0x591, 0x5BD), (0x610, 0x61A), (0x64B, 0x65F),
               (0x6D6, 0x6DC), (0x711, 0x711), (0x730, 0x74A), (0x93C, 0x93C), (0x94D, 0x94D),
               (0xE38, 0xE3A), (0xE48, 0xE4B), (0xF18, 0xF19), (0xF71, 0xF84), (0x1AB0, 0x1ABE),
               (0x1DC0, 0x1DF5), (0x20D0, 0x20F0), (0x302A, 0x302F), (0x3099, 0x309A),
               (0xFE20, 0xFE2F), (0x1D165, 0x1D169), (0x1E8D0, 0x1E8D6), (0x1E944, 0x1E94A))
SPACES = list("\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e\u2000\u2003\u2009\u200a\u200b"
              "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff")
# Characters with a rule of their own somewhere.
SPECIAL = list(
    "\u0130\u0131\u03a3\u03c2\u1e9e\u0344\u0374\u037e\u0387\u0958\u09cb\u09dc\u0b94\u0ccb\u0dde"
    "\u0f43\u0f73\u0f75\u0f76\u0f77\u0f81\u1026\u1b06\u1e9b\u1fee\u2000\u2126\u212a\u212b\u2adc"
    "\u3094\ufb1d\ufb1f\ufb49\ufdfa\ufc5e\ufe70\uff76\uff9e\uff9f\U0001d15e\U0001d1c0\U0001109a"
    "\U000110ab\U0001112e\U000114bc\U000115ba\U0002f800\ufffd\u0000\u007f\u00ad\u200c\u200d\u2028"
    "\u09c7\u09be\u0b47\u0b3e\u0dd9\u0dca\u0dcf\u1025\u102e\u0cc6\u0cc2\u0cd5\u11131\u11127")
SCRIPTS = [
    ranges((0x20, 0x7E)), ranges((0xC0, 0x17F)), ranges((0x180, 0x24F), (0x1E00, 0x1EFF)),
    ranges((0x370, 0x3FF), (0x1F00, 0x1FFF)), ranges((0x400, 0x52F)), ranges((0x5D0, 0x5EA)),
    ranges((0x600, 0x6FF), (0xFB50, 0xFDFF)), ranges((0x900, 0xDFF)), ranges((0xE00, 0xFFF)),
    ranges((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB)), ranges((0xAC00, 0xD7A3)),
    ranges((0x3040, 0x30FF), (0xFF00, 0xFFEF)), ranges((0x4E00, 0x9FFF)),
    ranges((0xF900, 0xFAFF), (0x2F800, 0x2FA1F)), ranges((0x2000, 0x206F), (0x3000, 0x303F)),
    ranges((0x2070, 0x2BFF)), ranges((0x1F300, 0x1FAFF)), ranges((0x1D100, 0x1D7FF)),
    ranges((0x1100, 0x1112), (0x1161, 0x1175), (0x11A7, 0x11C2)), ranges((0, 0x1F), (0x7F, 0x9F)),
    MARKS, SPACES, SPECIAL,
]
FRAGMENTS = [
    "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f44d\U0001f3fd", "don't",
    "'s", "'ll", "'re", "'LL", " '", "''", "\u2019s", "  ", " \t", "\r\n", "   x", "\u00a0 ",
    "\u0160\u00c6\u0153\u0152\u00e6\u0161", "e\u0301", "\u00e9", "\u1e69", "s\u0323\u0307",
    "s\u0307\u0323", "\ud4db", "\u1111\u1171\u11b6", "\uac00\u11a8", "\uac01\u11a8", "A\u030a",
    "\u0438\u0306", "\u0915\u093c", "\u0622\u0653", "...", "?!", "(a)", "x+y=$5", "_a_", "42",
    "\u0664\u0662", "\u00b2\u2460", "Great movie, I loved it!", "na\u00efve caf\u00e9",
]


def random_part(numbers):
    kind = numbers.random()
    if kind < 0.12:
        return numbers.choice(FRAGMENTS)
    if kind < 0.22:
        code = numbers.randrange(0x110000 - 0x800)
        return chr(code if code < 0xD800 else code + 0x800)
    if kind < 0.34:
        base = numbers.choice(numbers.choice(SCRIPTS))
        length = 60 if numbers.random() < 0.05 else 5
        return base + "".join(numbers.choices(MARKS, k=numbers.randint(1, length)))
    script = numbers.choice(SCRIPTS)
    return "".join(numbers.choices(script, k=numbers.randint(1, 6)))


def random_text(numbers):
    return "".join(random_part(numbers) for _ in range(numbers.randint(1, 12)))


ALL_SPLITTERS = ["", "B", "W", "S", "P0", "P1", "P2", "P3", "P4", "L0", "L1", "L2", "L3", "SP0",
                 "SL3", "L3W", "P2L1", "L2L3", "WP4", "BB", "P3S"]
ALL_NORMALIZERS = ["", "C", "D", "K", "k", "l", "s", "c", "h", "a", "chal", "ch", "cl", "Dsl",
                   "ksl", "Cl", "lC", "kC", "DC", "KD", "hK", "lac", "akC", "Ks"]


def random_steps(numbers):
    return numbers.choice(ALL_NORMALIZERS) + ":" + numbers.choice(ALL_SPLITTERS)
