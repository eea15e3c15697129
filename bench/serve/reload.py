# SPDX-License-Identifier: Apache-2.0
"""reload.py BUILD [--seconds S] [--stops N]: versions that change, and an end, under load.

A folder of models has two versions that answer otherwise. wrk asks as fast as it can, and
holds every answer against the version that X-Model-Version names, while the admin port is
told to reload, to make the other version the stable one, to share traffic with a canary
and to roll back, each second something else. Held to: no request fails, no answer is another
version's, both versions have answered. Then, N times: SIGTERM while many connections ask;
each request of a connection that the server took gets its whole answer, and the server
ends with 0.
"""
import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ['--vocab-size', '2000', '--embedding-dim', '64', '--hidden-size', '128',
         '--num-classes', '3']
TEXTS = [' '.join('word_%d' % ((number * 7919 + i * 31) % 1900) for i in range(5 + number % 40))
         for number in range(200)]
CONNECTIONS, ENDING_CONNECTIONS = 64, 48
TOKEN = 'reload' * 6


def make_models(command, folder):
    """models/m/1 and models/m/2."""
    models = os.path.join(folder, 'models')
    for version in ('1', '2'):
        path = os.path.join(folder, version + '.safetensors')
        subprocess.run([command, 'create', *SIZES, '--seed', version, path], check=True)
        os.makedirs(os.path.join(models, 'm'), exist_ok=True)
        subprocess.run([command, 'publish', path, os.path.join(models, 'm', version)],
                       check=True, stdout=subprocess.DEVNULL)
    return models


