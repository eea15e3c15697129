# SPDX-License-Identifier: Apache-2.0
"""Drift: texts like those of the baseline move nothing, others do."""
import os

import serving

TEXTS = [f'word_{1 + i * 7 % 50} ' * (1 + i % 9) + ('unknown' if i % 4 == 0 else '')
         for i in range(256)]
FEATURES = ('prediction', 'confidence', 'length', 'unknown')


class Drift(serving.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        texts = cls.write('texts.txt', '\n'.join(TEXTS) + '\n')
        cls.models = cls.path('models')
        os.mkdir(cls.models)
        done = serving.run('publish', '--texts', texts, cls.model,
                           os.path.join(cls.models, 'm', '1'))
        assert done.returncode == 0, done.stderr

    def values(self, server):
        return [server.metric(f'nlp_drift_psi{{model="m",version="1",feature="{feature}"}}')
                for feature in FEATURES]

    def test_drift(self):
        with serving.Server('--models', self.models) as server:
            server.wait_until_ready()
            self.assertEqual(self.values(server), [None] * 4, 'no samples, nothing to tell')
            for _ in range(4):
                self.good(server.post('/predict_batch', {'texts': TEXTS}))
            for name, psi in zip(FEATURES, self.values(server)):
                self.assertLess(psi, 0.05, name)
            for _ in range(4):
                self.good(server.post('/predict_batch', {'texts': ['strange words ' * 40] * 256}))
            for name, psi in zip(('length', 'unknown'), self.values(server)[2:]):
                self.assertGreater(psi, 0.25, name)

    def test_without_baseline(self):
        self.good(self.server.post('/predict_batch', {'texts': TEXTS}))
        self.good(self.server.post('/predict_batch', {'texts': TEXTS}))
        self.assertNotIn(b'nlp_drift_psi{', self.server.get('/metrics').body)


if __name__ == '__main__':
    serving.main()
