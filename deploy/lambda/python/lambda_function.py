# SPDX-License-Identifier: Apache-2.0
"""The guide's handler for AWS Lambda behind API Gateway, on libsentiment.

Lambda imports this module once, which loads the model, and calls lambda_handler for each
event: of REST APIs (payload format 1.0), of HTTP APIs (2.0), or the guide's bare
{"body": ...}. It answers as the C runtime, tools/lambda/, does. Settings are variables of
the environment: MODEL_PATH, MODEL_S3_URI, MODEL_SHA256, CORS_ORIGIN.
"""
import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import tempfile
import threading
import time

import sentiment

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_TEXTS, MAX_TOKENS = 4096, 65536
# Milliseconds that are left for writing the answer and sending it.
MARGIN = 200
PREFLIGHT = {
    'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
    'Access-Control-Allow-Headers':
        'Authorization, Content-Type, X-Amz-Date, X-Amz-Security-Token, X-Api-Key',
    'Access-Control-Max-Age': '600'}


class Refusal(Exception):
    """A request that gets no prediction: its status and why."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


# ------------------------------------------------------------------ the model

def check_digest(path, name):
    """Holds a file against MODEL_SHA256, where that is set."""
    wanted = os.environ.get('MODEL_SHA256')
    if not wanted:
        return
    if not re.fullmatch('[0-9a-f]{64}', wanted):
        raise ValueError('MODEL_SHA256 is %r: expected 64 lower-case hexadecimal digits' % wanted)
    with open(path, 'rb') as file:
        real = hashlib.sha256(file.read()).hexdigest()
    if real != wanted:
        raise ValueError('%s: its SHA-256 is %s, MODEL_SHA256 says %s' % (name, real, wanted))


def load_model_from_s3(uri):
    """The model of s3://BUCKET/KEY, by way of /tmp."""
    import boto3  # pylint: disable=import-outside-toplevel  # part of Lambda; slow to import
    found = re.fullmatch(r's3://([a-z0-9][a-z0-9.-]{2,62})/(.+)', uri)
    if not found:
        raise ValueError('MODEL_S3_URI is %r: expected s3://BUCKET/KEY' % uri)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'model')
        try:
            boto3.client('s3').download_file(found[1], found[2], path)
        except Exception as problem:
            raise RuntimeError('%s: %s' % (uri, problem)) from problem
        check_digest(path, uri)
        return sentiment.Model.load(path)


def load_model():
    """From S3, from a path, or the file beside this module."""
    uri, path = os.environ.get('MODEL_S3_URI'), os.environ.get('MODEL_PATH')
    if uri:
        return load_model_from_s3(uri)
    path = path or os.path.join(HERE, 'model.safetensors')
    check_digest(path, path)
    return sentiment.Model.load(path)


def origin():
    """Access-Control-Allow-Origin."""
    value = os.environ.get('CORS_ORIGIN') or '*'
    if not re.fullmatch(r'[!-~]+', value):
        raise ValueError("CORS_ORIGIN: expected '*' or one origin")
    return value


MODEL = load_model()
ORIGIN = origin()


# ----------------------------------------------------------------- the request

def body_of(event):
    """The body as bytes; an event of another kind is an error of the invocation."""
    body = event.get('body')
    if body is None:
        return b''
    if not isinstance(body, str):
        raise ValueError('expected an event of API Gateway: its body is no string')
    if event.get('isBase64Encoded') is not True:
        return body.encode('utf-8', 'surrogatepass')
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, 'the body is not base64, as the event says') from None


def unique(pairs):
    """An object whose keys stand once."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError('a key stands twice')
    return made


def refuse_constant(name):
    """NaN and infinities are not JSON."""
    raise ValueError(name)


def read_object(body):
    """The body as a JSON object."""
    try:
        root = json.loads(body.decode('utf-8'), object_pairs_hook=unique,
                          parse_constant=refuse_constant, parse_int=float)
    except (ValueError, RecursionError):
        raise Refusal(400, 'the body is not valid JSON') from None
    if not isinstance(root, dict):
        raise Refusal(400, 'expected a JSON object with text or texts')
    if 'texts' in root and 'text' in root:
        raise Refusal(400, 'either text or texts, not both')
    return root


def max_length_of(root):
    """The member max_length; 0: the model's."""
    value = root.get('max_length')
    if value is None:
        return 0
    if not isinstance(value, float) or not 1 <= value <= MAX_TOKENS or value != int(value):
        raise Refusal(400, 'max_length: expected a whole number from 1 to %d' % MAX_TOKENS)
    return int(value)


