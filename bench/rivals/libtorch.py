# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a rival: libtorch.py WEIGHTS MODE THREADS, with mode eager, script
or int8 (dynamic quantization). WEIGHTS as for onednn.c. Speaks the protocol of
worker.h."""
import sys

import numpy as np
import torch

import worker


class SentimentClassifier(torch.nn.Module):
    """The network of the deployment guide."""

    def __init__(self, vocab, embed, hidden, classes):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab, embed)
        self.lstm = torch.nn.LSTM(embed, hidden, batch_first=True)
        self.fc = torch.nn.Linear(hidden, classes)

    def forward(self, x):
        """Logits of rows of token ids."""
        output, _ = self.lstm(self.embedding(x))
        return self.fc(output.mean(dim=1))


def load(path):
    """The network with the weights of a file."""
    raw = np.fromfile(path, dtype=np.uint8)
    vocab, embed, hidden, classes = (int(v) for v in raw[:32].view(np.uint64))
    model = SentimentClassifier(vocab, embed, hidden, classes)
    at = 48
    state = {}
    for name, shape in (('embedding.weight', (vocab, embed)),
                        ('lstm.weight_ih_l0', (4 * hidden, embed)),
                        ('lstm.weight_hh_l0', (4 * hidden, hidden)),
                        ('lstm.bias_ih_l0', (4 * hidden,)),
                        ('fc.weight', (classes, hidden)), ('fc.bias', (classes,))):
        size = 4 * int(np.prod(shape))
        state[name] = torch.from_numpy(raw[at:at + size].view(np.float32).reshape(shape).copy())
        at += size
    state['lstm.bias_hh_l0'] = torch.zeros(4 * hidden)
    model.load_state_dict(state)
    return model.eval()


def main():
    """Prepares the model as the mode says and serves."""
    model, mode = load(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(int(sys.argv[3]))
    if mode == 'script':
        model = torch.jit.freeze(torch.jit.script(model))
    elif mode == 'int8':
        model = torch.quantization.quantize_dynamic(
            model, {torch.nn.LSTM, torch.nn.Linear}, dtype=torch.qint8)

    def run(ids):
        with torch.no_grad():
            return model(torch.from_numpy(ids)).numpy()

    worker.serve(run)


if __name__ == '__main__':
    main()
