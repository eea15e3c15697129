# SPDX-License-Identifier: Apache-2.0
"""Public use of the package, for the type checker alone."""
import pathlib
from typing import List, Optional, Tuple

import sentiment


def log(level: sentiment.LogLevel, message: str) -> None:
    """Takes what load() gives to it."""
    print(level.name, message)


def use(path: pathlib.Path, data: bytes) -> Optional[str]:
    """Every call, with the types that users write down."""
    with sentiment.Model.load(path, engine='native', threads=2, errors='replace',
                              log=log) as model:
        result: sentiment.Result = model.predict('text')
        label: str = result.label
        probabilities: Tuple[float, ...] = result.probabilities
        batch = model.predict_batch(['a', b'b'])
        first: sentiment.Result = batch[0]
        some: List[sentiment.Result] = batch[1:]
        labels: List[Optional[str]] = batch.labels
        perhaps = model.predict_batch(['a', None])
        last: Optional[sentiment.Result] = perhaps[-1]
        why: sentiment.Explanation = model.explain('text', max_length=3)
        word: str = why.contributions[0].token
        with model.stream() as stream:
            stream.feed('piece')
            so_far: str = stream.result().label
        ids: Tuple[int, ...] = model.tokenize('text').ids
        name: Optional[str] = model.info.metadata.get('name')
        model.save(path, 'onnx', opset=14)
        token = sentiment.Cancel()
        model.predict_batch((each for each in ('a', 'b')), cancel=token)
        small: sentiment.Model = model.quantize()
        small.close()
    try:
        sentiment.Model.load(data)
    except sentiment.SentimentError as error:
        code: sentiment.Status = error.code
        where: Optional[int] = error.offset
        print(code, where, error.message)
    sentiment.convert(path, 'b.onnx')
    print(label, probabilities, first, some, labels, last, word, so_far, ids)
    return name
