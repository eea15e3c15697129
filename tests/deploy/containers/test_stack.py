# SPDX-License-Identifier: Apache-2.0
"""test_stack.py COMMAND ROOT: nginx before two instances, Prometheus behind them, and the
dashboard's queries on what was scraped."""
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import containers

ROOT = os.path.abspath(sys.argv[2])
sys.path.insert(0, os.path.join(ROOT, 'tests', 'serve'))
import serving  # noqa: E402 (it reads sys.argv)
import stack  # noqa: E402

PROBLEM = 'application/problem+json'
PREDICT = {'text': 'I love this product!'}


class Answer:
    """What curl got: protocol, status, fields by lower-case name, body."""

    def __init__(self, text):
        head, _, self.body = text.partition('\r\n\r\n')
        first, *lines = head.split('\r\n')
        self.protocol, status = first.split()[:2]
        self.status = int(status)
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(':')
            self.fields[name.lower()] = value.strip()

    def json(self):
        return json.loads(self.body)


def ask(nginx, path, body=None, *options, scheme='https'):
    """One request through the proxy."""
    port = nginx.https if scheme == 'https' else nginx.http
    words = ['curl', '-s', '-i', '--max-time', str(containers.PATIENCE), '--cacert',
             nginx.certificate, *options]
    if body is not None:
        words += ['-H', 'Content-Type: application/json', '--data-binary',
                  body if isinstance(body, str) else json.dumps(body), '-H', 'Expect:']
    url = '%s://localhost:%d%s' % (scheme, port, path)
    done = subprocess.run([*words, url], stdout=subprocess.PIPE, check=True)
    return Answer(done.stdout.decode())


class Upstreams:
    """Two servers that note what they are asked, and answer with that or not at all."""

    def __init__(self, answers):
        self.seen = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                self.rfile.read(int(self.headers.get('Content-Length', 0)))
                seen.append((self.command, self.path))
                if not answers:
                    self.close_connection = True
                    return
                body = json.dumps(dict(self.headers.items())).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *unused):
                """Nothing."""

        self.servers = [http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
                        for _ in range(2)]
        self.ports = [server.server_address[1] for server in self.servers]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def proxy(self, ports, *more):
        nginx = stack.Nginx(ROOT, os.path.join(self.scratch.name, 'nginx'), ports, more=more)
        nginx.__enter__()
        self.addCleanup(nginx.stop)
        return nginx

    def problem(self, answer, status, code):
        self.assertEqual((answer.status, answer.fields['content-type']), (status, PROBLEM),
                         answer.body)
        self.assertEqual((answer.json()['status'], answer.json()['code']), (status, code))
        self.assertTrue(answer.json()['error'] and answer.json()['request_id'])


