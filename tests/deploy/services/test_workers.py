# SPDX-License-Identifier: Apache-2.0
"""test_workers.py PYTHON ROOT BUILD: several processes under real uvicorn and gunicorn.

The model is loaded before gunicorn forks, and used by every worker; thousands of requests
find no worker that hangs or ends; SIGTERM answers what is under way.
"""
import json
import os
import re
import signal
import tempfile
import threading
import time
import unittest

import running

running.enter()

from prometheus_client.parser import text_string_to_metric_families

QUIET = {'LOG_LEVEL': 'warning'}
CLIENTS = 16
GUNICORN = ('gunicorn', '--bind', '127.0.0.1:PORT', '--keep-alive', '75', '--timeout', '120',
            '--preload')


class Asking:
    """Clients that ask texts and hold every answer to the command's."""

    def __init__(self, service):
        self.service = service
        self.texts = running.golden_texts()
        self.wanted = [(each['prediction'], running.single(each['confidence']),
                        running.single(each['probabilities']))
                       for each in running.told_by_command(self.texts)]

    def one(self, index, connection):
        """A request, with a connection that is kept where the server keeps it."""
        place = index % len(self.texts)
        answer = self.service.ask('POST', '/predict', {'text': self.texts[place]},
                                  connection=connection, Content_Type='application/json')
        assert answer.status == 200, (answer.status, answer.body)
        found = answer.json()
        assert (found['prediction'], found['confidence'],
                found['probabilities']) == self.wanted[place], (self.texts[place], found)

    def many(self, count):
        """So many requests from all clients together."""
        def client(number):
            connection = self.service.connect()
            try:
                for index in range(number, count, CLIENTS):
                    self.one(index, connection)
            finally:
                connection.close()

        running.in_threads(CLIENTS, client)

    def until_closed(self, began):
        """Asks until nobody listens any more: every answer that begins is right and whole.
        `began` gets an item at the first answer."""
        body = json.dumps({'text': self.texts[0]})
        while True:
            connection = self.service.connect()
            try:
                connection.request('POST', '/predict', body, {'Content-Type': 'application/json'})
                response = connection.getresponse()
            except OSError:  # refused, or closed before it was taken
                connection.close()
                return
            answer = running.Answer(response)
            connection.close()
            assert answer.status == 200, (answer.status, answer.body)
            assert answer.json()['probabilities'] == self.wanted[0][2], answer.body
            began.release()


def counted(service):
    """Requests with an answer, by /metrics, which speaks for all processes."""
    text = service.get('/metrics').body.decode()
    return sum(sample.value for family in text_string_to_metric_families(text)
               for sample in family.samples
               if sample.name == 'nlp_http_requests_total'
               and sample.labels == {'route': '/predict', 'code': '200'})


def begin(service):
    """A request that is under way: the server has asked for its body."""
    body = json.dumps({'text': 'I love this product!'}).encode()
    own = service.connect()
    own.connect()
    own.sock.sendall(b'POST /predict HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n'
                     b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body))
    told = b''
    while b'\r\n\r\n' not in told:
        piece = own.sock.recv(1)
        assert piece, told
        told += piece
    assert told.startswith(b'HTTP/1.1 100 '), told
    return own, body


def finish(own, body):
    """Sends the body; the answer's status and object."""
    own.sock.sendall(body)
    answer = b''
    while True:
        piece = own.sock.recv(65536)
        if not piece:
            break
        answer += piece
        head, _, rest = answer.partition(b'\r\n\r\n')
        length = re.search(rb'(?i)content-length: (\d+)', head)
        if length and len(rest) == int(length[1]):
            break
    own.close()
    return answer.split()[1], json.loads(answer.partition(b'\r\n\r\n')[2])


