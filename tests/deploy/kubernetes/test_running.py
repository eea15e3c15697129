# SPDX-License-Identifier: Apache-2.0
"""What the manifests start, started: the same command line and variables, with folders of
this machine for those of the image and the volumes, and a free port for the fixed one.
Then the commands of docs/kubernetes.md that need no cluster.
"""
import contextlib
import gzip
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import manifests

import documents
import reader

BUILD = os.path.dirname(manifests.COMMAND)
PAGE = os.path.join('docs', 'kubernetes.md')
PATIENCE = 120
# What the kubelet sets besides.
KUBELET = {'PATH': BUILD + ':/usr/bin:/bin', 'KUBERNETES_SERVICE_HOST': '10.96.0.1',
           'KUBERNETES_SERVICE_PORT': '443', 'HOSTNAME': 'sentiment-0'}


def free_port():
    with socket.socket() as own:
        own.bind(('127.0.0.1', 0))
        return own.getsockname()[1]


def status(port, path):
    """Of a GET; 0 where nobody listens."""
    try:
        with urllib.request.urlopen('http://127.0.0.1:%d%s' % (port, path), timeout=PATIENCE) as a:
            return a.status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0


def ask(port, path, body=None):
    """JSON in, JSON out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request('http://127.0.0.1:%d%s' % (port, path), data,
                                     {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def until(what, process=None):
    """Waits for something to become true."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert process is None or process.poll() is None, 'it ended'
        assert time.monotonic() < end, 'it never came'
        time.sleep(0.05)


@contextlib.contextmanager
def started(container, port, **places):
    """The container's process; `places` are pairs of a folder in it and one here."""
    declared = container['ports'][0]['containerPort']
    words = [word.replace('--port=%d' % declared, '--port=%d' % port)
             for word in moved(manifests.words(container), places)]
    variables = {name: moved([value], places)[0]
                 for name, value in manifests.environment(container).items()}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, env=dict(KUBELET, **variables), stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
        try:
            probe = container['startupProbe']['httpGet']['path']
            until(lambda: status(port, probe) == 200, process)
            yield process
        except BaseException:
            log.seek(0)
            print(log.read().decode('utf-8', 'replace')[-4000:])
            raise
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def moved(words, places):
    """With folders of this machine."""
    for inside, here in places.items():
        words = [re.sub(r'/%s\b' % inside.replace('_', '/'), here, word) for word in words]
    return words


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.user = reader.Reader(manifests.ROOT, BUILD)
        cls.user.__enter__()
        cls.addClassCleanup(cls.user.__exit__)
        cls.user.use_bundled()
        cls.folder = cls.user.folder
        # As the image has it: the guide's three files.
        cls.models = cls.user.path('app')
        cls.user.check(['sentiment', 'convert', reader.MODEL, cls.models])

    def run_page(self, mark, port=None):
        """Runs the block of the page that has this mark; its output."""
        block, = [block for block in documents.blocks(manifests.ROOT, PAGE)
                  if block.mark == 'kubernetes: ' + mark]
        text = block.text
        if port:
            text = re.sub(r'localhost:\d+', 'localhost:%d' % port, text)
        return self.user.check(['sh', '-eu', '-c', text])


