# SPDX-License-Identifier: Apache-2.0
"""The guide's FastAPI service on libsentiment: uvicorn fastapi_app:app --port 8000

A text that may take long is computed by another thread, so that the event loop goes on; a
short one is answered sooner than a thread wakes up.
"""
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated, Optional

import metrics
from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_bodies import BatchRequest, BatchResponse, PredictionResponse, TextRequest
from service import MAX_BODY, log, model, processor, record

SHORT = 1000 if model.info.padding == 'none' else 0  # characters; padding makes all long
User = Annotated[Optional[str], Header(alias='X-User-Id')]


@asynccontextmanager
async def lifespan(_):
    yield
    processor.close()
    log.log_totals()


app = FastAPI(title='NLP Model API', version='1.0.0', lifespan=lifespan, max_body_size=MAX_BODY)
app.add_middleware(metrics.AsgiMetrics)


@app.exception_handler(RequestValidationError)
async def refuse(request: Request, problem: RequestValidationError):
    # Not what was sent: that need be no valid Unicode, and belongs to the client.
    told = [{key: one[key] for key in ('type', 'loc', 'msg')} for one in problem.errors()]
    return JSONResponse({'detail': told}, 422)


@app.exception_handler(Exception)
async def fail(request: Request, problem: Exception):
    log.log_error(problem, {'route': request.url.path})
    return JSONResponse({'detail': 'Internal Server Error'}, 500)


@app.post('/predict', response_model=PredictionResponse)
async def predict(request: TextRequest, user: User = None):
    text, limit, start = request.text, request.max_length or 0, perf_counter()
    if not text:
        raise HTTPException(400, 'Text is required')
    result = (model.predict(text, limit) if len(text) <= SHORT
              else await run_in_threadpool(model.predict, text, limit))
    seconds = perf_counter() - start
    record([text], [result.prediction], [result.confidence], seconds, user)
    return PredictionResponse(prediction=result.prediction, confidence=result.confidence,
                              probabilities=result.probabilities, processing_time=seconds)


@app.post('/predict_batch', response_model=BatchResponse)
async def predict_batch(request: BatchRequest, user: User = None):
    start = perf_counter()
    found = await processor.process_async(request.texts, request.max_length or 0)
    predictions, confidences = found['predictions'], found['confidences']
    seconds = perf_counter() - start
    record(request.texts, predictions, confidences, seconds, user)
    return BatchResponse(predictions=predictions, confidences=confidences, processing_time=seconds)


@app.get('/health')
async def health():
    return {'status': 'healthy', 'model_loaded': not model.closed}


@app.get('/model_info')
async def model_info():
    return {'model_type': 'SentimentClassifier', 'vocab_size': model.info.vocab_size,
            'embedding_dim': model.info.embedding_dim, 'hidden_size': model.info.hidden_size,
            'num_classes': model.info.num_classes}


@app.get('/metrics')
async def show_metrics():
    return Response(metrics.exposition(), headers={'Content-Type': metrics.CONTENT_TYPE})
