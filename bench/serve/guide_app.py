# SPDX-License-Identifier: Apache-2.0
"""The deployment guide's FastAPI service on PyTorch, as a rival: guide_app.py FOLDER PORT.

FOLDER is a guide folder (model.pth, tokenizer.pkl, config.json). Its module, its
tokenizer, its padding to max_length and its route are written here as the guide
describes them: every text is padded to 512 tokens and the event loop computes.
"""
import json
import os
import pickle
import sys
import time
from typing import List

import torch
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()


class SentimentClassifier(torch.nn.Module):
    """Embedding, LSTM, mean over all positions, linear."""

    def __init__(self, vocab_size, embedding_dim, hidden_size, num_classes):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, embedding_dim)
        self.lstm = torch.nn.LSTM(embedding_dim, hidden_size, batch_first=True)
        self.fc = torch.nn.Linear(hidden_size, num_classes)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, rows):
        """Logits of rows of token ids."""
        states, _ = self.lstm(self.embedding(rows))
        return self.fc(self.dropout(states.mean(dim=1)))


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


def preprocess(text, max_length):
    """A tensor [1, max_length], cut or padded with 0."""
    ids = state['tokenizer'].encode(text)[:max_length]
    return torch.tensor([ids + [0] * (max_length - len(ids))], dtype=torch.long)


@app.post('/predict', response_model=Response)
async def predict(request: Request):
    """One text."""
    start = time.time()
    try:
        rows = preprocess(request.text, request.max_length)
        with torch.no_grad():
            outputs = state['model'](rows)
            probabilities = torch.softmax(outputs, dim=1)
            prediction = torch.argmax(outputs, dim=1).item()
            confidence = probabilities[0][prediction].item()
        return Response(prediction=prediction, confidence=confidence,
                        probabilities=probabilities[0].tolist(),
                        processing_time=time.time() - start)
    except Exception as problem:
        raise HTTPException(status_code=500, detail=str(problem)) from problem


@app.get('/health')
async def health():
    """For whoever waits for the start."""
    return {'status': 'healthy'}


def load(folder):
    """Model and tokenizer of a guide folder."""
    with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
        model = SentimentClassifier(**json.load(file)['model_params'])
    model.load_state_dict(torch.load(os.path.join(folder, 'model.pth'), map_location='cpu'))
    model.eval()
    with open(os.path.join(folder, 'tokenizer.pkl'), 'rb') as file:
        return {'model': model, 'tokenizer': pickle.load(file)}


if __name__ == '__main__':
    state = load(sys.argv[1])
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[2]), log_level='warning')
