# SPDX-License-Identifier: Apache-2.0
"""What can be said of the manifests without running anything: they satisfy the official
schemas, strictly, and say the same thing where they speak of the same.
"""
import json
import os
import unittest

import manifests

import jsonschema
import kubernetes_validate
import referencing
from kubernetes_validate.utils import latest_version, schema_contents

KSERVE = 'serving.kserve.io'
# Three versions of Kubernetes; the oldest has all that is used.
VERSIONS = ['1.31', '1.34', latest_version()]


def kserve_validator(kind):
    """A validator of KServe's kinds, see make_kserve_schema.py."""
    schema_file = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'kserve_schema.json')
    with open(schema_file, encoding='utf-8') as file:
        own = json.load(file)
    folder = 'kubernetes-json-schema/v%s-local-strict/_definitions.json' % latest_version()
    kubernetes = schema_contents(folder, latest_version())
    named = {}
    for name in kubernetes['$defs']:
        if name.startswith(('io.k8s.api.core.v1.', 'io.k8s.apimachinery.pkg.apis.meta.v1.')):
            named[name.rpartition('.')[2]] = name

    def point(node):
        """References as the registry knows them."""
        if isinstance(node, list):
            return [point(item) for item in node]
        if not isinstance(node, dict):
            return node
        target = node.get('$ref')
        if isinstance(target, str) and target.startswith('kubernetes:'):
            name = target.partition(':')[2]
            # What these versions of both do not share, no manifest here uses.
            return ({'$ref': '%s#/$defs/%s' % (kubernetes['$id'], named[name])}
                    if name in named else {'not': {}})
        if isinstance(target, str) and target.startswith('#'):
            return {'$ref': 'urn:kserve' + target}
        return {key: point(value) for key, value in node.items()}

    own = dict(point(own), **{'$id': 'urn:kserve',
                              '$schema': 'https://json-schema.org/draft/2020-12/schema'})
    registry = referencing.Registry().with_resources(
        [(document['$id'], referencing.Resource.from_contents(document))
         for document in (own, kubernetes)])
    return jsonschema.Draft202012Validator({'$ref': 'urn:kserve#/definitions/' + kind},
                                           registry=registry)


def validate(body):
    """Raises where a schema is not satisfied, or knows no such field."""
    if body['apiVersion'].startswith(KSERVE):
        version = body['apiVersion'].partition('/')[2].capitalize()
        kserve_validator(version + body['kind']).validate(body)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(body, version, strict=True)


