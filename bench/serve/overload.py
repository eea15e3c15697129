# SPDX-License-Identifier: Apache-2.0
"""overload.py BUILD [--texts TSV] [--minutes M]: a server asked for twice what it can do.

wrk first finds the capacity with bodies of 1 to 64 texts. Then three clients, known by
their keys, ask together for twice as much, at random times, answered or not: one for more
than its rate (429), all for more than the queue holds (503). Meanwhile resident memory is
read once a second, and /livez asked ten times a second. Held to: memory grows by at most
5 % after the first minute (of a shorter run: after its first half), each refusal is 429 or
503 with Retry-After, no connection breaks, and /livez answers within 10 ms.

The last takes processors that nobody else uses: on a machine with other work,
  setsid -w sh -c 'echo -12 >/proc/self/autogroup; exec "$@"' - python3 overload.py BUILD
as root goes before it.
"""
import argparse
import contextlib
import hashlib
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS_OF_A_BODY = (1, 4, 16, 64)
CLIENTS = {'greedy': 0.5, 'second': 0.25, 'third': 0.25}  # shares of what is asked
PAUSE = 0.2  # seconds that a connection waits on average
ASKED = 2.2  # times the capacity, at least 2 of which must come about
QUEUE = 1024
PROBES = 10  # a second
MOST_GROWTH, MOST_MILLISECONDS = 0.05, 10


def sample_texts(path):
    """Texts of a TSV, or made-up ones."""
    if not path:
        return ['I %s this %s, and the %s was %s.' % (verb, noun, other, word)
                for verb in ('love', 'hate', 'like') for noun in ('phone', 'film', 'book')
                for other in ('staff', 'sound', 'plot') for word in ('great', 'bad', 'fine')]
    with open(path, encoding='utf-8') as file:
        column = next(file).rstrip('\n').split('\t').index('text')
        texts = [line.rstrip('\n').split('\t')[column] for line in file]
    return [text for text in texts if text.strip()][:5000]


def write_bodies(texts, path):
    """Lists of texts, of all sizes in turn; the mean number of texts in one."""
    sizes = [TEXTS_OF_A_BODY[i % len(TEXTS_OF_A_BODY)] for i in range(400)]
    with open(path, 'w', encoding='utf-8') as file:
        at = 0
        for size in sizes:
            chosen = [texts[(at + i) % len(texts)] for i in range(size)]
            file.write(json.dumps({'texts': chosen}) + '\n')
            at += size
    return sum(sizes) / len(sizes)


def write_keys(folder):
    """A file of keys for the server; the key of each client."""
    keys = {name: name + '-' * 32 for name in (*CLIENTS, 'free')}
    path = os.path.join(folder, 'keys')
    with open(path, 'w', encoding='utf-8') as file:
        for name, key in keys.items():
            file.write('%s:%s\n' % (name, hashlib.sha256(key.encode()).hexdigest()))
    return path, keys


@contextlib.contextmanager
def running(command):
    """The server, from when it is ready; its process and port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True) as process:
        try:
            line = process.stdout.readline()
            if not line.startswith('listening on '):
                sys.exit('the server does not start: ' + line)
            port = int(line.rpartition(':')[2])
            while ask(port, '/readyz') != 200:
                time.sleep(0.05)
            yield process, port
        finally:
            process.terminate()
    if process.returncode != 0:
        sys.exit('the server ended with %d' % process.returncode)


def ask(port, path):
    """The status of one GET."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    try:
        connection.request('GET', path)
        return connection.getresponse().status
    finally:
        connection.close()


def start_wrk(port, connections, seconds, *arguments):
    """wrk, on its way."""
    return subprocess.Popen(
        ['wrk', '-t1', '-c%d' % connections, '-d%ds' % seconds, '--timeout', '60s', '-s',
         os.path.join(HERE, 'overload.lua'), 'http://127.0.0.1:%d/predict_batch' % port, '--',
         *map(str, arguments)], stdout=subprocess.PIPE, universal_newlines=True)


def end_wrk(process):
    """What it found."""
    said = process.communicate()[0]
    if process.returncode != 0:
        sys.exit('wrk ended with %d: %s' % (process.returncode, said))
    return json.loads(said.rstrip('\n').split('\n')[-1])


def measure_capacity(command, bodies, key):
    """Requests a second, answered, from as many connections as keep the server busy."""
    with running(command) as (_, port):
        for seconds in (1, 5):
            found = end_wrk(start_wrk(port, 12, seconds, bodies, 0, key))
    if set(found['statuses']) != {'200'}:
        sys.exit('refused below its capacity: %s' % found)
    return found['requests'] / found['seconds']


