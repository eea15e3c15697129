# SPDX-License-Identifier: Apache-2.0
"""What a model says of its origin, in the shape that registries have for it: parameters,
tags and metrics, all of them flat. Everything comes from the model's own metadata.
"""
from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ._result import Info

_SIZES = ('vocab_size', 'embedding_dim', 'hidden_size', 'num_classes', 'num_layers',
          'bidirectional', 'max_length', 'parameters', 'padding', 'precision', 'tokenizer',
          'temperature')
#: What steps of a history tell that is worth searching for; the newest one's word counts.
_TOLD = ('train_sha256', 'train_rows', 'dev_sha256', 'dev_rows', 'parent_sha256')


def lineage(info: Info) -> Tuple[Dict[str, str], Dict[str, str], Dict[str, float]]:
    """What MLflow shows of a model's origin: parameters, tags and metrics, from what
    `sentiment info --json` tells. The model has to be loaded with digest=True for its
    SHA-256 to be among the tags."""
    params = {name: str(getattr(info, name)) for name in _SIZES}
    params['labels'] = ', '.join(info.labels)
    settings = _json(info, 'config', dict).get('training_params')
    for name, value in settings.items() if isinstance(settings, dict) else ():
        params['train.' + name] = str(value)
    steps = history(info)
    tags = {'sentiment.history': ' '.join(str(step.get('action', '?')) for step in steps)}
    for step in steps:
        tags.update({'sentiment.' + name: str(step[name]) for name in _TOLD if name in step})
    for name in ('name', 'version'):
        if name in info.metadata:
            tags['sentiment.' + name] = info.metadata[name]
    if info.sha256:
        tags['sentiment.sha256'] = info.sha256
    found = {name: _number(info.metadata.get(name)) for name in ('dev_accuracy', 'dev_macro_f1')}
    metrics = {name: value for name, value in found.items() if value is not None}
    return ({key: _short(value) for key, value in params.items()},
            {key: _short(value) for key, value in tags.items() if value}, metrics)


def history(info: Info) -> List[Dict[str, Any]]:
    """The steps that the model went through, oldest first."""
    return [step for step in _json(info, 'lineage', list) if isinstance(step, dict)]


def _json(info: Info, key: str, kind: Any) -> Any:
    """What stands in the metadata as JSON; empty where it is of another kind."""
    try:
        value = json.loads(info.metadata.get(key, 'null'))
    except ValueError:
        value = None
    return value if isinstance(value, kind) else kind()


def _number(text: Optional[str]) -> Optional[float]:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _short(text: str) -> str:
    """Stores of MLflow refuse values of more than some hundred characters."""
    return text if len(text) <= 500 else text[:497] + '...'


def flat(metrics: Mapping[str, Any], prefix: str = '') -> Dict[str, float]:
    """Numbers by names that MLflow takes; of an object in it, 'outer/inner'."""
    made: Dict[str, float] = {}
    for key, value in metrics.items():
        name = prefix + re.sub(r'[^\w. -]', '_', str(key))
        if isinstance(value, Mapping):
            made.update(flat(value, name + '/'))
        elif isinstance(value, (int, float)):
            made[name] = float(value)
        else:
            raise TypeError('metrics: %s is a %s; expected a number, or an object of numbers'
                            % (name, type(value).__name__))
    return made