class Alone(Case):
    """What nginx does by itself, and hands on."""

    def upstreams(self, answers):
        made = Upstreams(answers)
        self.addCleanup(made.close)
        return made

    def test_headers(self):
        """The guide's, and an id for each request."""
        nginx = self.proxy(self.upstreams(True).ports)
        got = ask(nginx, '/any', None, '-H', 'X-Forwarded-For: 192.0.2.1').json()
        self.assertEqual((got['Host'], got['X-Real-IP'], got['X-Forwarded-For'],
                          got['X-Forwarded-Proto']),
                         ('localhost:%d' % nginx.https, '127.0.0.1', '192.0.2.1, 127.0.0.1',
                          'https'))
        self.assertNotIn('Connection', got)
        self.assertRegex(got['X-Request-Id'], '^[0-9a-f]{32}$')
        own = ask(nginx, '/any', None, '-H', 'X-Request-Id: mine-1').json()
        self.assertEqual(own['X-Request-Id'], 'mine-1')
        odd = ask(nginx, '/any', None, '-H', 'X-Request-Id: a"b').json()
        self.assertRegex(odd['X-Request-Id'], '^[0-9a-f]{32}$')

    def test_second_try(self):
        """Where an instance dies with a request, only what changes nothing is asked again."""
        upstreams = self.upstreams(False)
        nginx = self.proxy(upstreams.ports, ('max_fails=1', 'max_fails=0'))
        infer = ('/v2/models/m/infer', '/v2/models/m/versions/1/infer')
        twice = ('/predict', '/predict_batch', '/explain', '/invocations', *infer)
        once = ('/feedback', '/other', '/predict/x')
        for path, body, times in (('/health', None, 2), *((path, '{}', 2) for path in twice),
                                  *((path, '{}', 1) for path in once)):
            del upstreams.seen[:]
            self.problem(ask(nginx, path, body), 503, 'unavailable')
            self.assertEqual(len(upstreams.seen), times, (path, upstreams.seen))

    def test_hung(self):
        """An instance that takes requests and says nothing leaves time for the other."""
        with socket.create_server(('127.0.0.1', 0)) as silent:
            nginx = self.proxy([silent.getsockname()[1], self.upstreams(True).ports[0]],
                               ('proxy_read_timeout 6s', 'proxy_read_timeout 1s'),
                               ('next_upstream_timeout 12s', 'next_upstream_timeout 2s'))
            answers = [ask(nginx, '/any') for _ in range(2)]
        self.assertEqual([answer.status for answer in answers], [200] * 2)

    def test_limit(self):
        nginx = self.proxy(self.upstreams(True).ports, ('rate=100r/s', 'rate=1r/m'),
                           ('burst=200', 'burst=5'))
        answers = [ask(nginx, '/any') for _ in range(10)]
        self.assertEqual([answer.status for answer in answers[:6]], [200] * 6)
        self.problem(answers[-1], 429, 'rate_limited')
        self.assertGreaterEqual(int(answers[-1].fields['retry-after']), 1)

    def test_refusals(self):
        nginx = self.proxy([containers.free_port(), containers.free_port()])
        self.problem(ask(nginx, '/predict', '{}'), 503, 'unavailable')
        self.problem(ask(nginx, '/metrics'), 404, 'not_found')
        large = os.path.join(self.scratch.name, 'large')
        with open(large, 'wb') as file:
            file.truncate(4 << 20)
        self.problem(ask(nginx, '/predict', '@' + large), 413, 'body_too_large')

    def test_protocols(self):
        nginx = self.proxy(self.upstreams(True).ports)
        plain = ask(nginx, '/predict?a=b', '{}', scheme='http')
        self.assertEqual((plain.status, plain.fields['location']),
                         (308, 'https://localhost/predict?a=b'))
        for option, protocol in (('--http1.1', 'HTTP/1.1'), ('--http2', 'HTTP/2')):
            for version in ('--tlsv1.2', '--tlsv1.3'):
                answer = ask(nginx, '/any', None, option, version)
                self.assertEqual((answer.protocol, answer.status), (protocol, 200))
                self.assertIn('max-age', answer.fields['strict-transport-security'])
                self.assertEqual(answer.fields['server'], 'nginx')
        old = subprocess.run(['curl', '-s', '-k', '--tls-max', '1.1', 'https://localhost:%d/'
                              % nginx.https], check=False)
        self.assertNotEqual(old.returncode, 0)


