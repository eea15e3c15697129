# SPDX-License-Identifier: Apache-2.0
"""The guide's Prometheus metrics, with middleware for FastAPI and for Flask.

Names and buckets are those of `sentiment serve`. Where several processes serve, they
share $PROMETHEUS_MULTIPROC_DIR, an empty folder at the start, and whoever is asked
answers for all; gunicorn.conf.py takes care of that for gunicorn.
"""
import os
from time import perf_counter

from prometheus_client import (REGISTRY, CollectorRegistry, Counter, Gauge, Histogram,
                               disable_created_metrics, generate_latest, multiprocess)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

SECONDS = (.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)
SHARES = (.5, .55, .6, .65, .7, .75, .8, .85, .9, .95, .99, 1)
ROUTES = ('/predict', '/predict_batch', '/health', '/model_info', '/metrics')

disable_created_metrics()
PREDICTIONS = Counter('nlp_predictions_total', 'Predictions by class.', ['prediction'])
DURATION = Histogram('nlp_prediction_duration_seconds', 'Time of a request for predictions.',
                     buckets=SECONDS)
CONFIDENCE = Histogram('nlp_prediction_confidence',
                       'Probability of the class that was predicted.', buckets=SHARES)
MODEL_LOADED = Gauge('nlp_model_loaded', '1 while the model is in memory.',
                     multiprocess_mode='livemax')
REQUESTS = Counter('nlp_http_requests_total', 'HTTP answers by route and status.',
                   ['route', 'code'])


def observe_prediction(label, confidence):
    """Counts one answer."""
    PREDICTIONS.labels(label).inc()
    CONFIDENCE.observe(confidence)


def observe_request(path, code, seconds):
    """Counts a request. Paths that do not exist share one name: strangers choose them."""
    REQUESTS.labels(path if path in ROUTES else 'other', code).inc()
    if path.startswith('/predict') and path in ROUTES:
        DURATION.observe(seconds)


def exposition():
    """The body of /metrics. Its form is the one that every Prometheus reads."""
    registry = REGISTRY
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


class AsgiMetrics:
    """Times the requests of FastAPI: app.add_middleware(AsgiMetrics)."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        started, code = perf_counter(), 500

        async def watch(message):
            nonlocal code
            if message['type'] == 'http.response.start':
                code = message['status']
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            observe_request(scope['path'], code, perf_counter() - started)


class WsgiMetrics:
    """Times the requests of Flask: app.wsgi_app = WsgiMetrics(app.wsgi_app)."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        started, code = perf_counter(), 500

        def watch(status, *rest):
            nonlocal code
            code = int(status.split()[0])
            return start_response(status, *rest)

        try:
            return self.app(environ, watch)
        finally:
            observe_request(environ.get('PATH_INFO', ''), code, perf_counter() - started)
