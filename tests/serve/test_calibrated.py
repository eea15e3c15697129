# SPDX-License-Identifier: Apache-2.0
"""A model with a temperature: every route answers with its confidences."""
import math

import serving

TEXTS = ['word_1 word_2', 'word_3', 'word_5 ' * 40]


class Calibrated(serving.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.flat = cls.path('flat.safetensors')
        done = serving.run('calibrate', cls.model, '--temperature', '3', '--output', cls.flat)
        assert done.returncode == 0, done.stderr
        cls.calibrated = cls.start('--model', cls.flat)

    def test_every_route(self):
        wanted = self.expected(*TEXTS, model=self.flat)
        plain = self.expected(*TEXTS)
        batch = self.good(self.calibrated.post('/predict_batch', {'texts': TEXTS}))
        self.assertEqual(batch['confidences'], [one['confidence'] for one in wanted])
        self.assertEqual(batch['predictions'], [one['prediction'] for one in plain])
        for text, one, other in zip(TEXTS, wanted, plain):
            self.assertLess(one['confidence'], other['confidence'])
            body = self.good(self.calibrated.post('/predict', {'text': text}))
            self.assertEqual(body['probabilities'], one['probabilities'])
            body = self.good(self.calibrated.post('/explain', {'text': text}))
            weights = [math.exp(logit / 3) for logit in body['logits']]
            for weight, told, known in zip(weights, body['probabilities'], one['probabilities']):
                self.assertAlmostEqual(told, weight / sum(weights), places=6)
                self.assertAlmostEqual(told, known, places=6)
            self.assertAlmostEqual(body['confidence'], one['confidence'], places=6)


if __name__ == '__main__':
    serving.main()