def probe(port, began, pipe):
    """Asks for /livez until told to end; in a process of its own, before the clients' where
    that is allowed, so that the time is the server's. How late it wakes from a sleep tells
    what the machine adds."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    request = b'GET /livez HTTP/1.1\r\nHost: overload\r\n\r\n'
    probes, late = [], [0]
    with socket.create_connection(('127.0.0.1', port), timeout=60) as connection:
        while not pipe.poll():
            before = time.monotonic()
            time.sleep(1 / PROBES)
            asked = time.monotonic()
            connection.sendall(request)
            good = connection.recv(4096).startswith(b'HTTP/1.1 200 ')
            probes.append(((time.monotonic() - asked) * 1000, asked - began, good))
            late.append((asked - before - 1 / PROBES) * 1000)
    pipe.send((probes, late))


class Watch:
    """Resident memory and /livez of a running server."""

    def __init__(self, process, port):
        self.process, self.began = process, time.monotonic()
        self.stop = threading.Event()
        self.memory, self.probes, self.late = [], [], []
        self.reader = threading.Thread(target=self.read_memory)
        self.pipe, other = multiprocessing.Pipe()
        self.prober = multiprocessing.Process(target=probe, args=(port, self.began, other))

    def __enter__(self):
        self.prober.start()
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.reader.join()
        self.pipe.send(None)
        self.probes, self.late = self.pipe.recv()
        self.prober.join()

    def read_memory(self):
        """Once a second."""
        while not self.stop.wait(1):
            with open('/proc/%d/statm' % self.process.pid, encoding='ascii') as file:
                pages = int(file.read().split()[1])
            self.memory.append((time.monotonic() - self.began, pages * os.sysconf('SC_PAGESIZE')))


def overload(command, capacity, bodies, keys, seconds):
    """Asks for twice the capacity; what each client found, and the watch."""
    # A connection asks once in its pause and its wait for an answer; answers come no later
    # than a full queue is worked off.
    wait = PAUSE + QUEUE / capacity['texts']
    with running([*command, '--rate', str(capacity['texts'] / 4)]) as (process, port):
        with Watch(process, port) as watch:
            loads = {}
            for name, share in CLIENTS.items():
                connections = int(ASKED * capacity['requests'] * share * wait) + 1
                loads[name] = start_wrk(port, connections, seconds, bodies, PAUSE * 1000,
                                        keys[name])
            # Until just before the clients leave, all at once.
            time.sleep(max(seconds - 0.5 - (time.monotonic() - watch.began), 0))
        found = {name: end_wrk(load) for name, load in loads.items()}
    return found, watch


def growth(memory, seconds):
    """Of resident memory after the first minute, and the figures it comes of."""
    settled = min(60, seconds / 2)
    first = [size for at, size in memory if at <= settled][-1]
    most = max(size for at, size in memory if at >= settled)
    return most / first - 1, first, most


def report(found, watch, capacity, seconds):
    """Prints all figures; whether they are within their limits."""
    sums = {}
    for name, client in found.items():
        print('%-7s %6d requests/s, p99 %.0f ms: %s' % (
            name, client['requests'] / client['seconds'], client['p99_ms'], client['statuses']))
        for code, count in client['statuses'].items():
            sums[code] = sums.get(code, 0) + count
    asked = sum(client['requests'] / client['seconds'] for client in found.values())
    print('asked for %.2f times the capacity; answered %s' % (asked / capacity['requests'],
                                                             dict(sorted(sums.items()))))
    unexplained = sum(client['unexplained'] for client in found.values())
    broken = sum(client['socket_errors'] for client in found.values())
    grown, first, most = growth(watch.memory, seconds)
    print('memory: %.1f MiB when settled, then at most %.1f MiB: %+.1f %% (limit %.0f %%)' % (
        first / 2**20, most / 2**20, 100 * grown, 100 * MOST_GROWTH))
    print('refused without 429 or 503 and Retry-After: %d; broken connections: %d' % (
        unexplained, broken))
    times = sorted(watch.probes)
    late = sorted(at for taken, at, _ in times if taken > MOST_MILLISECONDS)
    print('/livez: %d asked, p50 %.2f ms, p99 %.2f ms, worst %.2f ms at %.0f s; '
          'beyond %d ms: %d%s' % (len(times), times[len(times) // 2][0],
                                  times[len(times) * 99 // 100][0], times[-1][0], times[-1][1],
                                  MOST_MILLISECONDS, len(late),
                                  ''.join(', at %.1f s' % at for at in late[:10])))
    print('the probe itself woke up to %.2f ms late' % max(watch.late))
    alive = all(good for _, _, good in times)
    refused = sums.get('429', 0) > 0 and sums.get('503', 0) > 0
    return (grown <= MOST_GROWTH and unexplained == 0 and broken == 0 and not late and alive
            and refused and asked >= 2 * capacity['requests'])


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('--texts', help='a TSV with a column "text"')
    parser.add_argument('--minutes', type=float, default=10)
    options = parser.parse_args()
    build, seconds = os.path.abspath(options.build), round(options.minutes * 60)
    with tempfile.TemporaryDirectory() as folder:
        bodies = os.path.join(folder, 'bodies')
        mean = write_bodies(sample_texts(options.texts), bodies)
        path, keys = write_keys(folder)
        command = [os.path.join(build, 'sentiment'), 'serve', '--port', '0', '--model',
                   os.path.join(build, 'models', 'sentiment-en.safetensors'), '--precision',
                   'int8', '--api-keys', path, '--queue', str(QUEUE), '--log-file', '/dev/null']
        capacity = {'requests': measure_capacity(command, bodies, keys['free'])}
        capacity['texts'] = capacity['requests'] * mean
        print('capacity: %.0f requests/s, %.0f texts/s' % (capacity['requests'],
                                                          capacity['texts']))
        found, watch = overload(command, capacity, bodies, keys, seconds)
        good = report(found, watch, capacity, seconds)
    print('held' if good else 'NOT held')
    sys.exit(not good)


if __name__ == '__main__':
    main()