class Instances(Case):
    """Two servers with a published model, which has a baseline for drift."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        texts = os.path.join(cls.folder.name, 'texts')
        with open(texts, 'w', encoding='utf-8') as file:
            for number in range(100):
                file.writelines('I %s this product number %d\n' % (word, number)
                                for word in ('love', 'hate', 'have'))
        cls.models = os.path.join(cls.folder.name, 'models')
        os.makedirs(os.path.join(cls.models, 'english'))
        done = serving.run('publish', '--texts', texts, serving.BUNDLED, cls.models + '/english/1')
        assert done.returncode == 0, done.stderr

    def setUp(self):
        super().setUp()
        self.servers = [self.server(), self.server()]
        self.nginx = self.proxy([server.port for server in self.servers],
                                ('rate=100r/s', 'rate=100000r/s'))

    def server(self):
        server = serving.Server('--models', self.models, '--cache', '1000000', clean=False)
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        return server.wait_until_ready()

    def asked(self, server, route='/predict'):
        return server.metric('nlp_http_requests_total{route="%s",code="200"}' % route) or 0

    def test_both_answer(self):
        for protocol in ('--http1.1', '--http2'):
            answer = ask(self.nginx, '/predict', PREDICT, protocol)
            self.assertEqual((answer.status, answer.json()['prediction']), (200, 2))
        for _ in range(10):
            self.assertEqual(ask(self.nginx, '/predict', PREDICT).status, 200)
        counts = [self.asked(server) for server in self.servers]
        self.assertEqual(sum(counts), 12)
        self.assertTrue(all(counts), counts)
        self.assertEqual(ask(self.nginx, '/health').json()['status'], 'healthy')
        lines = [line for line in self.nginx.accesses() if line['uri'] == '/predict']
        self.assertEqual([line['status'] for line in lines], [200] * 12)
        self.assertNotIn('love', json.dumps(self.nginx.accesses()))

    def test_feedback_finds_its_instance(self):
        for number in range(6):
            name = 'X-Request-Id: r%d' % number
            self.assertEqual(ask(self.nginx, '/predict', PREDICT, '-H', name).status, 200)
        for number in range(6):
            label = {'request_id': 'r%d' % number, 'label': 2}
            self.assertEqual(ask(self.nginx, '/feedback', label).status, 200)
        unknown = {'request_id': 'none', 'label': 2}
        self.assertEqual(ask(self.nginx, '/feedback', unknown).status, 404)

    def load(self, until, bad):
        """Requests one after the other, noting what is not 200."""
        while not until.is_set():
            answer = ask(self.nginx, '/predict', PREDICT)
            if answer.status != 200:
                bad.append(answer)

    def test_one_is_killed(self):
        until, bad = threading.Event(), []
        clients = [threading.Thread(target=self.load, args=(until, bad)) for _ in range(4)]
        for client in clients:
            client.start()
        containers.wait_until(lambda: all(self.asked(one) > 10 for one in self.servers), 'load')
        self.servers[0].process.send_signal(signal.SIGKILL)
        self.servers[0].process.wait()
        before = self.asked(self.servers[1])
        containers.wait_until(lambda: self.asked(self.servers[1]) > before + 50, 'load after')
        until.set()
        for client in clients:
            client.join()
        self.assertEqual([answer.body for answer in bad], [])

    def traffic(self):
        """Something of everything that the dashboard shows."""
        for number in range(250):
            word = ('love', 'hate', 'have')[number % 3]
            self.servers[number % 2].post('/predict', {'text': 'I %s it' % word})
        for server in self.servers:
            server.post('/predict_batch', {'texts': ['I %s number %d' % (word, number)
                                                     for number in range(120)
                                                     for word in ('love', 'hate')]})
            server.post('/predict', PREDICT)
            server.post('/predict', PREDICT)
            server.post('/predict', {'text': 'word ' * 900})
            server.post('/predict', b'{')
            server.post('/predict', PREDICT, X_Request_Id='known')
            server.post('/feedback', {'request_id': 'known', 'label': 2})

    def test_prometheus_and_dashboard(self):
        with open(os.path.join(ROOT, 'deploy/grafana/dashboard.json'), encoding='utf-8') as file:
            dashboard = json.load(file)
        where = os.path.join(self.scratch.name, 'prometheus')
        ports = [server.port for server in self.servers]
        with stack.Prometheus(ROOT, where, ports) as prometheus:
            containers.wait_until(lambda: [one['value'][1] for one in prometheus.query('up')] ==
                                  ['1', '1'], 'two instances are scraped')
            open_queries = set(queries(dashboard))
            self.assertGreater(len(open_queries), 30)
            while open_queries:
                self.traffic()
                open_queries = {one for one in open_queries if not has_data(prometheus, one)}
                print('%d queries have no data yet' % len(open_queries), flush=True)
            rules = [rule for group in prometheus.ask('rules')['groups'] for rule in group['rules']]
            containers.wait_until(lambda: all(
                rule['health'] == 'ok' for group in prometheus.ask('rules')['groups']
                for rule in group['rules']), 'all rules are evaluated')
            self.assertGreater(len([rule for rule in rules if rule['type'] == 'alerting']), 20)
            self.assertEqual(prometheus.query('ALERTS{alertname="SentimentDown"}'), [])
            self.servers[0].process.kill()
            containers.wait_until(lambda: prometheus.query('ALERTS{alertname="SentimentDown"}'),
                                  'the alert of an instance that is gone')


def queries(dashboard):
    """Every query of every panel, with values for the variables."""
    for panel in dashboard['panels']:
        for target in panel.get('targets', ()):
            text = target['expr'].replace('$__rate_interval', '20s')
            text = text.replace('$job', '.*').replace('$model', '.*')
            assert '$' not in text, text
            yield text


def has_data(prometheus, expression):
    """Whether a panel would show a number."""
    return any(one['value'][1] not in ('NaN', '+Inf', '-Inf')
               for one in prometheus.query(expression))


if __name__ == '__main__':
    containers.require('nginx', 'prometheus', 'curl', 'openssl')
    unittest.main(argv=sys.argv[:1])
