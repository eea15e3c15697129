# SPDX-License-Identifier: Apache-2.0
"""The guide's Flask service on PyTorch, as a rival: GUIDE_FOLDER names the model's folder.

The route is written as the guide describes it; network, tokenizer and padding to 512 are
those of bench/serve/guide_app.py.
"""
import logging
import time

import guide_fastapi
import torch
from flask import Flask, jsonify, request
from guide_fastapi import guide_app

app = Flask(__name__)
logging.basicConfig(level=logging.INFO)
logger = logging.getLogger(__name__)


@app.route('/predict', methods=['POST'])
def predict():
    """One text."""
    try:
        data = request.get_json()
        text = data.get('text', '')
        if not text:
            return jsonify({'error': 'Text is required'}), 400
        start = time.time()
        rows = guide_app.preprocess(text, data.get('max_length', 512))
        with torch.no_grad():
            outputs = guide_app.state['model'](rows)
            probabilities = torch.softmax(outputs, dim=1)
            prediction = torch.argmax(outputs, dim=1).item()
        seconds = time.time() - start
        logger.info('Prediction completed in %.4fs', seconds)
        return jsonify({'prediction': prediction,
                        'confidence': probabilities[0][prediction].item(),
                        'probabilities': probabilities[0].tolist(), 'processing_time': seconds})
    except Exception as problem:
        logger.error('Prediction error: %s', problem)
        return jsonify({'error': str(problem)}), 500


@app.route('/health')
def health():
    """For whoever waits for the start."""
    return jsonify({'status': 'healthy', 'model_loaded': bool(guide_fastapi.app)})
