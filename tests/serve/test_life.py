# SPDX-License-Identifier: Apache-2.0
"""Start, draining and end: no accepted request is lost, the exit status tells the truth."""
import json
import os
import signal
import socket
import subprocess
import threading

import serving


class Life(serving.Case):
    def test_start_fails(self):
        for arguments, says in ((['--model', self.path('none')], b'none'),
                                (['--model', self.write('bad.safetensors', 'x' * 100)], b'bad'),
                                (['--port', '0', '--host', 'no.such.host.invalid'], b'no.such'),
                                (['--api-keys', self.path('no-keys')], b'no-keys'),
                                (['--log-file', self.path('no/such/folder')], b'no/such')):
            done = serving.run('serve', '--port', '0', *arguments)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(says, done.stderr)

    def test_port_in_use(self):
        done = serving.run('serve', '--model', self.model, '--port', str(self.server.port))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b'Address already in use', done.stderr)

    def test_without_program(self):
        """The command without the server's program says what is missing."""
        alone = self.path('sentiment')
        os.symlink(serving.TOOL, alone)
        with open(serving.TOOL, 'rb') as file:
            os.unlink(alone)
            self.write('sentiment', file.read())
        os.chmod(alone, 0o755)
        folder = os.path.dirname(serving.TOOL)
        done = subprocess.run([alone, 'serve'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, LD_LIBRARY_PATH=folder),
                              timeout=serving.PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'sentiment-serve', done.stderr)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with serving.Server('--model', self.model) as server:
                server.wait_until_ready()
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(serving.PATIENCE), 0)

    def test_draining(self):
        """Not ready, but serving, for as long as was asked; a second signal ends the wait."""
        with serving.Server('--model', self.model, '--drain-delay', '3600') as server:
            server.wait_until_ready()
            server.process.send_signal(signal.SIGTERM)
            while server.get('/readyz').status == 200:
                pass
            self.problem(server.get('/readyz'), 503, 'draining')
            answer = server.get('/health')
            self.assertEqual((answer.status, answer.json()),
                             (503, {'status': 'draining', 'model_loaded': True}))
            self.assertEqual(server.get('/livez').status, 200)
            self.good(server.post('/predict', {'text': 'word_1'}))

    def test_no_lost_requests(self):
        """Clients hammer a server that is told to end. A request that was sent on a
        connection that had been answered before without "Connection: close", or on a new
        one that was accepted, gets its answer."""
        with serving.Server('--model', self.model) as server:
            server.wait_until_ready()
            began = threading.Barrier(9)

            def client(_):
                count, connection = 0, server.connect()
                self.good(server.post('/predict', {'text': 'word_1'}, connection=connection))
                began.wait()
                while True:
                    answer = server.post('/predict', {'text': 'word_1'}, connection=connection)
                    self.good(answer)
                    count += 1
                    if answer.fields.get('Connection') == 'close':
                        connection.close()
                        return count

            def end(_):
                began.wait()
                server.process.send_signal(signal.SIGTERM)

            counts = serving.together(9, lambda index: client(index) if index < 8 else end(index))
            self.assertTrue(all(count >= 1 for count in counts[:8]), counts)
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)
            with self.assertRaises(ConnectionRefusedError):
                server.get('/livez')

    def test_job_outlives_signal(self):
        """What is being computed is finished and sent."""
        slow = self.create('slow.safetensors', '--vocab-size', '60', '--embedding-dim', '64',
                           '--hidden-size', '512', '--num-classes', '3')
        body = {'text': 'word_1 ' * 9000, 'max_length': 9000}
        with serving.Server('--model', slow, '--deadline', '0', '--max-tokens',
                            '9000') as server:
            server.wait_until_ready()
            own = server.socket()
            data = json.dumps(body).encode()
            own.sendall(b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n'
                        % len(data) + data)
            while not server.metric('nlp_http_connections') == 2:
                pass
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(serving.statuses(serving.read_all(own)), [200])
            own.close()

    def test_half_open(self):
        """Connections without a request do not hold the end up for long."""
        with serving.Server('--model', self.model) as server:
            server.wait_until_ready()
            silent = [server.socket() for _ in range(5)]
            begun = server.socket()
            begun.sendall(b'GET /livez HT')
            server.process.send_signal(signal.SIGTERM)
            begun.sendall(b'TP/1.1\r\nHost: x\r\n\r\n')
            self.assertEqual(serving.statuses(serving.read_all(begun)), [200])
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)
            for own in [*silent, begun]:
                own.close()

    def test_refuses_while_draining(self):
        """What comes too late learns it at once, while what was accepted is finished."""
        with serving.Server('--model', self.model, '--drain-timeout', '3600') as server:
            server.wait_until_ready()
            own = server.socket()
            own.sendall(b'POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n'
                        b'Content-Length: 18\r\n\r\n')
            self.assertEqual(own.recv(1000), b'HTTP/1.1 100 Continue\r\n\r\n')
            server.process.send_signal(signal.SIGTERM)
            refused = False
            while not refused and server.process.poll() is None:
                try:
                    server.socket().close()
                except ConnectionRefusedError:
                    refused = True
            self.assertIsNone(server.process.poll())
            own.sendall(b'{"text": "word_1"}')
            self.assertEqual(serving.statuses(serving.read_all(own)), [200])
            own.close()

    def test_timeouts(self):
        with serving.Server('--model', self.model, '--header-timeout', '0.05', '--body-timeout',
                            '0.05', '--idle-timeout', '0.05') as server:
            server.wait_until_ready()
            self.assertEqual(server.raw(), b'')
            data = server.raw(b'GET /livez HTTP/1.1\r\nHost: x\r\n')
            self.assertEqual(serving.statuses(data), [408])
            self.assertIn(b'"code":"header_timeout"', data)
            data = server.raw(b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
            self.assertEqual(serving.statuses(data), [408])
            self.assertIn(b'"code":"body_timeout"', data)

    def test_ipv6(self):
        try:
            with socket.create_server(('::1', 0), family=socket.AF_INET6):
                pass
        except OSError:
            self.skipTest('no IPv6 here')
        with serving.Server('--model', self.model, '--host', '::1') as server:
            server.host = '::1'
            server.wait_until_ready()
            self.good(server.get('/livez'))


if __name__ == '__main__':
    serving.main()
