# SPDX-License-Identifier: Apache-2.0
"""A flavour of MLflow: models of libsentiment in its runs, its registry and its servers.

What is logged holds the model in the native format with its SHA-256, the package and the
library, so that MLflow's own commands serve it wherever there are mlflow and pandas.
Needs mlflow 3, which is imported when it is first needed.

    import sentiment.mlflow

    info = sentiment.mlflow.log_model('reviews.safetensors', registered_model_name='reviews')
    sentiment.mlflow.promote('reviews', info.registered_model_version)
"""
from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
from importlib import metadata as distributions
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from . import _library
from ._lineage import flat, history, lineage
from ._model import Model, Source, convert
from ._result import Info
from ._version import VERSION
from .errors import BadModelError

__all__ = ['EXAMPLE', 'FLAVOR_NAME', 'lineage', 'load_model', 'log_model', 'promote',
           'register', 'save_model']

FLAVOR_NAME = 'sentiment'
#: The input example: as a client sends it to a server of MLflow.
EXAMPLE = ('I love this product!', 'It arrived on Tuesday.')

_FOLDER = 'sentiment'
_FILE = 'model.safetensors'
_SUMS = 'SHA256SUMS'
#: Options of Model.load that a deployment may change, as MLflow's model_config.
_OPTIONS: Dict[str, Any] = {'engine': 'auto', 'precision': 'default', 'threads': 1,
                            'max_length': 0, 'padding': 'default', 'errors': 'strict'}


def _mlflow() -> Any:
    """The package, new enough."""
    try:
        found = importlib.import_module('mlflow')
    except ImportError as problem:
        raise ImportError("sentiment.mlflow needs mlflow 3 or later: pip install 'mlflow>=3' "
                          '(%s)' % problem) from problem
    if int(found.__version__.split('.')[0]) < 3:
        raise ImportError('sentiment.mlflow needs mlflow 3 or later, this is %s'
                          % found.__version__)
    return found


# ---------------------------------------------------------------- saving and logging

def save_model(model: Union[Source, Model], path: 'Union[str, os.PathLike[str]]', *,
               mlflow_model: Any = None, carry: bool = True,
               options: Optional[Mapping[str, Any]] = None,
               input_example: Optional[Sequence[str]] = EXAMPLE,
               pip_requirements: Optional[List[str]] = None,
               metadata: Optional[Mapping[str, Any]] = None) -> None:
    """Saves a model as a folder of MLflow, which must be new or empty.

    model: the path of a file or folder, the bytes of a native file, or a sentiment.Model. A
        native file is copied as it is; anything else is converted to one.
    carry: put this package and the library that is in use beside the model. Without it, they
        have to be installed where the model is loaded.
    options: of sentiment.Model.load, for those who load the model as a pyfunc; some of
        engine, precision, threads, max_length, padding, errors. They may change them with
        model_config.
    input_example: texts; None: none.
    pip_requirements: instead of mlflow and pandas, as they are here.
    metadata: what else the file MLmodel should say.
    """
    mlflow = _mlflow()
    chosen = _checked(options)
    if mlflow_model is None:
        mlflow_model = mlflow.models.Model()
    with tempfile.TemporaryDirectory() as scratch:
        data = os.path.join(scratch, _FOLDER)
        info = _stage(model, data)
        mlflow_model.add_flavor(FLAVOR_NAME, data=os.path.join('data', _FOLDER), file=_FILE,
                                sha256=info.sha256, sentiment_version=VERSION)
        mlflow.pyfunc.save_model(
            path, loader_module=__name__, data_path=data, mlflow_model=mlflow_model,
            code_paths=[_package(scratch)] if carry else None, model_config=chosen,
            signature=_signature(mlflow), pip_requirements=pip_requirements or _needs(mlflow),
            input_example=None if input_example is None else list(input_example),
            metadata=dict(mlflow_model.metadata or {}, **(metadata or {}),
                          sentiment_lineage=history(info)))


