# SPDX-License-Identifier: Apache-2.0
"""test_files.py ROOT VENV_PYTHON: the files of deploy/ that nothing here can run: compose.yaml
against Compose's own schema and the other files, the dashboard's form, what provisions
Grafana."""
import glob
import json
import os
import re
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.abspath(sys.argv[1])
PYTHON = sys.argv[2]
DOCKER = os.path.join(ROOT, 'deploy/docker')
# Grafana's screen is that wide.
COLUMNS = 24


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = yaml.safe_load(read('deploy/docker/compose.yaml'))
        cls.services = cls.compose['services']

    def test_schema(self):
        if not os.path.exists(PYTHON):
            self.assertNotEqual(os.environ.get('CI'), 'true', 'no ' + PYTHON)
            self.skipTest('no environment with check-jsonschema')
        words = [PYTHON, '-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec', '-']
        for change, status in (({}, 0), ({'services': {'a': {'no_such_key': 1}}}, 1)):
            done = subprocess.run(words, input=json.dumps({**self.compose, **change}).encode(),
                                  stdout=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, status, done.stdout)

    def test_all_are_held(self):
        for name, service in self.services.items():
            self.assertEqual((service['read_only'], service['cap_drop'], service['restart'],
                              service['security_opt']),
                             (True, ['ALL'], 'unless-stopped', ['no-new-privileges:true']), name)
            self.assertTrue(service['healthcheck']['test'], name)
            self.assertNotIn('privileged', service)
        self.assertTrue(self.compose['networks']['inside']['internal'])

    def test_service(self):
        """The guide's environment; the health check of the image; nothing for the public."""
        image = re.search(r'^HEALTHCHECK.*\\\n +CMD (\[.*\])$', read('deploy/docker/Dockerfile'),
                          re.MULTILINE)[1]
        for name in ('nlp-api-1', 'nlp-api-2'):
            service = self.services[name]
            self.assertLessEqual({'MODEL_PATH', 'LOG_LEVEL'}, set(service['environment']))
            self.assertEqual(service['healthcheck']['test'], ['CMD', *json.loads(image)])
            self.assertEqual((service['networks'], 'ports' in service), (['inside'], False))
            context = os.path.normpath(os.path.join(DOCKER, service['build']['context']))
            self.assertEqual(context, ROOT)
            self.assertTrue(os.path.isfile(os.path.join(context, service['build']['dockerfile'])))
        limits = self.services['nlp-api-1']['environment']
        self.assertLess(limits['SENTIMENT_DRAIN_DELAY'] + limits['SENTIMENT_DRAIN_TIMEOUT'],
                        int(self.services['nlp-api-1']['stop_grace_period'][:-1]))

    def test_mounted_files_exist(self):
        seen = set()
        for service in self.services.values():
            for volume in service['volumes']:
                source = volume.split(':')[0]
                if source.startswith('..'):
                    path = os.path.normpath(os.path.join(DOCKER, source))
                    self.assertTrue(os.path.exists(path), source)
                    seen.add(os.path.relpath(path, ROOT))
                elif not source.startswith('$'):
                    self.assertIn(source, self.compose['volumes'])
        self.assertEqual(seen, {'deploy/nginx/nginx.conf', 'deploy/prometheus/prometheus.yml',
                                'deploy/prometheus/alerts.yml', 'deploy/grafana/provisioning',
                                'deploy/grafana/dashboard.json'})

    def test_names_agree(self):
        """nginx and Prometheus ask the services by the names that they have here."""
        for name in ('deploy/nginx/nginx.conf', 'deploy/prometheus/prometheus.yml'):
            self.assertEqual(set(re.findall(r'nlp-api-\d:\d+', read(name))),
                             {'nlp-api-1:8000', 'nlp-api-2:8000'})
        ports = [port.rpartition(':')[2] for port in self.services['nginx']['ports']]
        self.assertEqual(sorted(ports), sorted(re.findall(r'listen (\d+)',
                                                          read('deploy/nginx/nginx.conf'))))


class Grafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(read('deploy/grafana/dashboard.json'))
        cls.panels = cls.dashboard['panels']

    def test_panels(self):
        numbers = [panel['id'] for panel in self.panels]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertGreater(self.dashboard['schemaVersion'], 30)
        for panel in self.panels:
            self.assertTrue(panel['title'] and panel['type'])
            if panel['type'] == 'row':
                continue
            self.assertEqual(panel['datasource']['uid'], '${datasource}')
            letters = [target['refId'] for target in panel['targets']]
            self.assertEqual(len(letters), len(set(letters)), panel['title'])
            self.assertTrue(all(target['expr'] for target in panel['targets']))

    def test_places(self):
        """No panel lies on another one, or beyond the edge."""
        taken = set()
        for panel in self.panels:
            place = panel['gridPos']
            self.assertLessEqual(place['x'] + place['w'], COLUMNS, panel['title'])
            cells = {(x, y) for x in range(place['x'], place['x'] + place['w'])
                     for y in range(place['y'], place['y'] + place['h'])}
            self.assertFalse(cells & taken, panel['title'])
            taken |= cells

    def test_variables(self):
        """Those that queries use are there, and the data source is the provisioned one."""
        known = {one['name'] for one in self.dashboard['templating']['list']}
        used = set(re.findall(r'\$\{?(\w+)', json.dumps(self.panels))) - {'__rate_interval'}
        self.assertEqual(used, known)
        source = yaml.safe_load(read('deploy/grafana/provisioning/datasources/prometheus.yaml'))
        compose = yaml.safe_load(read('deploy/docker/compose.yaml'))['services']
        self.assertEqual(source['datasources'][0]['type'], 'prometheus')
        self.assertEqual(source['datasources'][0]['url'], 'http://prometheus:9090')
        self.assertIn('prometheus', compose)

    def test_provisioning(self):
        provider = yaml.safe_load(read('deploy/grafana/provisioning/dashboards/sentiment.yaml'))
        folder = provider['providers'][0]['options']['path']
        mounted = yaml.safe_load(read('deploy/docker/compose.yaml'))['services']['grafana']
        self.assertTrue(any(folder + '/' in volume for volume in mounted['volumes']))

    def test_nothing_else(self):
        found = glob.glob(os.path.join(ROOT, 'deploy/grafana/provisioning/**/*.yaml'),
                          recursive=True)
        self.assertEqual(len(found), 2)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