class WorkersTest(unittest.TestCase):
    def running(self, *words, **env):
        return running.Service(*words, **dict(QUIET, **env))

    def hold(self, work, began):
        """Keeps what a client finds wrong for the test."""
        try:
            work(began)
        except Exception as wrong:  # an assertion, or an answer that broke off
            self.wrong.append(wrong)
            began.release(20)

    def wait_for(self, condition):
        """Until it holds; fails where it never does."""
        deadline = time.monotonic() + running.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def check(self, service, requests, at_once):
        """Many requests, then SIGTERM while some are under way."""
        asking = Asking(service)
        asking.many(requests)
        # One that was just answered may not have been counted yet.
        self.wait_for(lambda: counted(service) >= requests)
        self.assertEqual(counted(service), requests)
        under_way = [begin(service) for _ in range(at_once)]
        began = threading.Semaphore(0)
        clients = [threading.Thread(target=self.hold, args=(asking.until_closed, began))
                   for _ in range(4)]
        for client in clients:
            client.start()
        for _ in range(20):
            self.assertTrue(began.acquire(timeout=running.PATIENCE))
        service.process.send_signal(signal.SIGTERM)
        for own, body in under_way:
            status, found = finish(own, body)
            self.assertEqual(status, b'200')
            self.assertEqual(found['prediction'], 2)
        for client in clients:
            client.join()
        self.assertEqual(self.wrong, [])
        service.process.wait(running.PATIENCE)

    def check_gunicorn(self, service, workers, requests, at_once):
        """... and no worker but the first ones was ever started."""
        with service:
            self.check(service, requests, at_once)
        told = service.told()
        self.assertEqual(service.status, 0, told)
        self.assertEqual(told.count('Booting worker'), workers, told)
        for wrong in ('Traceback', 'WORKER TIMEOUT', 'SIGKILL', 'SIGSEGV', 'CRITICAL'):
            self.assertNotIn(wrong, told)
        self.assertEqual([name for name in os.listdir(self.folder.name)], [])

    def setUp(self):
        self.wrong = []
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_sync(self):
        service = self.running(*GUNICORN, '--workers', '4', 'flask_app:app',
                               TMPDIR=self.folder.name)
        self.check_gunicorn(service, 4, 10000, 2)  # the others go on answering

    def test_threads(self):
        service = self.running(*GUNICORN, '--workers', '4', '--threads', '4', 'flask_app:app',
                               TMPDIR=self.folder.name)
        # Fewer under way than a worker has threads: whichever takes them has one to go on.
        self.check_gunicorn(service, 4, 10000, 3)

    def test_uvicorn_workers(self):
        service = self.running(*GUNICORN, '--workers', '4', '-k', 'uvicorn_worker.UvicornWorker',
                               'fastapi_app:app', TMPDIR=self.folder.name)
        self.check_gunicorn(service, 4, 10000, 8)

    def test_uvicorn(self):
        """Its workers are no children of fork(): each loads the model for itself."""
        service = self.running('uvicorn', 'fastapi_app:app', '--port', 'PORT', '--workers', '2',
                               '--timeout-keep-alive', '75',
                               PROMETHEUS_MULTIPROC_DIR=self.folder.name)
        with service:
            self.check(service, 2000, 8)
        told = service.told()
        self.assertNotIn('Traceback', told)
        self.assertEqual(told.count('Started server process'), 2, told)

    def test_one_process(self):
        """Totals stand at the end of the log."""
        service = self.running('uvicorn', 'fastapi_app:app', '--port', 'PORT', LOG_LEVEL='info')
        with service:
            self.check(service, 200, 8)
        last, = service.lines('metrics')
        lines = service.lines('prediction')
        self.assertGreater(len(lines), 200 + 8)
        self.assertEqual(last['metrics']['total_predictions'], len(lines))

    def test_totals_of_workers(self):
        service = self.running(*GUNICORN, '--workers', '2', 'flask_app:app', LOG_LEVEL='info')
        with service:
            Asking(service).many(100)
        totals = [line['metrics']['total_predictions'] for line in service.lines('metrics')]
        self.assertEqual(sum(totals), 100)

    def test_dead_worker(self):
        """A worker that was killed is replaced; what it counted stays."""
        service = self.running(*GUNICORN, '--workers', '2', 'flask_app:app')
        with service:
            Asking(service).many(50)
            pids = [int(pid) for pid in re.findall(r'Booting worker with pid: (\d+)',
                                                   service.told())]
            self.assertEqual(len(pids), 2)
            os.kill(pids[0], signal.SIGKILL)
            self.wait_for(lambda: service.told().count('Booting worker') == 3)
            Asking(service).many(50)
            self.assertEqual(counted(service), 100)
            self.assertIn(b'\nnlp_model_loaded 1.0', service.get('/metrics').body)


if __name__ == '__main__':
    running.main()
