# SPDX-License-Identifier: Apache-2.0
"""The guide's StructuredLogger: an object of JSON a line, with the guide's fields.

Lines go to standard error, and to a file if one is named. Texts are never written, only
their length. A line that cannot be written is lost; the request goes on.
"""
import json
import logging
import threading
from datetime import datetime, timezone

LEVELS = ('debug', 'info', 'warning', 'error', 'critical')


class StructuredLogger:
    """Writes predictions, errors and metrics; threads may share one."""

    def __init__(self, log_file=None, level='info'):
        if str(level).lower() not in LEVELS:
            raise ValueError('log level: expected one of %s, not %r' % (', '.join(LEVELS), level))
        self.logger = logging.getLogger('nlp_model')
        self.logger.setLevel(level.upper())
        self.logger.propagate = False
        for old in self.logger.handlers[:]:
            self.logger.removeHandler(old)
            old.close()
        self.logger.addHandler(logging.StreamHandler())
        if log_file:
            self.logger.addHandler(logging.FileHandler(log_file, encoding='utf-8'))
        self._lock = threading.Lock()
        self._count, self._confidence, self._seconds = 0, 0.0, 0.0

    def _write(self, level, event_type, **fields):
        if self.logger.isEnabledFor(level):
            now = datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ')
            self.logger.log(level, json.dumps({
                'timestamp': now, 'level': logging.getLevelName(level).lower(),
                'event_type': event_type, **fields}))

    def log_prediction(self, text, prediction, confidence, processing_time, user_id=None):
        """One answer."""
        with self._lock:
            self._count += 1
            self._confidence += confidence
            self._seconds += processing_time
        self._write(logging.INFO, 'prediction', text_length=len(text), prediction=prediction,
                    confidence=confidence, processing_time=processing_time, user_id=user_id)

    def log_error(self, error, context=None):
        """What was refused or failed, and what is known of it."""
        self._write(logging.ERROR, 'error', error=str(error), context=context or {})

    def log_model_metrics(self, metrics):
        """Figures of the model's work."""
        self._write(logging.INFO, 'metrics', metrics=metrics)

    def log_totals(self):
        """The figures of all predictions that this logger has seen, if there were any."""
        with self._lock:
            count, confidence, seconds = self._count, self._confidence, self._seconds
        if count:
            self.log_model_metrics({'total_predictions': count,
                                    'avg_confidence': confidence / count,
                                    'avg_processing_time': seconds / count})
