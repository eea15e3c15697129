# SPDX-License-Identifier: Apache-2.0
"""Input that means harm, or was never tested by its sender: each gets its status and a
problem, and the server goes on as if nothing had been."""
import json
import random
import re

import serving

BODY = b'{"text": "word_1"}'


def post(body, *fields, path=b'/predict'):
    """A request as bytes; the fields stand before an empty line, as given."""
    return b'POST ' + path + b' HTTP/1.1\r\nHost: x\r\n' + b''.join(
        field + b'\r\n' for field in fields) + b'\r\n' + body


class Hostile(serving.Case):
    arguments = ('--header-timeout', '0.5', '--body-timeout', '0.5', '--idle-timeout', '0.5')

    def tearDown(self):
        self.good(self.server.post('/predict', {'text': 'word_1'}))

    def refused(self, data, status, code, after=b''):
        """The raw request gets one answer, a problem, and the connection ends."""
        answer = self.server.raw(data + after)
        self.assertEqual(serving.statuses(answer), [status], (data[:200], answer[:500]))
        head, _, body = answer.partition(b'\r\n\r\n')
        self.assertIn(b'Content-Type: application/problem+json\r\n', head + b'\r\n')
        self.assertIn(b'\r\nConnection: close', head)
        problem = json.loads(body)
        self.assertEqual((problem['status'], problem['code']), (status, code))
        self.assertTrue(problem['error'] and problem['request_id'])

    def test_smuggling(self):
        """What one server could read as one request and another as two is refused, and what
        stands behind it is not read as a request."""
        hidden = b'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'
        length = b'Content-Length: %d' % len(BODY)
        for fields, status, code in (
                ((length, b'Transfer-Encoding: chunked'), 400, 'ambiguous_length'),
                ((b'Transfer-Encoding: chunked', length), 400, 'ambiguous_length'),
                ((b'Transfer-Encoding: xchunked', length), 400, 'ambiguous_length'),
                ((b'Transfer-Encoding : chunked', length), 400, 'bad_header'),
                ((b'Transfer-Encoding:\x0bchunked', length), 400, 'bad_header'),
                ((b' Transfer-Encoding: chunked', length), 400, 'bad_header'),
                ((b'X: y\n Transfer-Encoding: chunked', length), 400, 'bad_header'),
                ((b'Transfer-Encoding: chunked, identity',), 501, 'unsupported_transfer_encoding'),
                ((b'Transfer-Encoding: chunked', b'Transfer-Encoding: identity'), 501,
                 'unsupported_transfer_encoding'),
                ((b'Content-Length: 0', length), 400, 'bad_content_length'),
                ((length, length), 400, 'bad_content_length'),
                ((b'Content-Length: 5, 5',), 400, 'bad_content_length'),
                ((b'Content-Length: +5',), 400, 'bad_content_length'),
                ((b'Content-Length: 5 5',), 400, 'bad_content_length'),
                ((b'Content-Length: \xef\xbc\x95',), 400, 'bad_content_length'),
                ((length, b'X\0: y'), 400, 'bad_header'),
                ((length, b'X: y\0z'), 400, 'bad_header'),
                ((length, b'X: y\rContent-Length: 0'), 400, 'bad_header'),
                ((length, b'X: y\nContent-Length: 0'), 400, 'bad_header'),
                ((length, b'Host: y'), 400, 'bad_host')):
            self.refused(post(BODY, *fields), status, code, after=hidden)

    def test_request_lines(self):
        for line in (b'GET', b'GET /', b'GET /livez HTTP/1.1 x', b'GET  /livez HTTP/1.1',
                     b'GET /livez\tHTTP/1.1', b'get\0 /livez HTTP/1.1', b'GET livez HTTP/1.1',
                     b'GET /\xe4 HTTP/1.1', b'\x16\x03\x01\x02\x00\x01', b'GET /livez HTTP/1.1\0'):
            self.refused(line + b'\r\nHost: x\r\n\r\n', 400, 'bad_request_line')
        self.refused(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'unsupported_http_version')
        self.refused(b'GET /livez HTTP/1.1\nHost: x\n\n', 400, 'bad_request_line')
        self.refused(b'GET /livez HTTP/1.1\r\n\r\n', 400, 'bad_host')

    def test_chunks(self):
        head = (b'Transfer-Encoding: chunked',)
        for body in (b'5\r\nhelloX', b'zz\r\n', b'-1\r\n', b'ffffffffffffffffff\r\n', b' 5\r\n',
                     b'5;\0\r\nhello\r\n0\r\n\r\n', b'5\nhello\r\n', b'0\r\n \r\n',
                     b'0\r\nA: b\nC: d\r\n\r\n'):
            self.refused(post(body, *head), 400, 'bad_chunk')
        self.refused(post(b'7fffffff\r\n', *head), 413, 'body_too_large')
        self.refused(post(b'100000\r\n' + b' ' * 0x100000 + b'\r\n' + b'fffff\r\n' + b' ' * 0xfffff
                          + b'\r\n2\r\n', *head), 413, 'body_too_large')

    def test_slow(self):
        """A client that sends a byte now and then keeps nothing for long."""
        for data, code in ((b'GET / HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * 99, 'header_timeout'),
                           (post(b'{"te', b'Content-Length: 50'), 'body_timeout'),
                           (post(b'5\r\nhel', b'Transfer-Encoding: chunked'), 'body_timeout')):
            with self.server.socket() as own:
                own.settimeout(0.05)
                answer, at = b'', data.find(b'\r\n\r\n') + 4 if b'\r\n\r\n' in data else 0
                own.sendall(data[:at])
                while not answer:
                    own.sendall(data[at:at + 1])
                    at += 1
                    try:
                        answer = own.recv(65536)
                    except TimeoutError:
                        pass
                self.assertEqual(serving.statuses(answer), [408])
                self.assertIn(code.encode(), answer)

    def test_heads_too_long(self):
        self.refused(b'GET /' + b'a' * 20000 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 431,
                     'header_too_large')
        self.refused(post(b'', *[b'A: b'] * 200), 431, 'too_many_headers')

    def test_large_body(self):
        """A hundred megabytes are refused by their announcement; a client that sends them
        all the same can still read why."""
        size = 100 << 20
        self.refused(post(b' ' * 1000, b'Content-Length: %d' % size), 413, 'body_too_large')
        connection = self.server.connect()
        try:
            connection.request('POST', '/predict', b' ' * size)
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.problem(serving.Answer(connection.getresponse()), 413, 'body_too_large')
        connection.close()
        self.refused(post(b'', b'Content-Length: 9999999999999999999'), 413, 'body_too_large')

    def test_many_texts(self):
        for body in (b'{"texts": [' + b'"",' * 500000 + b'""]}',
                     b'{"texts": [' + b'1,' * 900000 + b'1]}',
                     b'{"x": {' + b','.join(b'"%d":1' % i for i in range(9000)) + b'}}'):
            refused = self.server.post('/predict_batch', body)
            self.problem(refused, 413, 'too_many_values')
        self.problem(self.server.post('/predict_batch', {'texts': ['a'] * 257}), 413,
                     'too_many_texts')

    def test_deep(self):
        for opening, closing in ((b'[', b']'), (b'{"a":', b'}')):
            for depth in (33, 1000, 100000):
                body = b'{"text": "a", "x": ' + opening * depth + b'1' + closing * depth + b'}'
                self.problem(self.server.post('/predict', body), 400, 'json_too_deep')
        self.problem(self.server.post('/predict', b'[' * 1000000), 400, 'json_too_deep')

    def test_json(self):
        for body, code in ((b'{"text": "a", "text": "b"}', 'duplicate_key'),
                           (b'{"text": "a", "te\\u0078t": "b"}', 'duplicate_key'),
                           (b'{"a\\u0000b": 1}', 'invalid_json'),
                           (b'{"text": "a\nb"}', 'invalid_json'),
                           (b'{"text": "a\\x"}', 'invalid_json'),
                           (b'\xef\xbb\xbf{"text": "a"}', 'invalid_json'),
                           (b"{'text': 'a'}", 'invalid_json'),
                           (b'{"text": "a",}', 'invalid_json'),
                           (b'{"text": "a", "x": NaN}', 'invalid_json'),
                           (b'{"text": "a", "x": 1e999}', 'invalid_json'),
                           (b'\0', 'invalid_json'), (b'{"text": "a"}\0', 'invalid_json')):
            self.problem(self.server.post('/predict', body), 400, code)
        for bad in (b'\xc0\x80', b'\xed\xa0\x80', b'\xf5\x80\x80\x80', b'\xe4\xb8', b'\x80'):
            self.problem(self.server.post('/predict', b'{"text": "a' + bad + b'"}'), 422,
                         'invalid_utf8')

    def test_names(self):
        for name in ('../../etc/passwd', '..', '.', '', 'a/b', 'a\0b', '%2e%2e', 'x' * 10000,
                     '\u00e4', 'model\0'):
            for key in ('model', 'version'):
                refused = self.server.post('/predict', {'text': 'a', key: name})
                self.problem(refused, 404, 'model_not_found')
        self.good(self.server.post('/predict', {'text': 'a', 'model': 'model', 'version': '1'}))

    def test_no_secrets_in_errors(self):
        """Errors tell neither paths nor the request's text."""
        for body in (b'{"text": "hidden words", }', b'{"text": "hidden words", "max_length": "x"}'):
            answer = self.server.post('/predict', body)
            self.assertNotIn(b'hidden', answer.body)
            self.assertIsNone(re.search(rb'/(tmp|usr|work|build)', answer.body), answer.body)
        self.assertNotIn('hidden', self.server.errors())

    def test_leaving_early(self):
        """Connections that end anywhere in a request."""
        data = post(BODY, b'Content-Length: %d' % len(BODY))
        for cut in range(0, len(data) + 1, 3):
            with self.server.socket() as own:
                own.sendall(data[:cut])

    def test_noise(self):
        """Random changes of good requests: whatever comes back are answers of HTTP."""
        noise = random.Random(1)
        good = post(BODY, b'Content-Length: %d' % len(BODY), b'Connection: close')
        for _ in range(300):
            data = bytearray(good)
            for _ in range(noise.randrange(1, 6)):
                at = noise.randrange(len(data))
                kind = noise.randrange(3)
                if kind == 0:
                    data[at] = noise.randrange(256)
                elif kind == 1:
                    del data[at:at + noise.randrange(1, 9)]
                else:
                    data[at:at] = bytes(noise.randrange(256) for _ in range(3))
                if not data:
                    break
            answer = self.server.raw(bytes(data))
            if answer:
                self.assertTrue(answer.startswith(b'HTTP/1.1 '), answer)
            for status in serving.statuses(answer):
                self.assertIn(status, (200, 400, 404, 405, 408, 413, 415, 417, 422, 431, 501, 505))

    def test_many_unread_answers(self):
        """Those of all connections have one bound; it is given back."""
        name = 'nlp_request_failures_total{reason="too_many_bodies"}'
        data = b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' * 1000
        with serving.Server('--model', self.model, '--body-memory', '400000') as server:
            server.wait_until_ready()
            crowd = []
            while not server.metric(name):
                own = serving.socket.socket()
                own.setsockopt(serving.socket.SOL_SOCKET, serving.socket.SO_RCVBUF, 4096)
                own.connect((server.host, server.port))
                own.sendall(data)
                crowd.append(own)
                self.assertLess(len(crowd), 100)
            for own in crowd:
                own.close()
            while server.metric('nlp_http_connections') > 1:
                pass
            self.good(server.post('/predict', b' ' * 350000 + b'{"text": "word_1"}'))

    def test_unread_answers(self):
        """A client that asks and never reads gets no unbounded memory."""
        with self.server.socket() as own:
            own.settimeout(1)
            data = b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' * 20
            sent = 0
            try:
                while sent < 64 << 20:
                    own.sendall(data)
                    sent += len(data)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass
            self.assertLess(sent, 64 << 20)
            self.assertLess(self.server.metric('process_resident_memory_bytes'), 512 << 20)


if __name__ == '__main__':
    serving.main()
