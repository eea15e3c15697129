# SPDX-License-Identifier: Apache-2.0
"""sentiment serve --health-check: healthy, loading, without a server, over TLS."""
import json
import shutil
import socket
import tempfile
import threading
import unittest

import serving
import test_security


class HealthCheck(serving.Case):
    def ask(self, port, *arguments, env=None):
        return serving.run('serve', '--health-check', '--port', str(port), *arguments, env=env)

    def sick(self, done, says):
        self.assertEqual((done.returncode, done.stdout), (1, b''), done.stderr)
        self.assertIn(says.encode(), done.stderr)

    def test_healthy(self):
        body = {'status': 'healthy', 'model_loaded': True}
        for host in ('127.0.0.1', '0.0.0.0', 'localhost'):
            done = self.ask(self.server.port, '--host', host)
            self.assertEqual((done.returncode, done.stderr), (0, b''), host)
            self.assertEqual(json.loads(done.stdout), body)
        done = serving.run('serve', '--health-check', env={'PORT': str(self.server.port)})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_server(self):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self.sick(self.ask(port), 'no server')
        self.sick(self.ask(port, '--host', 'no such host'), 'no such host')

    def other(self, answer):
        """What it says to something else that listens and gives this answer."""
        def serve():
            client = listening.accept()[0]
            client.recv(4096)
            client.sendall(answer)
            client.close()

        with socket.create_server(('127.0.0.1', 0)) as listening:
            thread = threading.Thread(target=serve)
            thread.start()
            done = self.ask(listening.getsockname()[1])
            thread.join()
        return done

    def test_not_healthy(self):
        for status in ('loading', 'no_model', 'draining'):
            body = json.dumps({'status': status, 'model_loaded': False})
            answer = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n' + body
            self.sick(self.other(answer.encode()), status)

    def test_no_server_of_ours(self):
        self.sick(self.other(b''), 'no answer')
        self.sick(self.other(b'SSH-2.0-other\r\n'), 'SSH-2.0-other')
        self.sick(self.other(b'HTTP/1.1 200 OK\r\n'), '200 OK')
        self.sick(self.other(b'HTTP/1.1 500 No\r\n\r\n' + b'x' * 100000), '500 No')

    @unittest.skipUnless(shutil.which('openssl'), 'no openssl command here')
    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            pair = test_security.make_certificate(folder, 'one', 'localhost')
            words = ['--tls-cert', pair[0], '--tls-key', pair[1]]
            with test_security.Secure(*pair, '--model', self.model) as server:
                server.wait_until_ready()
                done = self.ask(server.port, *words)
                self.assertEqual((done.returncode, done.stderr), (0, b''))
                self.assertTrue(json.loads(done.stdout)['model_loaded'])
                self.sick(self.ask(server.port), 'health-check')
            self.sick(self.ask(self.server.port, *words), 'no TLS')


if __name__ == '__main__':
    serving.main()