class Server(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pod = manifests.load('deployment.yaml')['spec']['template']['spec']
        cls.container = cls.pod['containers'][0]

    def test_probes_and_page(self):
        port = free_port()
        with started(self.container, port, app_models=self.models) as process:
            for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
                self.assertEqual(status(port, self.container[probe]['httpGet']['path']), 200)
            notes = manifests.load('deployment.yaml')['spec']['template']['metadata']['annotations']
            self.assertEqual(status(port, notes['prometheus.io/path']), 200)
            output = self.run_page('the server is at port 8000', port)
            self.assertIn('"confidence":', output)
            self.assertTrue(output.endswith('nlp_queue_depth 0\n'), output)
            # The end: not ready, alive and serving, then gone with status 0.
            process.send_signal(signal.SIGTERM)
            ready, live = (self.container[probe]['httpGet']['path']
                           for probe in ('readinessProbe', 'livenessProbe'))
            until(lambda: status(port, ready) == 503, process)
            self.assertEqual(status(port, live), 200)
            self.assertIn('prediction', ask(port, '/predict', {'text': 'still there'}))
            self.assertEqual(process.wait(self.pod['terminationGracePeriodSeconds']), 0)

    def test_why_service_links_are_off(self):
        """A Service of this name gives its address to pods as the server's port."""
        name = manifests.load('service.yaml')['metadata']['name'].upper()
        done = subprocess.run(manifests.words(self.container),
                              env=dict(KUBELET, **{name + '_PORT': 'tcp://10.96.7.1:80'}),
                              stderr=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b'tcp://10.96.7.1:80', done.stderr)

    def test_the_adapter_finds_the_queue(self):
        """Prometheus scrapes the server as a pod, and answers what the adapter asks."""
        prometheus = shutil.which('prometheus')
        if not prometheus and os.environ.get('CI') != 'true':
            self.skipTest('no prometheus')
        rule = manifests.load('prometheus-adapter.yaml')['rules']['custom'][0]
        port, own = free_port(), free_port()
        self.user.write('prometheus.yml', json.dumps({
            'global': {'scrape_interval': '1s', 'scrape_timeout': '1s'},
            'scrape_configs': [{'job_name': 'pods', 'static_configs': [{
                'targets': ['127.0.0.1:%d' % port],
                'labels': {'namespace': 'default', 'pod': 'sentiment-0'}}]}]}))
        words = [prometheus, '--config.file=' + self.user.path('prometheus.yml'),
                 '--storage.tsdb.path=' + self.user.path('tsdb'),
                 '--web.listen-address=127.0.0.1:%d' % own]
        with started(self.container, port, app_models=self.models), \
                subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
            try:
                until(lambda: status(own, '/-/ready') == 200, process)
                match = urllib.parse.urlencode({'match[]': rule['seriesQuery']})
                series = '/api/v1/series?' + match
                until(lambda: ask(own, series)['data'], process)
                found, = ask(own, series)['data']
                self.assertRegex(found['__name__'], rule['name']['matches'])
                self.assertEqual(set(rule['resources']['overrides']), {'namespace', 'pod'})
                query = rule['metricsQuery']
                for part, text in (('Series', found['__name__']), ('GroupBy', 'pod'),
                                   ('LabelMatchers', 'namespace="default",pod=~"sentiment-0"')):
                    query = query.replace('<<.%s>>' % part, text)
                path = '/api/v1/query?' + urllib.parse.urlencode({'query': query})
                answer, = ask(own, path)['data']['result']
                self.assertEqual(answer['metric'], {'pod': 'sentiment-0'})
                self.assertEqual(answer['value'][1], '0')
            finally:
                process.kill()


class Batch(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(cls.user.path('data'))
        with gzip.open(cls.user.path('data/in.jsonl.gz'), 'wt') as file:
            for i in range(5000):
                file.write(json.dumps({'text': 'it was good %d times' % i}) + '\n')
            file.write('not JSON\n')
        cls.whole = cls.user.run(['sentiment', 'predict', '--json', '--input', 'data/in.jsonl.gz'])

    def joined(self, parts):
        files = [self.user.path('data/out-%d.jsonl.gz' % part) for part in range(parts)]
        whole = b''
        for name in files:
            with open(name, 'rb') as file:
                whole += file.read()
            os.remove(name)
            os.remove(name + '.job')
        return gzip.decompress(whole).decode()

    def test_the_job(self):
        spec = manifests.load('batch/job.yaml')['spec']
        container = spec['template']['spec']['containers'][0]
        for index in range(spec['completions']):
            words = moved(manifests.words(container, JOB_COMPLETION_INDEX=str(index)),
                          {'app_models': self.models, 'data': self.user.path('data')})
            # The pod before this one was killed.
            with subprocess.Popen(words, env=KUBELET, stderr=subprocess.DEVNULL) as process:
                time.sleep(0.02 * index)
                process.kill()
            done = subprocess.run(words, env=KUBELET, stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'1 of ', done.stderr)
        self.assertEqual(self.joined(spec['completions']), self.whole.stdout)

    def test_the_page(self):
        self.run_page('parts of data/in.jsonl.gz')
        with gzip.open(self.user.path('answers.jsonl.gz'), 'rt') as file:
            self.assertEqual(file.read(), self.whole.stdout)
        self.assertEqual(self.joined(4), self.whole.stdout)


class KServe(Case):
    def test_a_published_model(self):
        self.run_page('published/ is made')
        container = manifests.load('kserve/serving-runtime.yaml')['spec']['containers'][0]
        name = manifests.load('kserve/inference-service.yaml')['metadata']['name']
        port = free_port()
        with started(container, port, mnt_models=self.user.path('published')):
            for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
                self.assertEqual(status(port, container[probe]['httpGet']['path']), 200)
            self.assertEqual(ask(port, '/v2/models/' + name)['name'], name)
            output = self.run_page('the runtime is at port 8080', port)
            ready, end = json.JSONDecoder().raw_decode(output)
            self.assertEqual((ready['name'], ready['ready']), (name, True))
            answer = json.loads(output[end:])
            self.assertEqual(answer['model_name'], name)
            self.assertEqual({one['name'] for one in answer['outputs']},
                             {'prediction', 'confidence', 'probabilities', 'label'})


class Page(unittest.TestCase):
    def commands(self, program):
        for block in documents.blocks(manifests.ROOT, PAGE):
            if block.language == 'sh':
                for line in block.text.replace('\\\n', ' ').split('\n'):
                    if line.strip().startswith(program + ' '):
                        yield shlex.split(line)

    def test_files_and_names_of_its_kubectl_commands(self):
        kinds = {'deployment', 'service', 'job', 'pod', 'hpa', 'inferenceservice'}
        short = {'horizontalpodautoscaler': 'hpa'}
        there = {(short.get(body['kind'].lower(), body['kind'].lower()), body['metadata']['name'])
                 for body in manifests.files().values()}
        # KServe makes it of the InferenceService.
        there.add(('service', 'sentiment-predictor'))
        files = names = 0
        for words in [*self.commands('kubectl'), *self.commands('helm'), *self.commands('docker')]:
            for option, value in zip(words, words[1:]):
                if option in ('-f', '-k') and not value.startswith('deploy/docker/'):
                    path = os.path.join(manifests.ROOT, value)
                    self.assertTrue(os.path.exists(path), value)
                    self.assertEqual(os.path.isdir(path), option == '-k', value)
                    files += 1
            for word in words:
                kind, _, name = word.partition('/')
                if kind in kinds:
                    self.assertIn((kind, name), there)
                    names += 1
        self.assertGreaterEqual(files, 6)
        self.assertGreaterEqual(names, 8)


if __name__ == '__main__':
    unittest.main(argv=[__file__])
