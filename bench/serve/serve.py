# SPDX-License-Identifier: Apache-2.0
"""serve.py BUILD PYTHON --texts TSV [--seconds N] [--rounds N] [--rivals]: the server
under load, beside what it replaces.

wrk on this machine asks `sentiment serve` (the bundled model in int8), the same with a
cache that soon has every text, the deployment guide's FastAPI service on PyTorch, and a
FastAPI service on ONNX Runtime without padding, in turns, over 1, 16 and 256
connections; server and client share the processors. Then the server alone at half of
its peak, for the latency that users see.
PYTHON has what bench/serve/requirements.txt lists, and sees Debian's torch.
"""
import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = (1, 16, 256)
MOST_TEXTS = 20000
CACHE = 64 << 20  # bytes: enough for all of them


def free_port():
    """A port of the loopback address that nobody has."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    """Until a service answers."""
    for _ in range(300):
        with contextlib.suppress(OSError):
            urllib.request.urlopen('http://127.0.0.1:%d/health' % port, timeout=1).close()
            return
        if process.poll() is not None:
            sys.exit('%s ended with %d' % (process.args[:3], process.returncode))
        time.sleep(0.1)
    sys.exit('%s does not answer' % process.args[:3])


@contextlib.contextmanager
def running(command, port, environment):
    """A service, from its first answer on."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()


def load(port, connections, seconds, bodies, pause=0.0):
    """What wrk measures."""
    done = subprocess.run(
        ['wrk', '-t1', '-c%d' % connections, '-d%ds' % seconds, '--timeout', '30s', '-s',
         os.path.join(HERE, 'texts.lua'), 'http://127.0.0.1:%d/predict' % port, '--', bodies,
         str(pause)], stdout=subprocess.PIPE, check=True, universal_newlines=True)
    found = json.loads(done.stdout.rstrip('\n').split('\n')[-1])
    if found['not_2xx'] or found['socket_errors']:
        print('  failures: %s' % found)
    return found


def write_bodies(tsv, path):
    """JSON bodies of the texts, a line each."""
    with open(tsv, encoding='utf-8') as file:
        column = next(file).rstrip('\n').split('\t').index('text')
        texts = [line.rstrip('\n').split('\t')[column] for line in file][:MOST_TEXTS]
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(json.dumps({'text': text}) + '\n' for text in texts if text.strip())


def services(build, python, folder, rivals):
    """Commands by name, each with a port."""
    model = os.path.join(build, 'models', 'sentiment-en.safetensors')
    command = os.path.join(build, 'sentiment')
    ports = [free_port() for _ in range(3)]
    ours = [command, 'serve', '--model', model, '--precision', 'int8', '--port', str(ports[0])]
    found = {'sentiment serve': (ours, ports[0]),
             'with a cache': (ours + ['--cache', str(CACHE)], ports[0])}
    if rivals:
        guide, onnx = os.path.join(folder, 'guide'), os.path.join(folder, 'model.onnx')
        subprocess.run([command, 'convert', model, guide], check=True)
        subprocess.run([command, 'convert', '--no-check', model, onnx], check=True)
        found['onnxruntime'] = ([python, os.path.join(HERE, 'onnx_app.py'), onnx,
                                 os.path.join(guide, 'tokenizer.pkl'), str(ports[1])], ports[1])
        found['guide'] = ([python, os.path.join(HERE, 'guide_app.py'), guide, str(ports[2])],
                          ports[2])
    return found


def environment():
    """Gives OpenBLAS, under the guide's service, its best kernels here."""
    chosen = dict(os.environ)
    if ' avx512f ' in pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8'):
        chosen['OPENBLAS_CORETYPE'] = 'SKYLAKEX'
    return chosen


def measure(found, options, bodies):
    """{(name, connections): [what wrk says]}, the services in turns."""
    said = {}
    for _ in range(options.rounds):
        for name, (command, port) in found.items():
            with running(command, port, environment()):
                load(port, 16, 1, bodies)
                for connections in CONNECTIONS:
                    said.setdefault((name, connections), []).append(
                        load(port, connections, options.seconds, bodies))
    return said


def median(runs, key):
    """Of one figure over the runs."""
    return statistics.median(run[key] for run in runs)


def report(said, found):
    """A table; the best rate of our server."""
    print('%-16s %11s %12s %10s %10s %9s' % ('service', 'connections', 'requests/s', 'p50 ms',
                                             'p99 ms', 'ours is'))
    for name in found:
        for connections in CONNECTIONS:
            runs = said[name, connections]
            rate = median(runs, 'requests_per_second')
            ours = median(said['sentiment serve', connections], 'requests_per_second')
            print('%-16s %11d %12.1f %10.3f %10.3f %8.1fx' % (
                name, connections, rate, median(runs, 'p50_ms'), median(runs, 'p99_ms'),
                ours / rate))
    return max(median(said['sentiment serve', each], 'requests_per_second')
               for each in CONNECTIONS)


def half_load(service, peak, options, bodies):
    """Latency at half of the peak, 64 connections that pause at random."""
    command, port = service
    with running(command, port, environment()):
        pause = 64 / (peak / 2) * 1000
        runs = [load(port, 64, options.seconds, bodies, pause) for _ in range(options.rounds)]
    print('at half of the peak (%.0f requests/s asked, %.0f got): p50 %.3f ms, p99 %.3f ms' % (
        peak / 2, median(runs, 'requests_per_second'), median(runs, 'p50_ms'),
        median(runs, 'p99_ms')))


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('python')
    parser.add_argument('--texts', required=True, help='a TSV with a column "text"')
    parser.add_argument('--seconds', type=int, default=8)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--rivals', action='store_true', help='measure the rivals too')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bodies = os.path.join(folder, 'bodies')
        write_bodies(options.texts, bodies)
        found = services(os.path.abspath(options.build), options.python, folder, options.rivals)
        peak = report(measure(found, options, bodies), found)
        half_load(found['sentiment serve'], peak, options, bodies)


if __name__ == '__main__':
    main()