def log_model(model: Union[Source, Model], name: str = 'model', *,
              registered_model_name: Optional[str] = None,
              metrics: Optional[Mapping[str, Any]] = None,
              tags: Optional[Mapping[str, str]] = None, **options: Any) -> Any:
    """Logs a model to the active run, or to one of its own, with its lineage.

    name: of the logged model.
    registered_model_name: also register it there, as a new version.
    metrics: numbers, such as the object that `sentiment test --json` prints; they join those
        of the dev set that the model knows of itself.
    tags: of the logged model, beside those of its lineage.
    options: those of save_model.

    Answers with MLflow's ModelInfo.
    """
    mlflow = _mlflow()
    with tempfile.TemporaryDirectory() as scratch:
        info = _stage(model, os.path.join(scratch, _FOLDER))
        params, told, measured = lineage(info)
        measured.update(flat(metrics or {}))
        own = contextlib.nullcontext() if mlflow.active_run() else mlflow.start_run()
        with own:
            logged = mlflow.models.Model.log(
                artifact_path=None, name=name, flavor=sys.modules[__name__], params=params,
                tags=dict(told, **(tags or {})), registered_model_name=registered_model_name,
                model=os.path.join(scratch, _FOLDER, _FILE), **options)
            if measured:
                mlflow.log_metrics(measured, model_id=logged.model_id)
    if logged.registered_model_version is not None:
        _tag(mlflow, registered_model_name, logged.registered_model_version, told)
    return logged


