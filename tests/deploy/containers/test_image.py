# SPDX-License-Identifier: Apache-2.0
"""test_image.py ROOT VENV_PYTHON: docs/docker.md is followed, from building the image on; then that
image is looked at, and run in other ways.

ROOT/build-deploy/images keeps the base image and the packages that the build fetches.
Of the target `torch`, which is ten times as large, only the text is looked at.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import containers
import page

ROOT = os.path.abspath(sys.argv[1])
VALIDATOR = os.path.join(os.path.dirname(sys.argv[2]), 'pyspdxtools')
DOCKERFILE = os.path.join(ROOT, 'deploy/docker/Dockerfile')
MOST_BYTES = 120e6
OURS = {'usr/bin/sentiment', 'usr/libexec/sentiment/sentiment-serve',
        'usr/lib/libsentiment.so.0.3.0', 'usr/share/doc/libsentiment/LICENSE',
        'app/models/model.pth', 'app/models/tokenizer.pkl', 'app/models/config.json'}


def ask(port, path, body=None):
    """Status and JSON of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request('http://127.0.0.1:%d%s' % (port, path), data,
                                     {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=containers.PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = containers.Store(os.path.join(ROOT, 'build-deploy/images'))
        cls.store.__enter__()
        cls.addClassCleanup(cls.store.__exit__)
        cls.store.add_base()
        cls.page = page.Page(ROOT, 'docs/docker.md')
        cls.addClassCleanup(cls.page.close)
        cls.page.use_docker(cls.store)
        cls.page.run(cls.page.blocks[0])
        cls.box = cls.store.container('sentiment:latest')

    def test_page(self):
        """All that follows on the page, command by command."""
        outputs = [self.page.run(block) for block in self.page.blocks[1:]]
        self.assertIn('"prediction":2', outputs[0])
        self.assertIn('"event_type":"prediction"', outputs[0])
        self.assertIn('"num_classes":3', outputs[1])
        self.assertIn('libsentiment ', outputs[2])
        answer, hidden, metrics = outputs[4].replace('}404\n', '}\n404\n').splitlines()
        self.assertIn('"prediction":2', answer)
        self.assertEqual(hidden, '404')
        values = [one['value'][1] for one in json.loads(metrics)['data']['result']]
        self.assertEqual(values, ['2'])
        self.assertIn('SUCCESS', outputs[6])
        self.assertEqual(len(outputs), 7)

    def test_configuration(self):
        config = self.store.inspect('sentiment:latest')['config']
        self.assertEqual(config['User'], '1000:1000')
        self.assertEqual(list(config['ExposedPorts']), ['8000/tcp'])
        self.assertEqual(config['Entrypoint'], ['sentiment', 'serve'])
        self.assertFalse(config['Cmd'])
        self.assertEqual(config['WorkingDir'], '/app')
        self.assertEqual(config['Healthcheck']['Test'],
                         ['CMD', 'sentiment', 'serve', '--health-check'])
        self.assertEqual(config['Healthcheck']['Retries'], 3)
        self.assertLessEqual({'MODEL_PATH=/app/models', 'SENTIMENT_HOST=0.0.0.0'},
                             set(config['Env']))
        with open(os.path.join(ROOT, 'meson.build'), encoding='utf-8') as file:
            version = re.search(r"version: '([0-9.]+)'", file.read())[1]
        labels = {name.rpartition('.')[2]: value for name, value in config['Labels'].items()
                  if name.startswith('org.opencontainers.image.')}
        self.assertEqual((labels['title'], labels['version'], labels['licenses']),
                         ('sentiment', version, 'Apache-2.0'))
        self.assertTrue(labels['description'])

    def test_size(self):
        size = self.store.size('sentiment:latest')
        print('image: %.1f MB' % (size / 1e6), flush=True)
        self.assertLess(size, MOST_BYTES)

    def paths(self, *conditions):
        """Files of the image that `find` finds."""
        found = containers.check(['find', self.box.root, '-xdev', *conditions, '-printf', '%P\n'])
        return set(found.splitlines())

    def test_files(self):
        self.assertEqual(self.paths('-type', 'f', '-perm', '/6000'), set())
        # Nothing of the build, no lists of packages, nothing that the service may change.
        self.assertEqual(self.paths('-path', '*/var/lib/apt/lists/*', '-type', 'f'), set())
        self.assertEqual(self.paths('-name', 'cc1') | self.paths('-path', '*/src/*'), set())
        self.assertEqual(self.paths('-uid', '1000'), set())
        writable = self.paths('-perm', '-0002', '!', '-type', 'l', '!', '-path', '*/dev/*')
        self.assertLessEqual(writable, {'tmp', 'var/tmp', 'run/lock'})

    def test_sbom(self):
        with open(os.path.join(self.box.root, 'usr/share/sentiment/sbom.spdx.json'),
                  encoding='utf-8') as file:
            listed = json.load(file)
        self.assertEqual(listed['spdxVersion'], 'SPDX-2.3')
        status = containers.check(['dpkg-query', '--admindir',
                                   os.path.join(self.box.root, 'var/lib/dpkg'), '-W', '-f',
                                   '${Package} ${Version} ${db:Status-Status}\n'])
        installed = {tuple(line.split()[:2]) for line in status.splitlines()
                     if line.endswith(' installed')}
        packages = {(one['name'], one['versionInfo']) for one in listed['packages']}
        self.assertEqual({one for one in packages if one[0] != 'libsentiment'}, installed)
        self.assertLessEqual({'libssl3', 'libjansson4', 'libevent-core-2.1-7', 'libc6'},
                             {name for name, _ in installed})
        self.check_files(listed)
        self.check_form(listed)

    def check_files(self, listed):
        """Each of ours, with the digest that it has in the image."""
        names = {one['fileName'][2:]: one for one in listed['files']}
        self.assertEqual(set(names), OURS)
        for name, one in names.items():
            with open(os.path.join(self.box.root, name), 'rb') as file:
                data = file.read()
            digests = {each['algorithm']: each['checksumValue'] for each in one['checksums']}
            self.assertEqual(digests, {'SHA1': hashlib.sha1(data).hexdigest(),
                                       'SHA256': hashlib.sha256(data).hexdigest()})
            self.assertEqual(one['licenseConcluded'], 'Apache-2.0')

    def check_form(self, listed):
        """As SPDX's own tool sees it, which would see what is wrong."""
        if not os.path.exists(VALIDATOR):
            self.assertNotEqual(os.environ.get('CI'), 'true', 'no ' + VALIDATOR)
            return
        wrong = dict(listed, packages=[*listed['packages'], listed['packages'][0]])
        for document, good in ((listed, True), (wrong, False)):
            with tempfile.NamedTemporaryFile('w', suffix='.spdx.json') as file:
                json.dump(document, file)
                file.flush()
                done = subprocess.run([VALIDATOR, '-i', file.name], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, check=False)
                self.assertEqual(done.returncode == 0, good, done.stdout)

    def test_service(self):
        port = containers.free_port()
        box = self.box.start(environment=['PORT=%d' % port, 'LOG_LEVEL=INFO'])
        self.addCleanup(box.kill)
        containers.wait_until(lambda: 'ready' in box.output(), 'the service', box.process)
        self.assertTrue(box.is_healthy())
        self.assertEqual(ask(port, '/health'), (200, {'status': 'healthy', 'model_loaded': True}))
        status, answer = ask(port, '/predict', {'text': 'I love this product!'})
        self.assertEqual((status, answer['prediction']), (200, 2))
        with open('/proc/%d/status' % box.server(), encoding='ascii') as file:
            status = dict(line.split(':\t', 1) for line in file.read().splitlines())
        self.assertEqual((status['Uid'].split(), int(status['CapEff'], 16)), (['1000'] * 4, 0))
        environment = ['PORT=%d' % containers.free_port()]
        self.assertEqual(box.run('sentiment', 'serve', '--health-check',
                                 environment=environment).returncode, 1)
        self.assertEqual(box.stop(10), 0)
        self.assertIn('"event_type":"prediction"', box.output())

    def test_other_models(self):
        """A folder of the guide in the place of the image's own; and none."""
        port = containers.free_port()
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            made = self.box.run('sentiment', 'create', '--vocab-size', '9', '--embedding-dim', '4',
                                '--hidden-size', '8', '--num-classes', '5', '/work',
                                volumes=[folder + ':/work'])
            self.assertNotEqual(made.returncode, 0, 'user 1000 may not write there')
            os.chown(folder, 1000, 1000)
            made = self.box.run('sentiment', 'create', '--vocab-size', '9', '--embedding-dim', '4',
                                '--hidden-size', '8', '--num-classes', '5', '/work',
                                volumes=[folder + ':/work'])
            self.assertEqual(made.returncode, 0, made.stdout)
            box = self.box.start(environment=['PORT=%d' % port],
                                 volumes=[folder + ':/app/models:ro'])
            self.addCleanup(box.kill)
            containers.wait_until(lambda: 'ready' in box.output(), 'the service', box.process)
            self.assertEqual(ask(port, '/model_info')[1]['num_classes'], 5)
            self.assertEqual(box.stop(10), 0)
        box = self.box.start(environment=['PORT=%d' % port, 'MODEL_PATH=/nowhere'])
        self.assertEqual(box.process.wait(containers.PATIENCE), 1)
        self.assertIn('/nowhere', box.output())

    def test_read_only(self):
        """The service needs nothing to write to."""
        port = containers.free_port()
        script = ('set -eu; mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; '
                  'mount --rbind /proc "$1/proc"; '
                  '! touch "$1/tmp/x" 2>/dev/null; exec chroot --userspec=1000:1000 "$1" '
                  '/usr/bin/env -i PORT="$2" MODEL_PATH=/app/models PATH=/usr/bin sentiment serve')
        process = subprocess.Popen(['unshare', '--mount', 'sh', '-c', script, 'sh', self.box.root,
                                    str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            containers.wait_until(lambda: is_up(port), 'the service', process)
            self.assertEqual(ask(port, '/predict', {'text': 'so bad'})[1]['prediction'], 0)
        finally:
            process.terminate()
            self.assertEqual(process.wait(containers.PATIENCE), 0)
            process.stdout.close()


def is_up(port):
    """Whether the service is ready."""
    try:
        return ask(port, '/readyz')[0] == 200
    except OSError:
        return False


class Text(unittest.TestCase):
    """What builders that skip nothing, and the target that is not built here, rely on."""

    def test_stages(self):
        with open(DOCKERFILE, encoding='utf-8') as file:
            stages = re.findall(r'^FROM (\S+) AS (\S+)$', file.read(), re.MULTILINE)
        known = {'debian:12-slim'}
        for base, name in stages:
            self.assertIn(base, known)
            known.add(name)
        self.assertEqual(stages[-1], ('base', 'runtime'))
        self.assertIn(('base-torch', 'torch'), stages)

    def test_packages(self):
        """Those of the image of libtorch are packages of Debian."""
        with open(DOCKERFILE, encoding='utf-8') as file:
            lists = re.findall(r'--no-install-recommends \\\n +([^\\]+)', file.read())
        self.assertEqual(len(lists), 2)
        for name in ' '.join(lists).split():
            self.assertIn('Package: ' + name, containers.check(['apt-cache', 'show', name]))


if __name__ == '__main__':
    containers.require(*containers.NEEDED, 'unshare')
    unittest.main(argv=sys.argv[:1])
