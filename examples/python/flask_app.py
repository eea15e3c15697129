# SPDX-License-Identifier: Apache-2.0
"""The guide's Flask service on libsentiment: gunicorn flask_app:app --workers 4

Or `python flask_app.py`, with Flask's own server, to try it: on $PORT, by default 5000.
Refusals are objects with an `error`, as the guide's are.
"""
import atexit
import os
from time import perf_counter

import metrics
from flask import Flask, Response, jsonify, request
from flask_bodies import read_text, read_texts
from sentiment import InvalidUtf8Error
from service import MAX_BODY, log, model, processor, record
from werkzeug.exceptions import HTTPException

app = Flask(__name__)
app.config['MAX_CONTENT_LENGTH'] = MAX_BODY
app.json.sort_keys = False
app.wsgi_app = metrics.WsgiMetrics(app.wsgi_app)
atexit.register(log.log_totals)


@app.errorhandler(HTTPException)
def refuse(problem):
    if problem.code >= 500:
        cause = getattr(problem, 'original_exception', None) or problem
        log.log_error(cause, {'route': request.path})
    fields = [field for field in problem.get_headers() if field[0] != 'Content-Type']
    return jsonify(error=problem.description), problem.code, fields


@app.errorhandler(InvalidUtf8Error)
def refuse_text(problem):
    return jsonify(error=str(problem)), 400


def finish(start, texts, predictions, confidences):
    """The seconds since `start`, recorded with the answers."""
    seconds = perf_counter() - start
    record(texts, predictions, confidences, seconds, request.headers.get('X-User-Id'))
    return seconds


@app.route('/predict', methods=['POST'])
def predict():
    text, max_length = read_text()
    start = perf_counter()
    result = model.predict(text, max_length)
    seconds = finish(start, [text], [result.prediction], [result.confidence])
    return jsonify(prediction=result.prediction, confidence=result.confidence,
                   probabilities=result.probabilities, processing_time=seconds)


@app.route('/predict_batch', methods=['POST'])
def predict_batch():
    texts, max_length = read_texts()
    start = perf_counter()
    found = processor.process_batch(texts, max_length)
    predictions, confidences = found['predictions'], found['confidences']
    seconds = finish(start, texts, predictions, confidences)
    return jsonify(predictions=predictions, confidences=confidences, processing_time=seconds)


@app.route('/health')
def health():
    return jsonify(status='healthy', model_loaded=not model.closed)


@app.route('/model_info')
def model_info():
    return jsonify(model_type='SentimentClassifier', parameters=model.info.parameters)


@app.route('/metrics')
def show_metrics():
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


if __name__ == '__main__':
    app.run(host='0.0.0.0', port=int(os.environ.get('PORT', 5000)))
