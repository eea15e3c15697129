# SPDX-License-Identifier: Apache-2.0
"""The guide's BatchProcessor: many texts, in batches, on a pool of threads.

Answers come in the order of the texts, and each is to the bit what Model.predict gives
alone. A batch is one call of the library, which lets other threads run meanwhile. When
the caller of process_async is cancelled, so is the work: what runs ends before its next
text, what waits never begins.
"""
import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import sentiment


def check(texts):
    """The texts as a list; what is no text is refused with its place."""
    if isinstance(texts, (str, bytes)):
        raise TypeError('expected a list of texts, not one text')
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise TypeError('text %d: expected a string, not %s' % (index, type(text).__name__))
    return texts


class BatchProcessor:
    """Shares a model between threads; any number of callers may use one."""

    def __init__(self, model, batch_size=32, max_workers=4):
        for name, value in (('batch_size', batch_size), ('max_workers', max_workers)):
            if type(value) is not int or value < 1:
                raise ValueError('%s: expected a whole number from 1 on, not %r' % (name, value))
        self.model = model
        self.batch_size = batch_size
        self.max_workers = max_workers
        self._executor = None
        self._owner = None

    @property
    def executor(self):
        """The threads. A child of fork() gets its own: those of the parent stayed there."""
        if self._owner != os.getpid():
            self._executor = ThreadPoolExecutor(self.max_workers, 'batch')
            self._owner = os.getpid()
        return self._executor

    def process_batch(self, texts, max_length=0):
        """Answers for texts in one call of the library. max_length: tokens used of each;
        0: the model's own limit."""
        return self._process(check(texts), max_length, 0, None)

    def _process(self, texts, max_length, first, cancel):
        """Answers for a batch that begins with text number `first`."""
        batch = self.model.predict_batch(texts, max_length, cancel=cancel)
        for index, error in batch.errors.items():
            raise type(error)('text %d: %s' % (first + index, error.message), error.offset)
        return {'predictions': batch.predictions.tolist(),
                'confidences': batch.confidences.tolist(),
                'probabilities': batch.probabilities.tolist()}

    async def process_async(self, texts, max_length=0):
        """The same for any number of texts, while the event loop goes on."""
        texts, cancel = check(texts), sentiment.Cancel()
        loop = asyncio.get_running_loop()
        tasks = [loop.run_in_executor(self.executor, self._process,
                                      texts[first:first + self.batch_size], max_length, first,
                                      cancel)
                 for first in range(0, len(texts), self.batch_size)]
        try:
            results = await asyncio.gather(*tasks)
        except BaseException:
            cancel.request()
            for task in tasks:
                task.cancel()
            raise
        return {name: [value for result in results for value in result[name]]
                for name in ('predictions', 'confidences', 'probabilities')}

    def close(self):
        """Waits for what runs; what has not begun is dropped."""
        if self._executor is not None and self._owner == os.getpid():
            self._executor.shutdown(cancel_futures=True)