def exchange(port, method, path, body=None, token=None):
    """Status and body of one request."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    fields = {'Content-Type': 'application/json'}
    if token:
        fields['Authorization'] = 'Bearer ' + token
    try:
        connection.request(method, path, body and json.dumps(body), fields)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def running(command, folder, models):
    """The server, when it is ready: its process, port and admin port."""
    token = os.path.join(folder, 'token')
    with open(token, 'w', encoding='ascii') as file:
        file.write(TOKEN + '\n')
    process = subprocess.Popen(
        [command, 'serve', '--port', '0', '--models', models, '--admin-token', token,
         '--admin-port', '0', '--log-file', os.path.join(folder, 'log'), '--log-level', 'warning'],
        stdout=subprocess.PIPE, universal_newlines=True)
    try:
        admin, port = [int(process.stdout.readline().rpartition(':')[2]) for _ in range(2)]
        while exchange(port, 'GET', '/readyz')[0] != 200:
            time.sleep(0.05)
        yield process, port, admin
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def learn(port, path):
    """Writes what each version says of each text, for reload.lua."""
    same = 0
    with open(path, 'w', encoding='utf-8') as file:
        for text in TEXTS:
            parts, body = [json.dumps({'text': text})], {}
            for version in ('1', '2'):
                status, said = exchange(port, 'POST', '/predict',
                                        {'text': text, 'version': version})
                if status != 200:
                    sys.exit('version %s: %s' % (version, said))
                body[version] = said[:said.index(',"processing_time"')]
                parts += ['m/' + version, body[version]]
            same += body['1'] == body['2']
            file.write('\t'.join(parts) + '\n')
    if same:
        sys.exit('%d texts tell nothing: both versions say the same' % same)


def orders(process, admin, seconds):
    """Changes the versions each second; how many orders failed, of how many."""
    label = '/admin/models/m/label'
    turns = [(label, {'label': 'stable', 'version': '2'}), ('/admin/reload', None),
             ('/admin/models/m/rollback', None),
             (label, {'label': 'canary', 'version': '2', 'share': 0.5}), (None, None),
             (label, {'label': 'stable', 'version': '2'}), ('/admin/models/m/rollback', None),
             (label, {'label': 'shadow', 'version': '2', 'share': 0.5}), (label,
             {'label': 'canary', 'version': None}), (label, {'label': 'shadow', 'version': None})]
    failed = given = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        path, body = turns[given % len(turns)]
        given += 1
        if path:
            status, said = exchange(admin, 'POST', path, body, TOKEN)
            if status != 200:
                failed += 1
                print('  %s %s: %d %s' % (path, body, status, said))
        else:
            process.send_signal(signal.SIGHUP)
        time.sleep(1)
    return failed, given


def swap_under_load(process, port, admin, known, seconds):
    """Whether no request minded that versions changed."""
    with subprocess.Popen(
            ['wrk', '-t1', '-c%d' % CONNECTIONS, '-d%ds' % (seconds + 1), '--timeout', '60s',
             '-s', os.path.join(HERE, 'reload.lua'), 'http://127.0.0.1:%d/predict' % port, '--',
             known], stdout=subprocess.PIPE, universal_newlines=True) as load:
        failed, given = orders(process, admin, seconds)
        found = json.loads(load.communicate()[0].rstrip('\n').split('\n')[-1])
    print('%d requests, %.0f a second, p99 %.1f ms, worst %.1f ms, over %d orders (%d failed)' % (
        found['requests'], found['requests'] / found['seconds'], found['p99_ms'],
        found['max_ms'], given, failed))
    print('answered by %s; refused %d, broken %d, another version\'s answer %d' % (
        dict(sorted(found['versions'].items())), found['refused'], found['broken'],
        found['wrong']))
    return (failed == 0 and found['refused'] == found['broken'] == found['wrong'] == 0
            and len(found['versions']) == 2)


class Client(threading.Thread):
    """Asks over one connection after the other until none is to be had."""

    def __init__(self, port, request, expected):
        super().__init__()
        self.port, self.request, self.expected = port, request, expected
        self.answered = self.failed = self.wrong = self.untaken = 0

    def run(self):
        while True:
            try:
                own = socket.create_connection(('127.0.0.1', self.port), timeout=60)
            except OSError:
                return
            with own:
                self.use(own)

    def use(self, own):
        """One connection. That the first request of one is reset, unread, means that the
        server had not taken it: its socket closed with the connection in the queue."""
        first = True
        while True:
            try:
                own.sendall(self.request)
                closing = self.read(own)
            except (OSError, ValueError):
                self.untaken += first
                self.failed += not first
                return
            first = False
            self.answered += 1
            if closing:
                return

    def read(self, own):
        """Reads an answer; whether the server closes behind it."""
        data = b''
        while b'\r\n\r\n' not in data:
            piece = own.recv(65536)
            if not piece:
                raise ValueError
            data += piece
        head, _, body = data.partition(b'\r\n\r\n')
        length = int(head.lower().partition(b'content-length:')[2].split(b'\r')[0])
        while len(body) < length:
            piece = own.recv(65536)
            if not piece:
                raise ValueError
            body += piece
        if not head.startswith(b'HTTP/1.1 200 ') or not body.startswith(self.expected):
            self.wrong += 1
        return b'\r\nconnection: close' in head.lower()


def stop_under_load(process, port, delay):
    """Whether all that was accepted is answered after SIGTERM."""
    body = json.dumps({'texts': TEXTS[:20]})
    status, said = exchange(port, 'POST', '/predict_batch', {'texts': TEXTS[:20]})
    if status != 200:
        sys.exit(said)
    expected = said[:said.index(',"processing_time"')].encode()
    request = ('POST /predict_batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
               'Content-Length: %d\r\n\r\n%s' % (len(body), body)).encode()
    clients = [Client(port, request, expected) for _ in range(ENDING_CONNECTIONS)]
    for client in clients:
        client.start()
    time.sleep(delay)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    for client in clients:
        client.join()
    status = process.wait(60)
    sums = {name: sum(getattr(client, name) for client in clients)
            for name in ('answered', 'failed', 'wrong', 'untaken')}
    print('SIGTERM: %d answered, %d failed, %d refused or wrong, %d connections not taken; '
          'exit %d after %.2f s' % (sums['answered'], sums['failed'], sums['wrong'],
                                    sums['untaken'], status, time.monotonic() - began))
    return sums['failed'] == sums['wrong'] == status == 0 and sums['answered'] > 0


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--stops', type=int, default=5)
    options = parser.parse_args()
    command = os.path.join(os.path.abspath(options.build), 'sentiment')
    with tempfile.TemporaryDirectory() as folder:
        models, known = make_models(command, folder), os.path.join(folder, 'known')
        labels = os.path.join(models, 'm', 'labels.json')
        with open(labels, 'w', encoding='ascii') as file:
            file.write('{"stable": "1", "canary": {"version": "2", "share": 0}}')
        with running(command, folder, models) as (process, port, admin):
            learn(port, known)
            good = swap_under_load(process, port, admin, known, options.seconds)
            good = stop_under_load(process, port, 1) and good
        for turn in range(1, options.stops):
            with running(command, folder, models) as (process, port, _):
                good = stop_under_load(process, port, 0.3 + 0.17 * turn) and good
    print('held' if good else 'NOT held')
    sys.exit(not good)


if __name__ == '__main__':
    main()