class Schemas(unittest.TestCase):
    def test_each_file(self):
        self.assertGreaterEqual(len(manifests.files()), 11)
        for name, body in manifests.files().items():
            with self.subTest(name):
                validate(body)

    def test_what_kustomize_builds(self):
        for name in manifests.BUILDS:
            built = manifests.build(name)
            if built is None:
                self.skipTest('no kustomize, and no Go to build it')
            listed = manifests.load(os.path.join(name, 'kustomization.yaml'))['resources']
            self.assertEqual(len(built), len(listed))
            for body in built:
                validate(body)
                self.assertEqual(body['metadata']['labels']['app.kubernetes.io/part-of'],
                                 'libsentiment')
                for container in (manifests.pod_of(body) or {}).get('containers', []):
                    self.assertEqual(container['image'], 'sentiment:latest')

    def test_every_file_is_listed(self):
        """By a kustomization, or by the page that says when to apply it alone."""
        with open(os.path.join(manifests.ROOT, 'docs', 'kubernetes.md'), encoding='utf-8') as file:
            page = file.read()
        for name in manifests.files():
            folder, base = os.path.split(name)
            listed = manifests.load(os.path.join(folder, 'kustomization.yaml'))['resources']
            self.assertTrue(base in listed or 'deploy/kubernetes/' + name in page, name)

    def test_schemas_refuse(self):
        """They would have said something."""
        def broken(name, *path):
            body = manifests.load(name)
            part = body
            for step in path[:-1]:
                part = part[step]
            part[path[-1][0]] = path[-1][1]
            with self.assertRaises((jsonschema.ValidationError,
                                    kubernetes_validate.ValidationError)):
                validate(body)
        broken('deployment.yaml', 'spec', ('replica', 2))
        broken('deployment.yaml', 'spec', 'template', 'spec', 'containers', 0,
               ('readOnlyRootFilesystem', True))
        broken('service.yaml', 'spec', 'ports', 0, ('port', 'eighty'))
        broken('batch/job.yaml', 'spec', ('completionMode', 4))
        runtime = 'kserve/serving-runtime.yaml'
        broken(runtime, 'spec', ('protocolVersion', 'v2'))
        broken(runtime, 'spec', 'containers', 0, ('arguments', []))
        broken(runtime, 'spec', 'supportedModelFormats', 0, ('autoSelect', 'yes'))
        broken('kserve/inference-service.yaml', 'spec', 'predictor', 'model', ('storage_uri', 'x'))
        broken('kserve/inference-service.yaml', 'spec', 'predictor', ('minReplicas', 'one'))


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = manifests.files()
        cls.server = cls.files['deployment.yaml']
        cls.labels = cls.server['spec']['template']['metadata']['labels']
        cls.container = cls.server['spec']['template']['spec']['containers'][0]

    def chosen(self, selector, labels):
        return all(labels.get(key) == value for key, value in selector.items())

    def test_selectors(self):
        for selector in (self.server['spec']['selector']['matchLabels'],
                         self.files['service.yaml']['spec']['selector'],
                         self.files['disruption-budget.yaml']['spec']['selector']['matchLabels'],
                         self.files['network-policy.yaml']['spec']['podSelector']['matchLabels'],
                         self.server['spec']['template']['spec']['topologySpreadConstraints'][0]
                         ['labelSelector']['matchLabels']):
            self.assertTrue(self.chosen(selector, self.labels), selector)
        job = self.files['batch/job.yaml']['spec']['template']['metadata']['labels']
        loader = self.files['batch/loader.yaml']['metadata']['labels']
        policy = self.files['batch/network-policy.yaml']['spec']['podSelector']['matchLabels']
        for labels in (job, loader):
            self.assertTrue(self.chosen(policy, labels))
            # Nobody sends the server's requests to them.
            self.assertFalse(self.chosen(self.files['service.yaml']['spec']['selector'], labels))

    def test_ports(self):
        ports = {port['name']: port['containerPort'] for port in self.container['ports']}
        self.assertEqual(self.files['service.yaml']['spec']['ports'][0]['targetPort'], 'http')
        policy = self.files['network-policy.yaml']['spec']
        self.assertEqual(policy['ingress'][0]['ports'][0]['port'], 'http')
        for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
            self.assertEqual(self.container[probe]['httpGet']['port'], 'http')
        self.assertIn('--port=%d' % ports['http'], self.container['args'])
        notes = self.server['spec']['template']['metadata']['annotations']
        self.assertEqual(notes['prometheus.io/port'], str(ports['http']))
        runtime = self.files['kserve/serving-runtime.yaml']['spec']
        port = runtime['containers'][0]['ports'][0]['containerPort']
        self.assertIn('--port=%d' % port, runtime['containers'][0]['args'])
        self.assertEqual(runtime['annotations']['prometheus.kserve.io/port'], str(port))
        for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
            self.assertEqual(runtime['containers'][0][probe]['httpGet']['port'], port)

    def test_every_pod_is_locked_up(self):
        pods = {name: manifests.pod_of(body) for name, body in self.files.items()
                if manifests.pod_of(body)}
        self.assertEqual(len(pods), 4)
        for name, pod in pods.items():
            container = pod['containers'][0]
            merged = dict(pod.get('securityContext', {}), **container['securityContext'])
            self.assertEqual((merged['runAsNonRoot'], merged['runAsUser']), (True, 1000), name)
            self.assertEqual(merged['seccompProfile'], {'type': 'RuntimeDefault'}, name)
            self.assertEqual(merged['capabilities'], {'drop': ['ALL']}, name)
            self.assertTrue(merged['readOnlyRootFilesystem'], name)
            self.assertFalse(merged['allowPrivilegeEscalation'], name)
            self.assertTrue(container['resources']['requests'] and container['resources']['limits'])
            links = (pod if name != 'kserve/serving-runtime.yaml'
                     else self.files['kserve/inference-service.yaml']['spec']['predictor'])
            self.assertIs(links['enableServiceLinks'], False, name)
            self.assertIs(links['automountServiceAccountToken'], False, name)

    def test_the_end_of_a_pod_has_time(self):
        runtime = self.files['kserve/serving-runtime.yaml']['spec']['containers'][0]
        predictor = self.files['kserve/inference-service.yaml']['spec']['predictor']
        for container, pod in ((self.container, self.server['spec']['template']['spec']),
                               (runtime, predictor)):
            options = dict(word[2:].split('=') for word in container['args'])
            needed = float(options['drain-delay']) + float(options['drain-timeout'])
            self.assertGreater(pod['terminationGracePeriodSeconds'], needed)
            # Longer than it takes until a pod that is not ready gets no requests.
            probe = container['readinessProbe']
            self.assertGreater(float(options['drain-delay']),
                               probe['periodSeconds'] * probe['failureThreshold'])

    def test_bodies_fit_into_memory(self):
        """Weights, folded rows, and bodies twice, as docs/operations.md counts them."""
        runtime = self.files['kserve/serving-runtime.yaml']['spec']['containers'][0]
        for container in (self.container, runtime):
            options = dict(word[2:].split('=') for word in container['args'])
            limit = int(container['resources']['limits']['memory'].removesuffix('Mi')) << 20
            self.assertLess((12 + 48) * 2**20 + 2 * int(options['body-memory']), limit)

    def test_the_autoscaler(self):
        spec = self.files['autoscaler.yaml']['spec']
        self.assertEqual(spec['scaleTargetRef'],
                         {'apiVersion': self.server['apiVersion'], 'kind': self.server['kind'],
                          'name': self.server['metadata']['name']})
        self.assertNotIn('replicas', self.server['spec'])
        budget = self.files['disruption-budget.yaml']['spec']
        self.assertLess(budget['maxUnavailable'], spec['minReplicas'])
        rule = manifests.load('prometheus-adapter.yaml')['rules']['custom'][0]
        self.assertEqual(spec['metrics'][0]['pods']['metric']['name'], rule['name']['as'])
        self.assertEqual([metric['type'] for metric in spec['metrics']], ['Pods', 'Resource'])
        self.assertIn('cpu', self.container['resources']['requests'])

    def test_the_job(self):
        spec = self.files['batch/job.yaml']['spec']
        container = spec['template']['spec']['containers'][0]
        self.assertEqual(spec['completionMode'], 'Indexed')
        self.assertIn('--shard=$(JOB_COMPLETION_INDEX)/%d' % spec['completions'], container['args'])
        self.assertIn('--threads=%s' % container['resources']['limits']['cpu'], container['args'])
        # What backoffLimitPerIndex and podFailurePolicy demand.
        self.assertEqual(spec['template']['spec']['restartPolicy'], 'Never')
        self.assertEqual(spec['podFailurePolicy']['rules'][0]['onExitCodes']['containerName'],
                         container['name'])
        claim = self.files['batch/volume.yaml']['metadata']['name']
        for pod in (spec['template']['spec'], self.files['batch/loader.yaml']['spec']):
            volume = pod['volumes'][0]
            self.assertEqual(volume['persistentVolumeClaim']['claimName'], claim)
            mount = pod['containers'][0]['volumeMounts'][0]
            self.assertEqual((mount['name'], mount['mountPath']), (volume['name'], '/data'))

    def test_kserve(self):
        runtime = self.files['kserve/serving-runtime.yaml']
        predictor = self.files['kserve/inference-service.yaml']['spec']['predictor']
        formats = [one['name'] for one in runtime['spec']['supportedModelFormats']]
        self.assertIn(predictor['model']['modelFormat']['name'], formats)
        self.assertIn(predictor['model']['protocolVersion'], runtime['spec']['protocolVersions'])
        self.assertEqual(predictor['model']['runtime'], runtime['metadata']['name'])
        # The name that KServe puts the model into, and where.
        self.assertEqual(runtime['spec']['containers'][0]['name'], 'kserve-container')
        self.assertIn('--models=/mnt/models', runtime['spec']['containers'][0]['args'])


if __name__ == '__main__':
    unittest.main(argv=[__file__])
