# SPDX-License-Identifier: Apache-2.0
"""Requests and clients that are odd, though not all of them wrong: what HTTP allows is
understood, each route answers each method, and crowds, resets and storms of signals leave
nothing behind."""
import os
import signal
import socket
import struct
import threading
import time

import serving

BODY = b'{"text": "word_1"}'
CLOSE = b'Connection: close\r\n'
RESET = struct.pack('ii', 1, 0)


def get(target, host=b'Host: x\r\n', method=b'GET', version=b'HTTP/1.1'):
    return method + b' ' + target + b' ' + version + b'\r\n' + host + CLOSE + b'\r\n'


def post(body, fields=b'', path=b'/predict', length=True):
    """A request as bytes."""
    if length:
        fields += b'Content-Length: %d\r\n' % len(body)
    return b'POST ' + path + b' HTTP/1.1\r\nHost: x\r\n' + fields + b'\r\n' + body


def chunked(body, fields=b'Transfer-Encoding: chunked\r\n'):
    return post(body, fields + CLOSE, length=False)


class Odd(serving.Case):
    def answers(self, data, *wanted):
        self.assertEqual(serving.statuses(self.server.raw(data)), list(wanted), data[:200])

    def test_methods(self):
        """Of each route: its own, HEAD where there is GET, and 405 with Allow for others."""
        for path, operations in self.server.get('/openapi.json').json()['paths'].items():
            path = path.replace('{name}', 'model').replace('{version}', '1').encode()
            for method in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE',
                           'CONNECT', 'get', 'X'):
                asked = 'get' if method == 'HEAD' else method.lower() if method.isupper() else ''
                wanted = 405
                if asked in operations:
                    wanted = 200 if asked == 'get' else 400
                data = self.server.raw(get(path, method=method.encode()))
                self.assertEqual(serving.statuses(data), [wanted], (method, path))
                self.assertEqual(b'\r\nAllow: ' in data, wanted == 405)
                if method == 'HEAD' and wanted == 200:
                    self.assertEqual(data.partition(b'\r\n\r\n')[2], b'')

    def test_targets(self):
        for target, status in (
                (b'/livez?a=b&%zz', 200), (b'http://x/livez', 200), (b'/livez/', 404),
                (b'//livez', 404), (b'/./livez', 404), (b'/../../etc/passwd', 404),
                (b'/v2/models/..', 404), (b'/v2/models/%2e%2e', 404), (b'/v2/models/%00', 404),
                (b'/v2/models/..%2f..%2fetc%2fpasswd', 404), (b'/v2/models/../model', 404),
                (b'/v2/models/model/versions/%2e%2e%2f1', 404), (b'/v2/models//config', 404)):
            self.answers(get(target), status)

    def test_hosts(self):
        for host, status in ((b'Host:x\r\n', 200), (b'Host: [::1]:80\r\n', 200),
                             (b'Host: \r\n', 200), (b'hOST: x\r\n', 200), (b'', 400),
                             (b'Host: x\r\nHost: x\r\n', 400), (b' Host: x\r\n', 400)):
            self.answers(get(b'/livez', host), status)

    def test_versions(self):
        self.answers(get(b'/livez', version=b'HTTP/1.0'), 200)
        self.answers(get(b'/livez', version=b'http/1.1'), 400)
        self.answers(get(b'/livez', version=b'HTTP/2.0'), 505)
        self.answers(b'GET /livez\r\n\r\n', 400)

    def test_chunks(self):
        size = b'%x' % len(BODY)
        for body in (size + b';a=b;c="d e"\r\n' + BODY + b'\r\n0;x\r\n\r\n',
                     b'0000' + size.upper() + b'\r\n' + BODY + b'\r\n0\r\n\r\n',
                     size + b'\r\n' + BODY + b'\r\n0\r\nX-A: b\r\nContent-Length: 3\r\n\r\n',
                     b''.join(b'1\r\n%c\r\n' % byte for byte in BODY) + b'0\r\n\r\n'):
            self.answers(chunked(body), 200)
            self.answers(chunked(body, b'transfer-encoding: CHUNKED\r\n'), 200)
        self.answers(chunked(b'0\r\n\r\n'), 400)
        self.answers(chunked(b'5;' + b'a' * (2 << 20) + b'\r\n'), 400)
        self.answers(chunked(b'0\r\n' + b'X-A: bbbbbbbbbbbbbbbbbbbbbbbbbb\r\n' * 80000), 400)
        self.answers(chunked(b'0\r\n\r\n', b'Transfer-Encoding: gzip, chunked\r\n'), 501)

    def test_expectations(self):
        self.answers(post(b'', b'Expect: 100-continue\r\nContent-Length: 99999999\r\n',
                          length=False), 413)
        self.answers(post(BODY, b'Expect: 200-ok\r\n'), 417)
        self.answers(post(BODY, b'Expect: 100-continue\r\n' + CLOSE), 200)

    def test_refused_by_the_head(self):
        """What route and method decide is answered without waiting for the body, and nobody
        is told to go on; what stands behind such a head is no request."""
        for path, length, status in ((b'/nowhere', b'Content-Length: 99\r\n', 404),
                                     (b'/livez', b'Transfer-Encoding: chunked\r\n', 405)):
            for field in (b'', b'Expect: 100-continue\r\n'):
                data = self.server.raw(post(b'', field + length, path, length=False))
                self.assertEqual(serving.statuses(data), [status])
                self.assertIn(b'\r\nConnection: close\r\n', data)
        self.answers(post(get(b'/livez'), path=b'/nowhere'), 404)

    def test_pieces(self):
        """Pipelined requests, good and bad, cut anywhere."""
        data = (post(BODY) + post(b'{"text": 5}') + b'\r\n'
                + b'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n' + get(b'/livez'))
        for size in (1, 7, 64, len(data)):
            pieces = [data[at:at + size] for at in range(0, len(data), size)]
            self.assertEqual(serving.statuses(self.server.raw(*pieces)), [200, 400, 404, 200])

    def test_an_empty_line_in_two(self):
        with self.server.socket() as own:
            own.sendall(b'\r')
            time.sleep(0.1)  # so that it is read alone
            own.sendall(b'\n' + get(b'/livez'))
            self.assertEqual(serving.statuses(serving.read_all(own)), [200])

    def test_resets(self):
        """Clients that go while their lists are computed take them out of the queue."""
        text = b'"' + b'word_1 ' * 5000 + b'"'
        data = post(b'{"texts": [' + b','.join([text] * 50) + b']}', path=b'/predict_batch')
        for turn in range(20):
            with self.server.socket() as own:
                own.sendall(data[:len(data) - turn % 4])
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        while self.server.metric('nlp_http_connections') > 1:
            pass
        while self.server.metric('nlp_queue_depth') > 0:
            pass
        self.good(self.server.post('/predict', {'text': 'word_1'}))

    def test_crowd(self):
        """Many connections that say nothing, or little, keep nobody waiting."""
        crowd = [self.server.socket() for _ in range(400)]
        self.good(self.server.post('/predict', {'text': 'word_1'}))
        for own in crowd:
            own.sendall(b'GET /livez HTTP/1.1\r\nHost: x\r\nX: ')
        self.good(self.server.post('/predict', {'text': 'word_1'}))
        for own in crowd:
            own.sendall(b'y\r\n' + CLOSE + b'\r\n')
        for own in crowd:
            self.assertEqual(serving.statuses(serving.read_all(own)), [200])
            own.close()

    def test_storm(self):
        """Signals as fast as they can be sent: no request fails, no file stays open."""
        with serving.Server('--model', self.model, '--log-file', self.path('log')) as server:
            server.wait_until_ready()
            files = '/proc/%d/fd' % server.process.pid
            connection = server.connect()
            self.good(server.post('/predict', {'text': 'word_1'}, connection=connection))
            before, stop = len(os.listdir(files)), threading.Event()

            def send():
                while not stop.is_set():
                    server.process.send_signal(signal.SIGHUP)

            sender = threading.Thread(target=send)
            sender.start()
            try:
                for _ in range(300):
                    self.good(server.post('/predict', {'text': 'word_1'}, connection=connection))
            finally:
                stop.set()
                sender.join()
            while len(os.listdir(files)) > before:
                self.assertIsNone(server.process.poll())
            connection.close()


if __name__ == '__main__':
    serving.main()
