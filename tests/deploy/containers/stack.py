# SPDX-License-Identifier: Apache-2.0
"""nginx and Prometheus of Debian with the configurations of deploy/, as the containers
of compose.yaml would have them: without rights, in a folder, on free ports.

The configurations are used as they are, but for the names, ports and folders that only
the containers have; each of these must be there to be replaced.
"""
import json
import os
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request

import containers

NOBODY = 65534


def replaced(path, table):
    """A file's text with other words for some; an error where one is missing."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for old, new in table:
        if old not in text:
            raise RuntimeError('%s has no %r any more' % (path, old))
        text = text.replace(old, str(new))
    return text


def make_certificate(folder, *names):
    """tls.crt and tls.key in a folder, for localhost."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, name) for name in ('tls.crt', 'tls.key')]
    subject = ','.join('DNS:' + name for name in ('localhost', *names)) + ',IP:127.0.0.1'
    containers.check(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                      'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj',
                      '/CN=localhost', '-addext', 'subjectAltName=' + subject, '-out', paths[0],
                      '-keyout', paths[1]])
    return paths


class Program:
    """Something that runs until the `with` block ends."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.process = None

    def start(self, words):
        """Without rights, where this process has some."""
        os.makedirs(self.folder, exist_ok=True)
        rights = {}
        if os.getuid() == 0:
            rights = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
            for folder, _, names in os.walk(self.folder):
                for path in [folder, *(os.path.join(folder, name) for name in names)]:
                    os.chown(path, NOBODY, NOBODY)
        self.output = open(os.path.join(self.folder, 'output'), 'wb')
        self.process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output, **rights)

    def wait(self, name):
        try:
            containers.wait_until(self.answers, name, self.process)
        except RuntimeError as error:
            self.stop()
            raise RuntimeError('%s\n%s' % (error, self.said())) from error

    def write(self, name, text):
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def said(self):
        with open(os.path.join(self.folder, 'output'), encoding='utf-8') as file:
            return file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(containers.PATIENCE)
        self.output.close()

    def __exit__(self, *unused):
        self.stop()


class Nginx(Program):
    """deploy/nginx/nginx.conf before instances on these ports of 127.0.0.1."""

    def __init__(self, root, folder, ports, tls=None, https=None, more=()):
        super().__init__(folder)
        self.root, self.ports, self.more = root, ports, more
        self.tls = tls
        self.http, self.https = containers.free_port(), https or containers.free_port()

    def __enter__(self):
        tls = os.path.join(self.folder, 'tls')
        if self.tls:
            shutil.copytree(self.tls, tls)
        else:
            make_certificate(tls)
        os.chmod(os.path.dirname(self.folder), 0o755)
        conf = replaced(os.path.join(self.root, 'deploy/nginx/nginx.conf'), [
            (' /tmp/', ' %s/' % self.folder), *self.more,
            *(('nlp-api-%d:8000' % number, '127.0.0.1:%d' % port)
              for number, port in enumerate(self.ports, 1)),
            ('listen 8080', 'listen 127.0.0.1:%d' % self.http),
            ('listen 8443', 'listen 127.0.0.1:%d' % self.https),
            ('/etc/nginx/tls', tls), ('/dev/stdout', self.folder + '/access.log')])
        self.write('nginx.conf', conf)
        self.certificate = os.path.join(tls, 'tls.crt')
        self.start(['nginx', '-c', self.folder + '/nginx.conf', '-e', 'stderr', '-g',
                    'daemon off;'])
        self.wait('nginx')
        return self

    def answers(self):
        done = subprocess.run(['curl', '-s', '-o', '/dev/null', 'http://127.0.0.1:%d/' % self.http],
                              check=False)
        return done.returncode == 0

    def accesses(self):
        """Lines of its log."""
        with open(os.path.join(self.folder, 'access.log'), encoding='utf-8') as file:
            return [json.loads(line) for line in file]


class Prometheus(Program):
    """deploy/prometheus/ on instances on these ports, scraped each second."""

    def __init__(self, root, folder, ports, port=None):
        super().__init__(folder)
        self.root, self.ports = root, ports
        self.port = port or containers.free_port()

    def __enter__(self):
        source = os.path.join(self.root, 'deploy/prometheus')
        targets = ', '.join('127.0.0.1:%d' % port for port in self.ports)
        self.write('prometheus.yml', replaced(os.path.join(source, 'prometheus.yml'), [
            ('nlp-api-1:8000, nlp-api-2:8000', targets), ('15s', '1s')]))
        self.write('alerts.yml', replaced(os.path.join(source, 'alerts.yml'), []))
        self.start(['prometheus', '--config.file=prometheus.yml', '--storage.tsdb.path=data',
                    '--web.listen-address=127.0.0.1:%d' % self.port, '--log.level=warn'])
        self.wait('Prometheus')
        return self

    def answers(self):
        try:
            return urllib.request.urlopen(self.url('/-/ready'), timeout=5).status == 200
        except OSError:
            return False

    def url(self, path):
        return 'http://127.0.0.1:%d%s' % (self.port, path)

    def ask(self, path, **query):
        """What its API says."""
        url = self.url('/api/v1/' + path) + '?' + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=containers.PATIENCE) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as error:
            raise RuntimeError('%s: %s' % (query, error.read().decode())) from error

    def query(self, expression):
        """Series of an instant query."""
        return self.ask('query', query=expression)['result']
