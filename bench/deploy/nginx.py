# SPDX-License-Identifier: Apache-2.0
"""nginx.py BUILD --texts TSV [--seconds N] [--rounds N]: what the proxy costs.

wrk on this machine asks one server of the build directly, in plain and over TLS, and two
of them through nginx with deploy/nginx/nginx.conf (TLS; its limit for each address is
lifted, since wrk is one address), in turns. All share the processors of the machine, so
that this is what nginx costs where it takes its time from the service.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[1:1] = [os.path.join(ROOT, 'tests', 'deploy', 'containers'),
                 os.path.join(os.path.dirname(HERE), 'serve')]
import containers  # noqa: E402
import serve  # noqa: E402
import stack  # noqa: E402

CONNECTIONS = (1, 16, 64)
LIMIT = ('rate=100r/s', 'rate=1000000r/s')


def load(url, connections, seconds, bodies):
    """Requests a second, as wrk says; failures end the measurement."""
    done = subprocess.run(
        ['wrk', '-t1', '-c%d' % connections, '-d%ds' % seconds, '--timeout', '30s', '-s',
         os.path.join(os.path.dirname(HERE), 'serve', 'texts.lua'), url + '/predict', '--', bodies],
        stdout=subprocess.PIPE, check=True, universal_newlines=True)
    found = json.loads(done.stdout.rstrip('\n').split('\n')[-1])
    if found['not_2xx'] or found['socket_errors']:
        sys.exit('%s: failures: %s' % (url, found))
    return found['requests_per_second']


def server(build, *arguments):
    """A running server of the bundled model, and its port."""
    port = containers.free_port()
    model = os.path.join(build, 'models', 'sentiment-en.safetensors')
    words = [os.path.join(build, 'sentiment'), 'serve', '--model', model, '--precision', 'int8',
             '--log-level', 'off', '--port', str(port), *arguments]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    health = [*words[:2], '--health-check', '--port', str(port), *arguments]
    containers.wait_until(lambda: subprocess.run(health, stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL,
                                                 check=False).returncode == 0, 'server', process)
    return process, port


def measure(options, folder, bodies):
    """{name: {connections: [rates]}}."""
    tls = stack.make_certificate(os.path.join(folder, 'tls'))
    started = [server(options.build), server(options.build), server(
        options.build, '--tls-cert', tls[0], '--tls-key', tls[1])]
    ports = [port for _, port in started]
    try:
        with stack.Nginx(ROOT, os.path.join(folder, 'nginx'), ports[:2], more=[LIMIT]) as nginx:
            urls = {'direct': 'http://127.0.0.1:%d' % ports[0],
                    'direct, TLS': 'https://127.0.0.1:%d' % ports[2],
                    'nginx, TLS': 'https://127.0.0.1:%d' % nginx.https}
            found = {name: {count: [] for count in CONNECTIONS} for name in urls}
            for _ in range(options.rounds):
                for count in CONNECTIONS:
                    for name, url in urls.items():
                        found[name][count].append(load(url, count, options.seconds, bodies))
            return found
    finally:
        for process, _ in started:
            process.terminate()


def main():
    """Prints a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('build')
    parser.add_argument('--texts', required=True, help='a TSV with a column "text"')
    parser.add_argument('--seconds', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    containers.require('nginx', 'wrk', 'openssl')
    with tempfile.TemporaryDirectory() as folder:
        bodies = os.path.join(folder, 'bodies')
        serve.write_bodies(options.texts, bodies)
        found = measure(options, folder, bodies)
    print('%-12s' % 'requests/s' + ''.join('%18s' % ('%d connections' % count)
                                           for count in CONNECTIONS))
    for name, rates in found.items():
        cells = []
        for count in CONNECTIONS:
            rate, direct = (statistics.median(found[which][count]) for which in (name, 'direct'))
            cells.append('%18s' % ('%.0f (%.2fx)' % (rate, rate / direct)))
        print('%-12s' % name + ''.join(cells))


if __name__ == '__main__':
    main()
