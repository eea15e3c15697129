# SPDX-License-Identifier: Apache-2.0
"""The cache: same answers, sooner; never another text's or version's."""
import shutil
import signal

import serving


class Cache(serving.Case):
    arguments = ('--cache', '1000000')

    def ask(self, text, **more):
        answer = self.server.post('/predict', dict({'text': text}, **more))
        return self.good(answer), answer.fields['X-Cache']

    def test_hits(self):
        for text in ('word_1 word_2', 'nothing known', '\u00e4 word_3'):
            wanted = self.expected(text)[0]
            for cached in ('miss', 'hit', 'hit'):
                body, found = self.ask(text)
                self.assertEqual(found, cached)
                self.assertEqual(body['probabilities'], wanted['probabilities'])
                self.assertEqual(body.get('flags', []), wanted['flags'])

    def test_normalized(self):
        """Texts share an answer where the model cannot tell them apart, and only there."""
        self.assertEqual(self.ask('word_4 word_5')[1], 'miss')
        self.assertEqual(self.ask('  WORD_4\tWord_5 ')[1], 'hit')
        self.assertEqual(self.ask('word_5 word_4')[1], 'miss')
        self.assertEqual(self.ask('word_4 word_5', max_length=1)[1], 'miss')
        body, cached = self.ask('word_4 word_5', max_length=1)
        self.assertEqual((cached, body['flags']), ('hit', ['truncated']))

    def test_batch(self):
        texts = ['word_6', 'word_7', 'word_6', '', 'word_8 ' * 30]
        wanted = [answer['confidence'] for answer in self.expected(*texts)]
        for cached in ('miss', 'hit'):
            answer = self.server.post('/predict_batch', {'texts': texts})
            self.assertEqual(self.good(answer)['confidences'], wanted)
        del texts[3]
        answer = self.server.post('/predict_batch', {'texts': texts})
        self.assertEqual(answer.fields['X-Cache'], 'hit')
        answer = self.server.post('/predict_batch', {'texts': [*texts, 'word_9']})
        self.assertEqual(answer.fields['X-Cache'], 'miss')
        self.assertEqual(self.good(answer)['confidences'][:3], wanted[:3])

    def test_metrics(self):
        label = '{model="model",version="1"}'
        before = [self.server.metric(f'nlp_cache_{what}_total{label}') or 0
                  for what in ('hits', 'misses')]
        for _ in range(3):
            self.ask('word_10')
        self.assertEqual([self.server.metric(f'nlp_cache_{what}_total{label}')
                          for what in ('hits', 'misses')], [before[0] + 2, before[1] + 1])
        self.assertGreater(self.server.metric('nlp_cache_entries'), 0)
        self.assertLessEqual(self.server.metric('nlp_cache_bytes'), 1000000)

    def test_many_clients(self):
        texts = [f'word_{i} word_{j}' for i in range(20, 25) for j in range(20, 25)]
        wanted = [answer['probabilities'] for answer in self.expected(*texts)]

        def client(index):
            connection = self.server.connect()
            for turn in range(100):
                at = (turn * 7 + index) % len(texts)
                body = self.good(self.server.post('/predict', {'text': texts[at]},
                                                  connection=connection))
                self.assertEqual(body['probabilities'], wanted[at])
            connection.close()

        serving.together(8, client)

    def test_new_version(self):
        path = self.path('changing.safetensors')
        shutil.copy(self.model, path)
        other = self.path('other.safetensors')
        serving.run('create', *serving.SIZES, '--seed', '8', other)
        with serving.Server('--model', path, '--cache', '1000000') as server:
            server.wait_until_ready()
            for _ in range(2):
                body = self.good(server.post('/predict', {'text': 'word_1'}))
                self.assertEqual(body['probabilities'], self.expected('word_1')[0]['probabilities'])
            shutil.copy(other, path)
            server.process.send_signal(signal.SIGHUP)
            wanted = self.expected('word_1', model=other)[0]['probabilities']
            while True:
                answer = server.post('/predict', {'text': 'word_1'})
                if answer.fields['X-Model-Version'].endswith('/2'):
                    break
            self.assertEqual(self.good(answer)['probabilities'], wanted)


class NoCache(serving.Case):
    def test_default(self):
        for _ in range(2):
            answer = self.server.post('/predict', {'text': 'word_1'})
            self.assertNotIn('X-Cache', answer.fields)


if __name__ == '__main__':
    serving.main()