def _checked(options: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """All options of a pyfunc, with those that were given."""
    given = dict(options or {})
    unknown = sorted(set(given) - set(_OPTIONS))
    if unknown:
        raise TypeError('options: no %s; expected some of %s'
                        % (', '.join(unknown), ', '.join(_OPTIONS)))
    return dict(_OPTIONS, **given)


def _stage(model: Union[Source, Model], folder: str) -> Info:
    """Puts a native file and its SHA-256 into a new folder; what the file is."""
    os.mkdir(folder)
    path = os.path.join(folder, _FILE)
    if isinstance(model, Model):
        model.save(path)
    elif _is_native(model):
        shutil.copyfile(model, path)  # type: ignore[arg-type]
    else:
        convert(model, path)
    with Model.load(path, digest=True) as made:
        info = made.info
    with open(os.path.join(folder, _SUMS), 'w', encoding='ascii') as file:
        file.write('%s  %s\n' % (info.sha256, _FILE))
    return info


def _is_native(source: Source) -> bool:
    """Whether this is the path of a file in the native format."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    with Model.load(source) as model:
        return model.info.format == 'safetensors'


def _package(scratch: str) -> str:
    """A copy of this package with the library inside, as in a wheel, but no models."""
    folder = os.path.join(scratch, 'code', 'sentiment')
    shutil.copytree(_library.FOLDER, folder, ignore=shutil.ignore_patterns(
        '__pycache__', 'libsentiment*', 'models'))
    shutil.copyfile(_library.library_path(), os.path.join(folder, _library.NAME))
    return folder


def _needs(mlflow: Any) -> List[str]:
    """Not this package: the one on PyPI that has its name is another project."""
    return ['mlflow==' + mlflow.__version__, 'pandas==' + distributions.version('pandas')]


def _signature(mlflow: Any) -> Any:
    """Texts in one column, which has no name so that lists will do, and the answers."""
    types = importlib.import_module('mlflow.types')
    schema = importlib.import_module('mlflow.types.schema')
    spec = types.ColSpec
    return mlflow.models.ModelSignature(
        inputs=types.Schema([spec('string')]),
        outputs=types.Schema([spec('long', 'prediction'), spec('string', 'label'),
                              spec('double', 'confidence'),
                              spec(schema.Array('double'), 'probabilities')]),
        params=types.ParamSchema([types.ParamSpec('max_length', 'long', 0)]))


# ---------------------------------------------------------------- the registry

def register(model_uri: str, name: str, *, alias: Optional[str] = None) -> Any:
    """Makes a logged or saved model a new version of a registered one, with the tags of its
    lineage; with an alias, promotes it. Answers with MLflow's ModelVersion."""
    mlflow = _mlflow()
    with _fetched(mlflow, model_uri) as folder, _open(folder, digest=True) as model:
        told = lineage(model.info)[1]
    version = mlflow.register_model(model_uri, name)
    _tag(mlflow, name, version.version, told)
    if alias is not None:
        promote(name, version.version, alias)
    return mlflow.MlflowClient().get_model_version(name, str(version.version))


def promote(name: str, version: Union[int, str], alias: str = 'champion') -> Optional[str]:
    """Gives an alias to a version of a registered model, after it was fetched, held against
    its digest and loaded. Answers with the version that had the alias before, which is the
    way back, or None."""
    mlflow = _mlflow()
    client = mlflow.MlflowClient()
    found = client.get_model_version(name, str(version))
    with _fetched(mlflow, 'models:/%s/%s' % (name, version)) as folder:
        with _open(folder, digest=True) as model:
            told = found.tags.get('sentiment.sha256')
            if told is not None and told != model.info.sha256:
                raise BadModelError('%s version %s has SHA-256 %s; it was registered with %s'
                                    % (name, version, model.info.sha256, told))
    aliases = client.get_registered_model(name).aliases
    client.set_registered_model_alias(name, alias, str(version))
    before = aliases.get(alias)
    return None if before is None else str(before)


def _tag(mlflow: Any, name: Optional[str], version: Any, tags: Mapping[str, str]) -> None:
    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(name, str(version), key, value)


# ---------------------------------------------------------------- loading

def load_model(model_uri: str, **options: Any) -> Model:
    """The sentiment.Model of what was logged, saved or registered: a path, 'runs:/...',
    'models:/NAME/VERSION' or 'models:/NAME@ALIAS'. Takes the options of Model.load. It is
    held against its digest."""
    with _fetched(_mlflow(), model_uri) as folder:
        return _open(folder, **options)


@contextlib.contextmanager
def _fetched(mlflow: Any, model_uri: str) -> Iterator[str]:
    """The folder with the native file: that of a saved model, or a copy for as long."""
    with tempfile.TemporaryDirectory() as scratch:
        local = os.path.isdir(model_uri)
        folder = model_uri if local else mlflow.artifacts.download_artifacts(
            artifact_uri=model_uri, dst_path=scratch)
        flavors = mlflow.models.Model.load(folder).flavors
        if FLAVOR_NAME not in flavors:
            raise ValueError('%s: expected a model of the flavour %s, this one has %s'
                             % (model_uri, FLAVOR_NAME, ', '.join(flavors)))
        yield os.path.join(folder, flavors[FLAVOR_NAME]['data'])


def _open(folder: str, **options: Any) -> Model:
    """Loads what _stage() put there, if it is still that. From memory, so that the folder may
    go."""
    path = os.path.join(folder, _FILE)
    with open(path, 'rb') as file:
        data = file.read()
    with open(os.path.join(folder, _SUMS), encoding='ascii') as file:
        told = file.read().split()[:1]
    real = hashlib.sha256(data).hexdigest()
    if told != [real]:
        raise BadModelError('%s has SHA-256 %s; %s expects %s'
                            % (path, real, _SUMS, ' '.join(told) or 'nothing'))
    return Model.load(data, **options)


def _load_pyfunc(path: str, model_config: Optional[Mapping[str, Any]] = None) -> _Pyfunc:
    """What MLflow calls for mlflow.pyfunc.load_model and its servers."""
    return _Pyfunc(_open(path, **_checked(model_config)))


class _Pyfunc:
    """The model as MLflow asks it: texts in, a table out."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Optional[Mapping[str, Any]] = None) -> Any:
        """A pandas.DataFrame with a row for each text: prediction, label, confidence,
        probabilities. The first text that has no answer is an error.

        model_input: texts, or a table whose first column is `text` or has no name.
        params: max_length, the tokens used of each text.
        """
        pandas = importlib.import_module('pandas')
        limit = int((params or {}).get('max_length') or 0)
        texts = _texts(model_input)
        try:
            batch = self.model.predict_batch(texts, limit)
        except (TypeError, ValueError) as problem:
            raise _refusal(str(problem)) from problem
        if batch.missing:
            raise _refusal('text %d is missing' % batch.missing[0])
        for place, error in batch.errors.items():
            raise _refusal('text %d: %s' % (place, error.message)) from error
        return pandas.DataFrame({
            'prediction': [answer.prediction for answer in batch],
            'label': [answer.label for answer in batch],
            'confidence': [answer.confidence for answer in batch],
            'probabilities': [list(answer.probabilities) for answer in batch]})


def _texts(given: Any) -> List[Any]:
    """The texts of an input; MLflow makes tables of lists, with numbers for names."""
    if isinstance(given, str):
        return [given]
    columns = getattr(given, 'columns', None)
    if columns is None:
        return list(given)
    names = list(columns)
    if not names or (isinstance(names[0], str) and names[0] != 'text'):
        raise _refusal('expected a table whose first column is `text`, this one has %s'
                       % (', '.join(map(repr, names)) or 'none'))
    column = given.iloc[:, 0].astype(object)
    return list(column.where(column.notna(), None))


def _refusal(message: str) -> Exception:
    """An error of the input. MLflow's servers tell their clients the text of their own
    exception alone, and what is not that as a failure of the model."""
    theirs = sys.modules.get('mlflow.exceptions')
    if theirs is None:
        return ValueError(message)
    made: Exception = theirs.MlflowException.invalid_parameter_value(message)
    return made
