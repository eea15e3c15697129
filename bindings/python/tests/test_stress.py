# SPDX-License-Identifier: Apache-2.0
"""Eight threads, 10,000 predictions each, while models open and close around them."""
import threading
import unittest

import sentiment

import support

THREADS = 8
PREDICTIONS = 10000
#: Predictions between two models.
CHURN = 500


class StressTest(support.Case):
    """Answers stay right."""

    def test_churn(self):
        """Some threads share a model, all open and close others."""
        path = self.tiny()
        shared = self.load(path)
        texts = ['word_%d word_%d' % (i, 3 * i % 100) for i in range(50)]
        wanted = [shared.predict(text) for text in texts]
        wrong, counts = [], [0] * THREADS

        def work(number):
            try:
                done = 0
                while done < PREDICTIONS:
                    own = sentiment.Model.load(path)
                    model = own if number % 2 else shared
                    for i in range(CHURN):
                        if model.predict(texts[i % 50]) != wanted[i % 50]:
                            wrong.append(i)
                        done += 1
                    if list(own.predict_batch(texts)) != wanted:
                        wrong.append('batch')
                    if number % 3:
                        own.close()
                counts[number] = done
            except BaseException as problem:
                wrong.append(problem)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(counts, [PREDICTIONS] * THREADS)


if __name__ == '__main__':
    unittest.main()
