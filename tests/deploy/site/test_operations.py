# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md, followed as it stands: its commands in a folder of their own, in
order, and its queries asked of a real Prometheus that scrapes the page's own server.

test_operations.py ROOT BUILD. Skipped (77) without curl or Prometheus, which .ci/deps.sh
deploy installs. Ports of the page are turned into free ones.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT, BUILD = sys.argv[1:3]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'docs'))
import documents  # noqa: E402
import reader  # noqa: E402

PAGE = 'docs/operations.md'
NEEDS = ('curl', 'prometheus')
PATIENCE = 60
# Between blocks, as somebody reads on: Prometheus sees what each of them did.
PAUSE = 0.7
NAME = re.compile(r'\bnlp[_:][a-zA-Z0-9_:]+|\bprocess_[a-z_]+')
PROMETHEUS = '''
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: ["%s"]
scrape_configs:
  - {job_name: sentiment, static_configs: [{targets: ["127.0.0.1:%d"]}]}
'''


def free_ports(count):
    """Ports that nobody has at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(('127.0.0.1', 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(what, ready):
    """Asks again until it is so."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError('waited in vain for ' + what)
        time.sleep(0.2)


class Prometheus:
    """Debian's, in a folder of its own, with the rules of the tree."""

    def __init__(self, user, target, port):
        self.base = 'http://127.0.0.1:%d' % port
        rules = os.path.join(ROOT, 'deploy', 'prometheus', 'alerts.yml')
        user.write('prometheus.yml', PROMETHEUS % (rules, target))
        self.log = open(user.path('prometheus.log'), 'w+', encoding='utf-8')
        self.process = subprocess.Popen(
            ['prometheus', '--config.file=prometheus.yml', '--storage.tsdb.path=prometheus',
             '--web.listen-address=127.0.0.1:%d' % port], cwd=user.folder,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def ask(self, path, **parameters):
        """The data of an answer of its API; an error of a query is one of the page."""
        address = '%s/api/v1/%s?%s' % (self.base, path, urllib.parse.urlencode(parameters))
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as problem:
            raise RuntimeError('%s: %s' % (parameters, problem.read().decode())) from problem

    def names(self):
        """Of all series that it has, rules included."""
        try:
            return set(self.ask('label/__name__/values'))
        except urllib.error.URLError:
            return set()


def table_queries():
    """Those in the tables of the page."""
    with open(os.path.join(ROOT, PAGE), encoding='utf-8') as stream:
        rows = [line for line in stream if line.startswith('|')]
    codes = [code for row in rows for code in re.findall(r'`([^`]+)`', row)]
    return [code for code in codes if NAME.search(code)]


def on_ports(text, ports):
    """A block with the ports of the page turned into those of the test."""
    for old, new in ports.items():
        text = re.sub(r'\b%d\b' % old, str(new), text)
    return text


def run(user, block, ports):
    """The commands of one block, and what they say."""
    print('%s: running' % block, flush=True)
    output = user.check(['sh', '-eu', '-c', on_ports(block.text, ports)])
    print(''.join('    %s\n' % line[:100] for line in output.split('\n')[:8] if line), end='')


def server_of(user):
    """The process that the page started; None before it did."""
    try:
        with open(user.path('serve.pid'), encoding='ascii') as stream:
            return int(stream.read())
    except OSError:
        return None


def alive(process):
    """Whether a process that is not our child still runs."""
    return process is not None and os.path.exists('/proc/%d' % process)


def ask_all(prometheus, found):
    """Each query is answered, and about series that there are."""
    everything = found + [('a table', query) for query in table_queries()]
    used = {name for _, query in everything for name in NAME.findall(query)}
    with contextlib.suppress(TimeoutError):
        wait_for('series', lambda: used <= prometheus.names())
    if not used <= prometheus.names():
        raise RuntimeError('no such series: ' + ', '.join(sorted(used - prometheus.names())))
    empty = 0
    for where, query in everything:
        result = prometheus.ask('query', query=query)['result']
        empty += not result
        print('%s: %d results: %s' % (where, len(result), ' '.join(query.split())))
    # Some are about what a healthy server does not have.
    if len(everything) < 40 or empty > len(everything) / 3:
        raise RuntimeError('%d queries, %d without a result' % (len(everything), empty))


def follow(user, prometheus, ports):
    """The whole page: all commands but the last, the queries, and the last, which ends
    the server."""
    blocks = documents.blocks(ROOT, PAGE)
    *commands, last = [block for block in blocks if block.language == 'sh']
    for block in commands:
        run(user, block, ports)
        if alive(server_of(user)):  # rates need what was before the first request
            wait_for('a scrape', lambda: 'nlp_feedback_total' in prometheus.names())
            time.sleep(PAUSE)
    ask_all(prometheus, [(str(block), block.text) for block in blocks
                         if block.language == 'promql'])
    process = server_of(user)
    if not alive(process):
        raise RuntimeError('the server of the page ended before its last command')
    run(user, last, ports)
    wait_for('the end of the server', lambda: not alive(process))
    errors = [line for line in user.check(['cat', 'serve.log']).splitlines()
              if json.loads(line)['level'] == 'error']
    if errors:
        raise RuntimeError('errors in the log:\n' + '\n'.join(errors))


def main():
    """Sets up what the page takes for granted: the model, and a Prometheus."""
    port, admin, prometheus_port = free_ports(3)
    with reader.Reader(ROOT, BUILD) as user:
        user.use_bundled()
        prometheus = Prometheus(user, port, prometheus_port)
        try:
            follow(user, prometheus, {8000: port, 8001: admin})
        except (RuntimeError, TimeoutError):
            print(user.check(['tail', '-n', '20', 'prometheus.log']))
            raise
        finally:
            prometheus.close()
            if alive(server_of(user)):
                os.kill(server_of(user), signal.SIGKILL)


if __name__ == '__main__':
    missing = [program for program in NEEDS if not shutil.which(program)]
    if missing:
        print('%s is not on this machine: .ci/deps.sh deploy installs it' % missing[0])
        sys.exit(1 if os.environ.get('CI') == 'true' else 77)
    main()
