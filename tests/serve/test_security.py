# SPDX-License-Identifier: Apache-2.0
"""TLS, cross-origin requests, and sockets that the service manager opens."""
import fcntl
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import termios

import serving


def make_certificate(folder, name, common):
    """A self-signed certificate and its key; None without the openssl command."""
    paths = [os.path.join(folder, f'{name}.{kind}') for kind in ('pem', 'key')]
    done = subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
         '-nodes', '-days', '2', '-subj', f'/CN={common}', '-addext',
         'subjectAltName=IP:127.0.0.1', '-out', paths[0], '-keyout', paths[1]],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    return paths


class Secure(serving.Server):
    """A server that speaks TLS, and a client that holds it to its certificate."""

    def __init__(self, certificate, key, *arguments):
        super().__init__('--tls-cert', certificate, '--tls-key', key, *arguments)
        self.context = ssl.create_default_context(cafile=certificate)

    def connect(self):
        return serving.http.client.HTTPSConnection(self.host, self.port, context=self.context,
                                                   timeout=serving.PATIENCE)


@serving.unittest.skipUnless(shutil.which('openssl'), 'no openssl command here')
class Tls(serving.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = make_certificate(cls.folder.name, 'first', 'first')
        cls.second = make_certificate(cls.folder.name, 'second', 'second')

    def test_requests(self):
        with Secure(*self.first, '--model', self.model) as server:
            self.assertEqual(server.scheme, 'https')
            server.wait_until_ready()
            connection = server.connect()
            wanted = self.expected('word_1')[0]['probabilities']
            for _ in range(3):
                body = self.good(server.post('/predict', {'text': 'word_1'},
                                             connection=connection))
                self.assertEqual(body['probabilities'], wanted)
            self.assertIn(connection.sock.version(), ('TLSv1.2', 'TLSv1.3'))
            connection.close()
            body = self.good(server.post('/predict_batch', {'texts': ['word_1 ' * 500] * 200}))
            self.assertEqual(len(body['predictions']), 200)
            self.problem(server.post('/predict', b' ' * (3 << 20)), 413, 'body_too_large')
            self.good(server.get('/livez', Connection='close'))

            def client(_):
                return self.good(server.post('/predict', {'text': 'word_1'}))['probabilities']

            self.assertEqual(serving.together(8, client), [wanted] * 8)

    def test_not_tls(self):
        """Plain HTTP, half a handshake and old protocols get nothing, and hold nothing up."""
        with Secure(*self.first, '--model', self.model, '--header-timeout', '0.2') as server:
            server.wait_until_ready()
            self.assertEqual(serving.statuses(server.raw(b'GET /livez HTTP/1.1\r\n\r\n')), [])
            self.assertEqual(server.raw(b'\x16\x03\x01\x02\x00'), b'')
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname = False
            old.verify_mode = ssl.CERT_NONE
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with old.wrap_socket(server.socket()) as own:
                self.assertEqual(own.version(), 'TLSv1.2')
            self.good(server.get('/livez'))

    def test_suites(self):
        """Of TLS 1.2 only suites with forward secrecy and authenticated encryption."""
        with Secure(*self.first, '--model', self.model) as server:
            server.wait_until_ready()
            for suite, good in (('ECDHE-ECDSA-AES128-GCM-SHA256', True),
                                ('ECDHE-ECDSA-CHACHA20-POLY1305', True),
                                ('ECDHE-ECDSA-AES128-SHA256', False),
                                ('ECDHE-ECDSA-AES256-SHA', False)):
                client = ssl.create_default_context(cafile=self.first[0])
                client.maximum_version = ssl.TLSVersion.TLSv1_2
                client.set_ciphers(suite + ':@SECLEVEL=0')
                if not good:
                    with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                        client.wrap_socket(server.socket(), server_hostname='127.0.0.1')
                    continue
                with client.wrap_socket(server.socket(), server_hostname='127.0.0.1') as own:
                    self.assertEqual(own.cipher()[0], suite)

    def test_passphrase(self):
        """A key that is encrypted is an error, also where there is a terminal to ask at."""
        key = self.path('encrypted.key')
        subprocess.run(['openssl', 'pkey', '-in', self.first[1], '-aes256', '-passout',
                        'pass:secret', '-out', key], check=True)
        ours, theirs = pty.openpty()
        try:
            done = subprocess.run(
                [serving.TOOL, 'serve', '--port', '0', '--model', self.model, '--tls-cert',
                 self.first[0], '--tls-key', key], stdin=theirs, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, timeout=serving.PATIENCE, check=False,
                preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        finally:
            os.close(ours)
            os.close(theirs)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b'encrypted.key: ', done.stderr)

    def test_reload(self):
        """SIGHUP takes the new certificate; garbage leaves the old one."""
        pair = [os.path.join(self.folder.name, name) for name in ('used.pem', 'used.key')]
        for source, target in zip(self.first, pair):
            shutil.copy(source, target)
        with Secure(*pair, '--model', self.model) as server:
            server.wait_until_ready()
            kept = server.connect()
            self.good(server.get('/livez', connection=kept))
            for source, target in zip(self.second, pair):
                shutil.copy(source, target)
            server.process.send_signal(signal.SIGHUP)
            server.context = ssl.create_default_context(cafile=self.second[0])
            while True:
                try:
                    self.good(server.get('/livez'))
                    break
                except ssl.SSLCertVerificationError:
                    pass
            self.good(server.get('/livez', connection=kept))
            kept.close()
            self.write('used.key', 'garbage')
            server.process.send_signal(signal.SIGHUP)
            while 'used.key' not in server.errors():
                self.good(server.get('/livez'))
            self.good(server.get('/livez'))

    def test_bad_files(self):
        garbage = self.write('garbage', 'x')
        for certificate, key in ((garbage, self.first[1]), (self.first[0], garbage),
                                 (self.first[0], self.second[1]),
                                 (self.path('none'), self.first[1])):
            done = serving.run('serve', '--port', '0', '--model', self.model, '--tls-cert',
                               certificate, '--tls-key', key)
            self.assertEqual(done.returncode, 1, done.stderr)
        done = serving.run('serve', '--tls-key', self.first[1])
        self.assertEqual(done.returncode, 2)

    def test_draining(self):
        with Secure(*self.first, '--model', self.model) as server:
            server.wait_until_ready()
            kept = server.connect()
            self.good(server.get('/livez', connection=kept))
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)
            kept.close()


