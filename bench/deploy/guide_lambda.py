# SPDX-License-Identifier: Apache-2.0
"""The deployment guide's Lambda handler on PyTorch, as a rival.

Its module, its tokenizer, its padding to 512 and its answers are written here as the
guide describes them. Where the guide says to load the model from a storage of one's own,
this takes the guide folder that MODEL_PATH names.
"""
import json
import os
import pickle
import sys

import boto3  # noqa: F401  pylint: disable=unused-import  # the guide's handler imports it
import torch

loaded = {}


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


def load_model():
    """Model and tokenizer, once."""
    if not loaded:
        folder = os.environ['MODEL_PATH']
        with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
            model = SentimentClassifier(**json.load(file)['model_params'])
        model.load_state_dict(torch.load(os.path.join(folder, 'model.pth'), map_location='cpu'))
        model.eval()
        # The pickle names the class as one of the program's main module.
        sys.modules['__main__'].SimpleTokenizer = SimpleTokenizer
        with open(os.path.join(folder, 'tokenizer.pkl'), 'rb') as file:
            loaded.update(model=model, tokenizer=pickle.load(file))
    return loaded['model'], loaded['tokenizer']


def preprocess(tokenizer, text, max_length):
    """A tensor [1, max_length], cut or padded with 0."""
    ids = tokenizer.encode(text)[:max_length]
    return torch.tensor([ids + [0] * (max_length - len(ids))], dtype=torch.long)


def lambda_handler(event, context):  # pylint: disable=unused-argument
    """AWS Lambda calls this for each event."""
    try:
        model, tokenizer = load_model()
        text = json.loads(event['body']).get('text', '')
        if not text:
            return {'statusCode': 400, 'body': json.dumps({'error': 'Text is required'})}
        with torch.no_grad():
            outputs = model(preprocess(tokenizer, text, 512))
            probabilities = torch.softmax(outputs, dim=1)
            prediction = torch.argmax(outputs, dim=1).item()
        response = {'prediction': prediction, 'confidence': probabilities[0][prediction].item(),
                    'probabilities': probabilities[0].tolist()}
        return {'statusCode': 200,
                'headers': {'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*'},
                'body': json.dumps(response)}
    except Exception as problem:  # pylint: disable=broad-except
        return {'statusCode': 500, 'body': json.dumps({'error': str(problem)})}
