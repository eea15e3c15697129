# SPDX-License-Identifier: Apache-2.0
"""Sentiment of the texts of a Spark table: a function for mapInArrow, and a pandas UDF.

Each Python worker loads the model once and keeps it; texts go to the library as the
Arrow arrays that Spark sends. The workers need this package and the model: the one that
is bundled, or one at the same path on each machine. Needs pyspark and pyarrow.

    import sentiment.spark

    answers = sentiment.spark.predict(table, column='review')
"""
from __future__ import annotations

import os
import threading
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ._batch import Batch
from ._model import Model
from ._result import FLAG_NAMES

__all__ = ['OUTPUTS', 'PredictMap', 'predict', 'predict_map', 'predict_udf']

#: A path, the same on every worker; something that tells it there; None: the default model.
Source = Union[None, str, 'os.PathLike[str]', Callable[[], str]]

#: What can be asked for, and its type in Spark.
OUTPUTS: Dict[str, str] = {
    'prediction': 'int', 'label': 'string', 'confidence': 'float',
    'probabilities': 'array<float>', 'logits': 'array<float>', 'tokens': 'bigint',
    'unknown': 'bigint', 'flags': 'array<string>', 'error': 'string'}
_USUAL = ('prediction', 'label', 'confidence', 'probabilities', 'error')

_models: Dict[Any, Model] = {}
_lock = threading.Lock()


def _model(source: Source, options: Dict[str, Any]) -> Model:
    """The model of this process."""
    path = source() if callable(source) else source
    key = (None if path is None else os.fspath(path), tuple(sorted(options.items())))
    with _lock:
        if key not in _models:
            _models[key] = Model.default(**options) if path is None else (
                Model.load(path, **options))
        return _models[key]


def _rows(values: Any, absent: Any) -> pa.Array:
    """A table of numbers as an array of lists."""
    count, classes = values.shape
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * np.int32(classes))
    return pa.ListArray.from_arrays(offsets, pa.array(values.reshape(-1)),
                                    mask=pa.array(absent) if absent.any() else None)


def _errors(batch: Batch[Any], _: Any) -> pa.Array:
    """Why a text has no answer; null where it has one, or where there was no text."""
    found = batch.errors
    if not found:
        return pa.nulls(len(batch), pa.string())
    return pa.array([found[i].message if i in found else None for i in range(len(batch))],
                    pa.string())


def _labels(batch: Batch[Any], absent: Any) -> pa.Array:
    """Names, by way of a dictionary: no object for each text."""
    indices = pa.array(batch.predictions, mask=absent)
    return pa.DictionaryArray.from_arrays(indices, pa.array(batch._labels)).cast(pa.string())


def _flags(batch: Batch[Any], absent: Any) -> pa.Array:
    """Lists of names, by way of all combinations of them."""
    indices = pa.array(batch.flags & np.uint32(7), mask=absent)
    return pa.array([list(names) for names in FLAG_NAMES], pa.list_(pa.string())).take(indices)


_MAKERS: Dict[str, Callable[[Batch[Any], Any], pa.Array]] = {
    'prediction': lambda batch, absent: pa.array(batch.predictions, mask=absent),
    'label': _labels,
    'confidence': lambda batch, absent: pa.array(batch.confidences, mask=absent),
    'probabilities': lambda batch, absent: _rows(batch.probabilities, absent),
    'logits': lambda batch, absent: _rows(batch.logits, absent),
    'tokens': lambda batch, absent: pa.array(batch.tokens.astype(np.int64), mask=absent),
    'unknown': lambda batch, absent: pa.array(batch.unknown.astype(np.int64), mask=absent),
    'flags': _flags,
    'error': _errors}


def _answers(model: Model, texts: Any, outputs: Sequence[str]) -> List[pa.Array]:
    """A column for each output."""
    batch = model.predict_batch(texts)
    absent = batch.predictions < 0
    return [_MAKERS[name](batch, absent) for name in outputs]


def _checked(outputs: Union[str, Sequence[str]]) -> Tuple[str, ...]:
    names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    for name in names:
        if name not in OUTPUTS:
            raise ValueError('no output %r; expected some of %s' % (name, ', '.join(OUTPUTS)))
    if not names or len(set(names)) != len(names):
        raise ValueError('outputs: expected one or more names, each once, got %r' % (outputs,))
    return names