def texts_of(root):
    """The texts of a request."""
    texts = root.get('texts')
    if 'texts' not in root:
        text = root.get('text')
        if text is not None and not isinstance(text, str):
            raise Refusal(400, 'text: expected a string')
        if not text:
            raise Refusal(400, 'Text is required')
        return [text]
    if not isinstance(texts, list):
        raise Refusal(400, 'texts: expected a list of strings')
    if len(texts) > MAX_TEXTS:
        raise Refusal(413, '%d texts, at most %d' % (len(texts), MAX_TEXTS))
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise Refusal(422, 'texts[%d]: expected a string' % index)
    return texts


# ------------------------------------------------------------------ the answer

def predict(texts, max_length, seconds):
    """Results of all texts; work that takes longer is stopped."""
    if seconds <= 0:
        raise Refusal(504, 'the time of this request is over')
    with sentiment.Cancel() as cancel:
        timer = threading.Timer(seconds, cancel.request)
        timer.start()
        try:
            return list(MODEL.predict_batch(texts, max_length, cancel=cancel))
        except sentiment.CancelledError:
            raise Refusal(504, 'the time of this request is over') from None
        finally:
            timer.cancel()
            timer.join()


def short(number):
    """With the digits that give the same single-precision float again."""
    return float('%.9g' % number)


def answer_post(event, seconds):
    """The guide's answer to one text, or to many."""
    root = read_object(body_of(event))
    max_length = max_length_of(root)
    texts = texts_of(root)
    started = time.perf_counter()
    try:
        results = predict(texts, max_length, seconds)
        flags = [list(result.flags) for result in results]
    except UnicodeError:
        raise Refusal(400, 'the body is not valid JSON') from None
    except sentiment.SentimentError as problem:
        raise Refusal(500, 'the model failed: %s' % problem) from problem
    if 'texts' in root:
        answer = {'predictions': [result.prediction for result in results],
                  'confidences': [short(result.confidence) for result in results],
                  'processing_time': time.perf_counter() - started}
        return dict(answer, flags=flags) if any(flags) else answer
    result, = results
    answer = {'prediction': result.prediction, 'confidence': short(result.confidence),
              'probabilities': [short(number) for number in result.probabilities]}
    return dict(answer, flags=flags[0]) if flags[0] else answer


def route(event):
    """Method and last part of the path; None for what API Gateway does not send."""
    context = event.get('requestContext')
    http = context.get('http') if isinstance(context, dict) else None
    if isinstance(http, dict):
        method, path = http.get('method'), event.get('rawPath')
    elif 'httpMethod' not in event and 'body' in event:
        method, path = 'POST', '/'
    else:
        method, path = event.get('httpMethod'), event.get('path')
    if not isinstance(method, str):
        return None, ''
    return method.upper(), str(path or '').rpartition('/')[2]


def answer_event(event, seconds):
    """Status and body of the answer; no body where there is none."""
    method, name = route(event) if isinstance(event, dict) else (None, '')
    if method is None:
        raise ValueError('expected an event of API Gateway (REST or HTTP API), or '
                         '{"body": "..."}')
    if method == 'OPTIONS':
        return 204, None
    if method in ('GET', 'HEAD') and name == 'health':
        return 200, {'status': 'healthy', 'model_loaded': True}
    try:
        if method != 'POST':
            raise Refusal(405, 'POST a JSON body with text or texts; GET is for health alone')
        return 200, answer_post(event, seconds)
    except Refusal as refusal:
        return refusal.status, {'error': str(refusal)}


def lambda_handler(event, context):
    """AWS Lambda calls this for each event."""
    started = time.perf_counter()
    status, body = answer_event(event, (context.get_remaining_time_in_millis() - MARGIN) / 1000)
    headers = {'Access-Control-Allow-Origin': ORIGIN}
    if body is not None:
        headers['Content-Type'] = 'application/json'
    if status == 405:
        headers['Allow'] = 'POST, OPTIONS'
    if status == 204:
        headers.update(PREFLIGHT)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='milliseconds')
    print(json.dumps({'timestamp': now.replace('+00:00', 'Z'),
                      'level': 'WARN' if status >= 500 else 'INFO', 'message': 'request',
                      'requestId': context.aws_request_id, 'status': status,
                      'milliseconds': round(1000 * (time.perf_counter() - started), 3)}),
          flush=True)
    return {'statusCode': status, 'headers': headers,
            'body': '' if body is None else json.dumps(body), 'isBase64Encoded': False}
