# SPDX-License-Identifier: Apache-2.0
"""What the deployment guide's service does with a text, as a rival: guide.py
WEIGHTS THREADS. Lower, split, look up, cut or pad to 512, run the module, softmax,
argmax, and lists of Python floats; batches in a loop. WEIGHTS as for onednn.c.
Speaks the protocol of worker.h.

guide.py WEIGHTS THREADS TOKENS COUNT instead prints the seconds of each of the
first COUNT texts of TOKENS, which has a JSON list of ids a line."""
import json
import sys
import time

import torch

import libtorch
import worker

MAX_LENGTH = 512


class Service:
    """The guide's global model and tokenizer, and its function."""

    def __init__(self, path):
        self.model = libtorch.load(path)
        self.ids = {f'word{i}': i for i in range(self.model.embedding.num_embeddings)}

    def preprocess(self, text):
        """A text as the tensor [1, 512] that the module reads."""
        tokens = [self.ids.get(word, 0) for word in text.lower().split()][:MAX_LENGTH]
        return torch.tensor([tokens + [0] * (MAX_LENGTH - len(tokens))], dtype=torch.long)

    def predict(self, text):
        """One text's answer as the guide's JSON has it, and the logits."""
        rows = self.preprocess(text)
        with torch.no_grad():
            outputs = self.model(rows)
            probabilities = torch.softmax(outputs, dim=1)
            prediction = torch.argmax(outputs, dim=1).item()
            confidence = probabilities[0][prediction].item()
        return (prediction, confidence, probabilities[0].tolist()), outputs[0]


def to_text(ids):
    """A text whose words have these ids."""
    return ' '.join(f'word{i}' for i in ids)


def main():
    """Serves cases, or measures texts."""
    torch.set_num_threads(int(sys.argv[2]))
    service = Service(sys.argv[1])
    if len(sys.argv) == 3:
        worker.serve(lambda texts: torch.stack([service.predict(text)[1] for text in texts]),
                     lambda ids, words: [to_text(row) for row in ids[:, :words].tolist()])
        return
    with open(sys.argv[3], encoding='utf-8') as file:
        texts = [to_text(json.loads(line)) for line in file][:int(sys.argv[4])]
    seconds = []
    for text in texts[:3] + texts:
        start = time.perf_counter()
        service.predict(text)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[3:]))


main()