class PredictMap:
    """A function for DataFrame.mapInArrow; predict_map() makes it.

    It keeps columns of the table and adds those of the answers. A null text gives nulls. A
    text that the library refuses gives nulls, and its reason in the column `error`.
    """

    def __init__(self, model: Source, column: str, keep: Optional[Sequence[str]],
                 outputs: Tuple[str, ...], prefix: str, options: Dict[str, Any]) -> None:
        self._model = model
        self._column = column
        self._keep = None if keep is None else tuple(keep)
        self._outputs = outputs
        self._prefix = prefix
        self._options = options

    def schema(self, table: Any) -> Any:
        """The schema of the result, for a DataFrame or its schema: mapInArrow wants it."""
        from pyspark.sql.types import StructField, StructType, _parse_datatype_string
        given = getattr(table, 'schema', table)
        if self._column not in given.names:
            raise ValueError('no column %r; expected one of %s'
                             % (self._column, ', '.join(given.names)))
        kept = given.names if self._keep is None else self._keep
        fields = [given[name] for name in kept]
        fields += [StructField(self._prefix + name, _parse_datatype_string(OUTPUTS[name]))
                   for name in self._outputs]
        names = [field.name for field in fields]
        if len(set(names)) != len(names):
            raise ValueError('two columns of one name among %s: see `keep` and `prefix`'
                             % ', '.join(names))
        return StructType(fields)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Runs on a worker."""
        model = _model(self._model, self._options)
        added = [self._prefix + name for name in self._outputs]
        for batch in batches:
            kept = batch.schema.names if self._keep is None else list(self._keep)
            columns = [batch.column(name) for name in kept]
            columns += _answers(model, batch.column(self._column), self._outputs)
            yield pa.RecordBatch.from_arrays(columns, [*kept, *added])


def predict_map(model: Source = None, column: str = 'text', *,
                keep: Optional[Sequence[str]] = None, outputs: Union[str, Sequence[str]] = _USUAL,
                prefix: str = '', **options: Any) -> PredictMap:
    """A function for DataFrame.mapInArrow.

    model: a path, the same on every worker; a function that tells the path there, such as
        lambda: SparkFiles.get('model.safetensors'); None: the default model.
    column: where the texts are.
    keep: the columns to keep, None: all.
    outputs: the columns to add, some of OUTPUTS.
    prefix: stands before the names of those.
    options: those of sentiment.Model.load.

        add = predict_map('/models/reviews.safetensors', 'review', keep=['id'])
        table.mapInArrow(add, add.schema(table))
    """
    return PredictMap(model, column, keep, _checked(outputs), prefix, options)


def predict(table: Any, model: Source = None, column: str = 'text', **options: Any) -> Any:
    """The table with the columns of the answers; takes what predict_map takes."""
    add = predict_map(model, column, **options)
    return table.mapInArrow(add, add.schema(table))


def predict_udf(model: Source = None, outputs: Union[str, Sequence[str]] = 'label',
                **options: Any) -> Any:
    """A pandas UDF from a column of texts: to one output by its name, or to a struct of
    several. Takes the model and the options of predict_map.

        table.withColumn('sentiment', predict_udf()('review'))
    """
    import pandas as pd  # type: ignore[import-untyped]
    from pyspark.sql.pandas.functions import pandas_udf
    names = _checked(outputs)
    single = isinstance(outputs, str)
    kind = OUTPUTS[names[0]] if single else ', '.join(
        '%s %s' % (name, OUTPUTS[name]) for name in names)

    def answer(batches: Iterator[Any]) -> Iterator[Any]:
        own = _model(model, options)
        for texts in batches:
            array = pa.array(texts, pa.string(), from_pandas=True)
            made = pa.table(_answers(own, array, names), list(names)).to_pandas()
            yield made[names[0]] if single else made

    # pandas_udf tells its kind by these.
    answer.__annotations__ = {'batches': Iterator[pd.Series],
                              'return': Iterator[pd.Series] if single else Iterator[pd.DataFrame]}
    made: Any = pandas_udf
    return made(answer, kind)