class Cors(serving.Case):
    preflight = {'Access_Control_Request_Method': 'POST'}

    def test_off(self):
        answer = self.server.get('/health', Origin='https://a.example')
        self.assertNotIn('Access-Control-Allow-Origin', answer.fields)
        refused = self.server.ask('OPTIONS', '/predict', Origin='https://a.example',
                                  **self.preflight)
        self.problem(refused, 405, 'method_not_allowed')

    def test_other_pages(self):
        """What browsers send without asking first is refused, where it comes from a page of
        another origin; not from our own page, nor from what is no browser."""
        own = f'{self.server.host}:{self.server.port}'
        for fields in ({'Origin': 'https://a.example'}, {'Origin': 'null'}, {'Origin': ''},
                       {'Origin': 'http://' + own + '0'}, {'Origin': own},
                       {'Origin': 'http://' + own, 'Sec_Fetch_Site': 'same-site'},
                       {'Sec_Fetch_Site': 'cross-site'}):
            for path, kind in (('/predict', None), ('/invocations', 'text/plain'),
                               ('/predict_batch', 'application/json')):
                extra = dict(fields, Content_Type=kind) if kind else fields
                self.problem(self.server.post(path, b'{"text": "a"}', **extra), 403,
                             'cross_origin')
            self.problem(self.server.get('/model_info', **fields), 403, 'cross_origin')
            self.assertEqual(self.server.get('/', **fields).status, 200)
            self.good(self.server.get('/livez', **fields))
        for fields in ({'Origin': 'http://' + own, 'Sec_Fetch_Site': 'same-origin'},
                       {'Origin': 'https://Box.example', 'Host': 'box.example'},
                       {'Origin': 'https://front.example', 'Sec_Fetch_Site': 'same-origin'},
                       {'Sec_Fetch_Site': 'none'}, {}):
            self.good(self.server.post('/predict', {'text': 'a'}, **fields))
        self.assertEqual(
            self.server.metric('nlp_request_failures_total{reason="cross_origin"}'), 7 * 4)

    def test_listed(self):
        with serving.Server('--model', self.model, '--cors',
                            'https://a.example, https://b.example:8443') as server:
            server.wait_until_ready()
            for origin in ('https://a.example', 'https://b.example:8443'):
                self.good(server.post('/predict', {'text': 'a'}, Origin=origin,
                                      Sec_Fetch_Site='cross-site'))
                for answer in (server.get('/health', Origin=origin),
                               server.post('/predict', {'text': 'a'}, Origin=origin),
                               server.post('/predict', {}, Origin=origin)):
                    self.assertEqual(answer.fields['Access-Control-Allow-Origin'], origin)
                    self.assertEqual(answer.fields['Vary'], 'Origin')
                answer = server.ask('OPTIONS', '/predict', Origin=origin, **self.preflight)
                self.assertEqual((answer.status, answer.body), (204, b''))
                self.assertIn('POST', answer.fields['Access-Control-Allow-Methods'])
                self.assertIn('Content-Type', answer.fields['Access-Control-Allow-Headers'])
            for origin in ('https://a.example.evil', 'http://a.example', 'https://a', 'null', ''):
                answer = server.get('/health', Origin=origin)
                self.assertNotIn('Access-Control-Allow-Origin', answer.fields)
                self.problem(server.post('/predict', {'text': 'a'}, Origin=origin), 403,
                             'cross_origin')
                answer = server.ask('OPTIONS', '/predict', Origin=origin, **self.preflight)
                self.problem(answer, 405, 'method_not_allowed')

    def test_no_mixing(self):
        """Answers that wait for the batcher do not get another connection's fields."""
        with serving.Server('--model', self.model, '--cors', 'https://a.example') as server:
            server.wait_until_ready()

            def client(index):
                fields = {'Origin': 'https://a.example'} if index % 2 else {}
                for _ in range(30):
                    answer = server.post('/predict', {'text': 'word_1'}, **fields)
                    self.assertEqual('Access-Control-Allow-Origin' in answer.fields, bool(fields))
                    self.assertEqual(len(answer.fields.get_all('Vary')), 1)

            serving.together(6, client)

    def test_any(self):
        with serving.Server('--model', self.model, '--cors', '*') as server:
            server.wait_until_ready()
            answer = server.get('/health', Origin='https://c.example')
            self.assertEqual(answer.fields['Access-Control-Allow-Origin'], '*')


