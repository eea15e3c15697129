# SPDX-License-Identifier: Apache-2.0
"""What both services share: the model, the log, the bounds, and how an answer is recorded.

MODEL_PATH names the model (a file or folder; by default the bundled one), LOG_LEVEL the
least level that is logged, LOG_FILE a second place for the log. The model is loaded when
this module is imported: before workers are forked, and never by a request.
"""
import os

import metrics
import sentiment
from batch_processor import BatchProcessor
from structured_logger import StructuredLogger

MAX_BODY = 2 << 20  # bytes of a request
MAX_TEXT = 65536    # characters of a text
MAX_TEXTS = 256     # texts of a batch
MAX_LENGTH = 65536  # tokens that may be asked for

log = StructuredLogger(os.environ.get('LOG_FILE'), os.environ.get('LOG_LEVEL') or 'info')
_path = os.environ.get('MODEL_PATH')
model = sentiment.Model.load(_path) if _path else sentiment.Model.default()
processor = BatchProcessor(model)
metrics.MODEL_LOADED.set(1)


def record(texts, predictions, confidences, seconds, user_id):
    """Counts and logs the answers of a request."""
    for text, prediction, confidence in zip(texts, predictions, confidences):
        metrics.observe_prediction(model.labels[prediction], confidence)
        log.log_prediction(text, prediction, confidence, seconds, user_id)
