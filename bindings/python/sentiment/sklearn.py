# SPDX-License-Identifier: Apache-2.0
"""A scikit-learn classifier on top of a model that is trained already.

It takes texts for X, so it stands at the end of a pipeline of text cleaning, in
cross_val_score, or beside other classifiers in a comparison. fit() learns nothing.
Needs scikit-learn, and NumPy with it.
"""
from __future__ import annotations

import os
from typing import Any, Dict, Optional, Tuple, Union

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]

from ._batch import Batch
from ._model import Model
from ._result import Result

__all__ = ['SentimentClassifier']


def _texts(X: Any) -> Any:
    """X as one column of texts."""
    shape = getattr(X, 'shape', None)
    if shape is not None and len(shape) == 2 and shape[1] == 1:
        return X.iloc[:, 0] if hasattr(X, 'iloc') else X[:, 0]
    return X


class SentimentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of texts.

    model: a path, a sentiment.Model, or None for the default model. With a path (or None)
    the classifier is pickled by it, and loads the model when it first needs it.
    The other parameters are those of sentiment.Model.load.
    """

    def __init__(self, model: Union[None, str, 'os.PathLike[str]', Model] = None, *,
                 engine: str = 'auto', precision: str = 'default', threads: int = 1,
                 max_length: int = 0, padding: str = 'default', errors: str = 'strict') -> None:
        self.model = model
        self.engine = engine
        self.precision = precision
        self.threads = threads
        self.max_length = max_length
        self.padding = padding
        self.errors = errors

    def _open(self) -> Model:
        """The model of the parameters as they are now."""
        if isinstance(self.model, Model):
            return self.model
        options: Dict[str, Any] = {
            'engine': self.engine, 'precision': self.precision, 'threads': self.threads,
            'max_length': self.max_length, 'padding': self.padding, 'errors': self.errors}
        key = (self.model, tuple(options.values()))
        held: Optional[Tuple[Any, Model]] = self.__dict__.get('_held')
        if held is None or held[0] != key:
            model = (Model.default(**options) if self.model is None
                     else Model.load(self.model, **options))
            held = self._held = key, model
        return held[1]

    @property
    def classes_(self) -> Any:
        """The model's labels, sorted, as scikit-learn expects it; their numbers if fit()
        was given numbers."""
        labels = np.unique(self._open().labels)
        return np.arange(len(labels)) if self._coded() else labels

    def _coded(self) -> bool:
        return bool(self.__dict__.get('coded_', False))

    def fit(self, X: Any, y: Any = None) -> SentimentClassifier:
        """Learns nothing; refuses labels that the model does not know. Numbers of classes
        will do for labels where the model's labels are sorted, so that there is no doubt
        which number is whose: then predict() answers with numbers too."""
        self.coded_ = False
        if y is None:
            return self
        labels = self._open().labels
        given = np.unique(np.asarray(y)).tolist()
        numbers = all(type(each) is int for each in given)  # a bool or a float is none
        if (numbers and set(given) <= set(range(len(labels)))
                and list(labels) == sorted(labels)):
            self.coded_ = True
        elif not set(given) <= set(labels):
            raise ValueError("y has %s; expected the model's labels: %s" % (
                ', '.join(map(str, sorted(set(given) - set(labels)))), ', '.join(labels)))
        return self

    def _answers(self, X: Any) -> Batch[Optional[Result]]:
        """The answers for all texts; the first that has none is an error."""
        batch = self._open().predict_batch(_texts(X))
        if batch.missing:
            raise ValueError('text %d is missing' % batch.missing[0])
        for place, error in batch.errors.items():
            told = type(error)('text %d: %s' % (place, error.message), error.offset)
            told.code = error.code
            raise told
        return batch

    def _order(self) -> Any:
        """The model's classes in the order of classes_."""
        return np.argsort(self._open().labels, kind='stable')

    def predict(self, X: Any) -> Any:
        """The label of each text."""
        predictions = self._answers(X).predictions
        return predictions if self._coded() else np.array(self._open().labels)[predictions]

    def predict_proba(self, X: Any) -> Any:
        """A row for each text: the probabilities of classes_."""
        return self._answers(X).probabilities[:, self._order()]

    def predict_log_proba(self, X: Any) -> Any:
        """Their logarithms."""
        return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> Any:
        """A row for each text: the logits of classes_, as scikit-learn has them; of two
        classes the difference."""
        logits = self._answers(X).logits[:, self._order()]
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def __getstate__(self) -> Dict[str, Any]:
        state: Dict[str, Any] = dict(super().__getstate__())
        state.pop('_held', None)
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