class Manager(serving.Case):
    def test_inherited_socket(self):
        """As systemd hands a socket over: descriptor 3, and two variables. Its queue stays
        as long as it was, and open when the server has gone."""
        with socket.create_server(('127.0.0.1', 0), backlog=77) as listening:
            port = listening.getsockname()[1]
            code = ('import os, sys\n'
                    'os.dup2(int(sys.argv[1]), 3)\n'
                    'os.set_inheritable(3, True)\n'
                    'os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))\n'
                    'os.execv(sys.argv[2], sys.argv[2:])\n')
            process = subprocess.Popen(
                [serving.sys.executable, '-c', code, str(listening.fileno()), serving.TOOL, 'serve',
                 '--model', self.model, '--port', '1'], stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, pass_fds=[listening.fileno()], universal_newlines=True)
            self.assertEqual(process.stdout.readline(), f'listening on http://127.0.0.1:{port}\n')
            with socket.create_connection(('127.0.0.1', port), serving.PATIENCE) as own:
                own.sendall(b'GET /livez HTTP/1.0\r\n\r\n')
                self.assertEqual(serving.statuses(serving.read_all(own)), [200])
            # tcpi_sacked, of a listening socket: how long its queue may be.
            info = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
            self.assertEqual(int.from_bytes(info[28:32], serving.sys.byteorder), 77)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(serving.PATIENCE), 0)
            process.stdout.close()
            socket.create_connection(('127.0.0.1', port), serving.PATIENCE).close()
            listening.accept()[0].close()

    def test_notifications(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'notify')
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
                own.settimeout(serving.PATIENCE)
                own.bind(path)
                with serving.Server('--model', self.model, env={'NOTIFY_SOCKET': path}) as server:
                    self.assertEqual(own.recv(100), b'READY=1')
                    server.process.send_signal(signal.SIGHUP)
                    self.assertEqual(own.recv(100), b'RELOADING=1')
                    self.assertEqual(own.recv(100), b'READY=1')
                self.assertEqual(own.recv(100), b'STOPPING=1')


if __name__ == '__main__':
    serving.main()
