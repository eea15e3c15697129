# SPDX-License-Identifier: Apache-2.0
"""Requests that run together: order, isolation, splitting, limits, clients that leave."""
import json
import threading

import serving

# 9,000 tokens of a wide network: long enough for other requests to arrive meanwhile.
SLOW_SIZES = ['--vocab-size', '60', '--embedding-dim', '64', '--hidden-size', '512',
              '--num-classes', '3']
SLOW_TEXT = 'word_1 ' * 9000
SLOW = {'text': SLOW_TEXT, 'max_length': 9000}


class Together(serving.Case):
    arguments = ('--batch-tokens', '64', '--threads', '2', '--loops', '2')

    def test_many_clients(self):
        """Each of many clients gets the answers to its own texts, in their order."""
        texts = [[f'word_{i} ' * (1 + (i * j) % 7) + f'word_{j}' for j in range(1, 12)]
                 for i in range(1, 17)]
        wanted = [self.expected(*mine) for mine in texts]

        def client(index):
            connection = self.server.connect()
            for _ in range(5):
                for text, answer in zip(texts[index], wanted[index]):
                    body = self.good(self.server.post('/predict', {'text': text},
                                                      connection=connection))
                    self.assertEqual(body['probabilities'], answer['probabilities'])
                body = self.good(self.server.post('/predict_batch', {'texts': texts[index]},
                                                  connection=connection))
                self.assertEqual(body['confidences'],
                                 [answer['confidence'] for answer in wanted[index]])
            connection.close()

        serving.together(len(texts), client)

    def test_split(self):
        """A request far beyond the budget of a batch, with texts beyond it."""
        texts = [f'word_{1 + i % 50} ' * (1 + 37 * (i % 5)) for i in range(256)]
        body = self.good(self.server.post('/predict_batch', {'texts': texts}))
        self.assertEqual(body['confidences'],
                         [answer['confidence'] for answer in self.expected(*texts)])

    def test_many_threads(self):
        """Each of them counts what it has computed."""
        with serving.Server('--model', self.model, '--threads', '300', '--batch-tokens',
                            '1') as server:
            server.wait_until_ready()
            for turn in range(1, 6):
                self.good(server.post('/predict_batch', {'texts': ['word_1 word_2'] * 256}))
                total = server.metric('nlp_batch_size_sum{model="model",version="1"}')
                self.assertEqual(total, 256 * turn)

    def test_large_bodies(self):
        """Those that wait for their turn on a loop are answered, and so is all else."""
        texts = ['word_1 word_2 ' * 300] * 64
        wanted = [self.expected(texts[0])[0]['confidence']] * 64

        def client(index):
            connection = self.server.connect()
            for _ in range(4):
                if index % 2:
                    body = self.good(self.server.post('/predict_batch', {'texts': texts},
                                                      connection=connection))
                    self.assertEqual(body['confidences'], wanted)
                self.good(self.server.get('/livez', connection=connection))
            connection.close()

        serving.together(12, client)
        with serving.Server('--model', self.model, '--loops', '2', '--deadline',
                            '0.000001') as server:
            server.wait_until_ready()
            answers = serving.together(
                8, lambda index: server.post('/predict_batch', {'texts': texts}))
            for answer in answers:
                self.assertIn(answer.status, (200, 504))

    def test_isolation(self):
        """Bad requests among good ones change nothing for these."""
        wanted = self.expected('word_1 word_2')[0]

        def client(index):
            for _ in range(20):
                if index % 2:
                    self.problem(self.server.post('/predict_batch', {'texts': ['word_1', 5]}), 422,
                                 'invalid_item')
                else:
                    body = self.good(self.server.post('/predict', {'text': 'word_1 word_2'}))
                    self.assertEqual(body['probabilities'], wanted['probabilities'])

        serving.together(8, client)

    def test_waiting(self):
        """Asked to, a batch waits for company; the answers are the same."""
        wanted = self.expected('word_1')[0]['probabilities']
        with serving.Server('--model', self.model, '--batch-wait', '20000', '--threads',
                            '1') as server:
            server.wait_until_ready()

            def client(_):
                return self.good(server.post('/predict', {'text': 'word_1'}))['probabilities']

            self.assertEqual(serving.together(8, client), [wanted] * 8)
            self.assertLess(server.metric(
                'nlp_batch_size_count{model="model",version="1"}'), 8)


