# SPDX-License-Identifier: Apache-2.0
"""What calls give back: plain Python objects that outlive the model."""
from __future__ import annotations

import copy
import dataclasses
from typing import Any, Dict, NamedTuple, NoReturn, Optional, Tuple

from ._ffi import Flag
from .errors import SentimentError


def _flag_names(bits: int) -> Tuple[str, ...]:
    return tuple((each.name or '').lower() for each in Flag if bits & each)


#: Names of the flags for each combination of them, as the command writes them.
FLAG_NAMES = tuple(_flag_names(bits) for bits in range(8))


class Result:
    """The answer for one text. The attributes are named as the command's JSON fields.

    Two results are equal if all but their times are.
    """

    __slots__ = ('prediction', 'label', 'confidence', 'probabilities', 'logits',
                 'processing_time', 'tokens', 'unknown', 'flags')

    #: Index of the class: of the largest logit, the lowest index among equals.
    prediction: int
    #: Name of the class.
    label: str
    #: Probability of the class.
    confidence: float
    #: Probability of each class.
    probabilities: Tuple[float, ...]
    #: Logit of each class.
    logits: Tuple[float, ...]
    #: Seconds that the library took; None for a text of a batch.
    processing_time: Optional[float]
    #: Tokens of the text before truncation.
    tokens: int
    #: Tokens among those used that are not in the vocabulary.
    unknown: int
    #: Some of 'empty', 'truncated', 'all_unknown'.
    flags: Tuple[str, ...]
    #: Why a text of a batch has no answer; None where it has one.
    error: Optional[SentimentError] = None

    def __init__(self, prediction: int, label: str, confidence: float,
                 probabilities: Tuple[float, ...], logits: Tuple[float, ...],
                 processing_time: Optional[float], tokens: int, unknown: int,
                 flags: Tuple[str, ...]) -> None:
        self.prediction = prediction
        self.label = label
        self.confidence = confidence
        self.probabilities = probabilities
        self.logits = logits
        self.processing_time = processing_time
        self.tokens = tokens
        self.unknown = unknown
        self.flags = flags

    def to_dict(self) -> Dict[str, Any]:
        """The JSON object that the command writes for this text."""
        made: Dict[str, Any] = {
            'prediction': self.prediction, 'label': self.label, 'confidence': self.confidence,
            'probabilities': list(self.probabilities), 'processing_time': self.processing_time,
            'tokens': self.tokens, 'unknown': self.unknown, 'flags': list(self.flags)}
        if self.processing_time is None:
            del made['processing_time']
        return made

    def _key(self) -> Tuple[Any, ...]:
        return (self.prediction, self.label, self.confidence, self.probabilities, self.logits,
                self.tokens, self.unknown, self.flags)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return '%s(%s, %.3f)' % (type(self).__name__, self.label, self.confidence)


class FailedResult(Result):
    """The place of a text of a batch that has no answer. `error` says why; reading
    any part of the answer raises it."""

    __slots__ = ('error',)

    error: SentimentError

    def __init__(self, error: SentimentError) -> None:  # pylint: disable=super-init-not-called
        self.error = error

    def _raise(self) -> NoReturn:
        # A copy: an error that is raised twice would keep the first one's traceback.
        raise copy.copy(self.error)

    def to_dict(self) -> Dict[str, Any]:
        """The JSON object that the command writes for this text."""
        return {'error': {'code': int(self.error.code), 'message': self.error.message}}

    def _key(self) -> Tuple[Any, ...]:
        return (type(self.error), self.error.message, self.error.offset)

    def __reduce__(self) -> Tuple[Any, ...]:
        return FailedResult, (self.error,)

    def __repr__(self) -> str:
        return 'FailedResult(%r)' % self.error


for _name in Result.__slots__:
    setattr(FailedResult, _name, property(FailedResult._raise))


class Contribution(NamedTuple):
    """What one token added to the logits."""

    #: The token, as it stands in the text.
    token: str
    #: Byte offset of the token in the text's UTF-8.
    start: int
    #: Byte offset behind it.
    end: int
    #: What it added to the logit of each class.
    logits: Tuple[float, ...]


class Explanation(Result):
    """An answer, and what each token and the bias added to the logits."""

    __slots__ = ('bias', 'contributions')

    #: The linear layer's bias and the share of the padding, for each class.
    bias: Tuple[float, ...]
    #: In the order of the text, as far as its tokens were used.
    contributions: Tuple[Contribution, ...]

    def to_dict(self) -> Dict[str, Any]:
        """The JSON object that the command writes with --explain."""
        made = super().to_dict()
        made['bias'] = list(self.bias)
        made['contributions'] = [dict(each._asdict(), logits=list(each.logits))
                                 for each in self.contributions]
        return made

    def _key(self) -> Tuple[Any, ...]:
        return (*super()._key(), self.bias, self.contributions)


class Tokens(NamedTuple):
    """The tokens of a text."""

    #: Their ids.
    ids: Tuple[int, ...]
    #: Their words, as the command shows them.
    tokens: Tuple[str, ...]
    #: Their places: byte offsets in the text's UTF-8, start and end.
    offsets: Tuple[Tuple[int, int], ...]


@dataclasses.dataclass(frozen=True)
class Info:
    """What a model is, as `sentiment info --json` tells it."""

    vocab_size: int
    embedding_dim: int
    hidden_size: int
    num_classes: int
    num_layers: int
    max_length: int
    parameters: int
    vocabulary_words: int
    memory_bytes: int
    bidirectional: bool
    temperature: float
    padding: str
    precision: str
    tokenizer: str
    format: str
    #: Of the file with the weights, if the model was loaded with digest=True.
    sha256: Optional[str]
    tokenizer_ignored: Optional[str]
    has_script: bool
    has_weights: bool
    labels: Tuple[str, ...]
    metadata: Dict[str, str]

    def to_dict(self) -> Dict[str, Any]:
        """The JSON object that the command writes."""
        return dict(dataclasses.asdict(self), labels=list(self.labels))


@dataclasses.dataclass(frozen=True)
class SessionInfo:
    """What predictions run on."""

    engine: str
    precision: str
    isa: str
    threads: int
    max_length: int
    padding: str
    memory_bytes: int
