# SPDX-License-Identifier: Apache-2.0
"""A service as people write it with ONNX Runtime, as a rival: onnx_app.py MODEL.onnx
TOKENIZER.pkl PORT. FastAPI, the same route and answers as the guide's, no padding, the
network in ONNX Runtime with as many threads as it likes."""
import pickle
import sys
import time
from typing import List

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class SimpleTokenizer:
    """The guide's: lower case, whitespace, 0 for a word that it does not know."""

    def encode(self, text):
        """Ids of the words."""
        return [self.word_to_idx.get(word, 0) for word in text.lower().split()]


class Request(BaseModel):
    """Body of /predict."""
    text: str
    max_length: int = 512


class Response(BaseModel):
    """Answer of /predict."""
    prediction: int
    confidence: float
    probabilities: List[float]
    processing_time: float


@app.post('/predict', response_model=Response)
async def predict(request: Request):
    """One text."""
    start = time.time()
    ids = tokenizer.encode(request.text)[:request.max_length] or [0]
    logits = session.run(['output'], {'input': np.array([ids], dtype=np.int64)})[0][0]
    powers = np.exp(logits - logits.max())
    probabilities = powers / powers.sum()
    prediction = int(probabilities.argmax())
    return Response(prediction=prediction, confidence=float(probabilities[prediction]),
                    probabilities=probabilities.tolist(), processing_time=time.time() - start)


@app.get('/health')
async def health():
    """For whoever waits for the start."""
    return {'status': 'healthy'}


if __name__ == '__main__':
    session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
    with open(sys.argv[2], 'rb') as pickled:
        tokenizer = pickle.load(pickled)
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[3]), log_level='warning')