class Overload(serving.Case):
    """One thread and a short queue, filled by texts that take long."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow = cls.create('slow.safetensors', *SLOW_SIZES)

    def serve(self, *arguments):
        return serving.Server('--model', self.slow, '--threads', '1', '--max-texts', '2',
                              '--queue', '2', *arguments)

    def test_queue_full(self):
        """Whatever is not admitted gets 503 at once; probes are answered meanwhile."""
        with self.serve('--deadline', '0') as server:
            server.wait_until_ready()

            def client(index):
                if index % 2:
                    return server.post('/predict', SLOW)
                return server.post('/predict_batch', {'texts': [SLOW_TEXT] * 2, 'max_length': 9000})

            answers = serving.together(16, client)
            codes = {answer.status for answer in answers}
            self.assertEqual(codes, {200, 503})
            for answer in answers:
                if answer.status == 503:
                    self.problem(answer, 503, 'queue_full')
            full = server.metric('nlp_request_failures_total{reason="queue_full"}')
            self.assertEqual(full, sum(answer.status == 503 for answer in answers))
            self.assertEqual(server.metric('nlp_queue_depth'), 0)

    def test_in_flight(self):
        """Requests for the model are counted from their last byte to their answer, or their
        end without one."""
        name, stop = 'nlp_http_requests_in_flight', threading.Event()
        with self.serve('--deadline', '0') as server:
            server.wait_until_ready()

            def ask():
                while not stop.is_set():
                    self.good(server.post('/predict', SLOW))

            asker = threading.Thread(target=ask)
            asker.start()
            try:
                while server.metric(name) != 1:
                    pass
            finally:
                stop.set()
                asker.join()
            self.assertEqual(server.metric(name), 0)
            body = json.dumps(SLOW).encode()
            with server.socket() as own:
                own.sendall(b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s'
                            % (len(body), body))
                own.shutdown(serving.socket.SHUT_WR)
                self.assertEqual(serving.read_all(own), b'')
            while server.metric(name) != 0:
                pass

    def test_rate_of_the_refused(self):
        """What the queue has no room for is not charged: as many pass as may."""
        with self.serve('--deadline', '0', '--loops', '1', '--rate', '0.001', '--burst',
                        '5') as server:
            server.wait_until_ready()
            passed = 0
            while passed < 5:
                answers = serving.together(8, lambda index: server.post('/predict', SLOW))
                codes = [answer.status for answer in answers]
                passed += codes.count(200)
                self.assertTrue(429 not in codes or passed == 5, codes)
            self.problem(server.post('/predict', SLOW), 429, 'rate_limited')

    def test_deadline(self):
        with self.serve('--deadline', '0.001') as server:
            server.wait_until_ready()
            self.problem(server.post('/predict', SLOW), 504, 'deadline_exceeded')
            connection = server.connect()
            for _ in range(3):
                self.problem(server.post('/predict', SLOW, connection=connection), 504,
                             'deadline_exceeded')
                self.good(server.get('/livez', connection=connection))
            connection.close()

    def test_client_leaves(self):
        """Texts of clients that are gone leave the queue, and what runs for them stops."""
        with self.serve('--deadline', '0', '--queue', '64') as server:
            server.wait_until_ready()
            body = json.dumps(SLOW).encode()
            head = b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % len(body)
            for _ in range(20):
                own = server.socket()
                own.sendall(head + body)
                own.close()
            while (server.metric('nlp_request_failures_total{reason="client_gone"}') or 0) < 20:
                self.good(server.get('/livez'))
            self.assertEqual(server.metric('nlp_queue_depth'), 0)
            self.good(server.post('/predict', SLOW))

    def test_probes_under_load(self):
        with self.serve() as server:
            server.wait_until_ready()
            stop = threading.Event()

            def load():
                while not stop.is_set():
                    server.post('/predict', SLOW)

            threads = [threading.Thread(target=load) for _ in range(3)]
            for thread in threads:
                thread.start()
            for _ in range(50):
                self.good(server.get('/livez'))
                self.good(server.get('/health'))
            stop.set()
            for thread in threads:
                thread.join()


class Limits(serving.Case):
    arguments = ('--max-texts', '4', '--max-text-bytes', '100', '--max-body', '2000',
                 '--max-header', '2000', '--max-connections', '4', '--queue', '4')

    def test_texts(self):
        self.good(self.server.post('/predict_batch', {'texts': ['a'] * 4}))
        self.problem(self.server.post('/predict_batch', {'texts': ['a'] * 5}), 413,
                     'too_many_texts')

    def test_text_bytes(self):
        self.good(self.server.post('/predict', {'text': 'a' * 100}))
        self.problem(self.server.post('/predict', {'text': 'a' * 101}), 413, 'text_too_large')
        refused = self.server.post('/predict_batch', {'texts': ['a', 'a' * 101]})
        self.assertEqual(self.problem(refused, 413, 'text_too_large')['index'], 1)

    def test_body(self):
        body = b'{"text": "a"}'
        self.good(self.server.post('/predict', body + b' ' * (2000 - len(body))))
        refused = self.server.post('/predict', body + b' ' * (2001 - len(body)))
        self.problem(refused, 413, 'body_too_large')
        self.assertEqual(refused.fields['Connection'], 'close')

    def test_body_memory(self):
        """Bodies that are on their way share a bound."""
        with serving.Server('--model', self.model, '--body-memory', '250000') as server:
            server.wait_until_ready()
            head = b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n'
            first, second = server.socket(), server.socket()
            first.sendall(head + b' ' * 190000)
            second.sendall(head + b' ' * 190000)
            refused, waiting = first, second
            first.settimeout(0.05)
            second.settimeout(0.05)
            answer = b''
            while not answer:
                for refused, waiting in ((first, second), (second, first)):
                    try:
                        answer = refused.recv(65536)
                        break
                    except TimeoutError:
                        pass
            self.assertEqual(serving.statuses(answer), [503])
            self.assertIn(b'too_many_bodies', answer)
            waiting.settimeout(serving.PATIENCE)
            waiting.sendall(b' ' * 10000)
            self.assertEqual(serving.statuses(waiting.recv(65536)), [400])
            first.close()
            second.close()
            self.good(server.post('/predict', b' ' * 150000 + b'{"text": "word_1"}'))
            self.assertEqual(
                server.metric('nlp_request_failures_total{reason="too_many_bodies"}'), 1)

    def test_header(self):
        self.good(self.server.get('/livez', X_Long='a' * 1500))
        self.problem(self.server.get('/livez', X_Long='a' * 2000), 431, 'header_too_large')

    def test_connections(self):
        kept = [self.server.connect() for _ in range(4)]
        for connection in kept:
            self.good(self.server.get('/livez', connection=connection))
        self.problem(self.server.get('/livez'), 503, 'too_many_connections')
        for connection in kept:
            connection.close()
        while self.server.get('/livez').status != 200:
            pass
        name = 'nlp_request_failures_total{reason="%s"}'
        self.assertGreaterEqual(self.server.metric(name % 'too_many_connections'), 1)


if __name__ == '__main__':
    serving.main()
