# SPDX-License-Identifier: Apache-2.0
"""The manifests of deploy/kubernetes/ as kustomize builds them, and as they lie there.

Imported first by each test here, which is called with the Python environment's
interpreter, tests/python, tests/docs, the root of the tree and the command: it restarts the
test in that environment (venv.py), and finds or installs kustomize.
"""
import glob
import os
import shutil
import subprocess
import sys

sys.path[0:0] = sys.argv[2:4]
import venv  # noqa: E402  (tests/python/venv.py)

if os.environ.get('CI') == 'true' and not os.path.exists(sys.argv[1]):
    sys.exit('no %s, and CI insists: .ci/deploy.sh makes it' % sys.argv[1])
ROOT, COMMAND = (os.path.abspath(word) for word in venv.require(sys.argv)[2:4])

import yaml  # noqa: E402

FOLDER = os.path.join(ROOT, 'deploy', 'kubernetes')
BUILDS = ['.', 'batch', 'kserve']
VERSION = 'v5.6.0'
TOOLS = os.path.join(ROOT, 'build-deploy', 'kubernetes', 'bin')


def find_kustomize():
    """Its path: installed, or built from its Go module; None where there is no Go."""
    found = shutil.which('kustomize') or shutil.which('kustomize', path=TOOLS)
    if found or not shutil.which('go'):
        return found
    done = subprocess.run(['go', 'install', 'sigs.k8s.io/kustomize/kustomize/v5@' + VERSION],
                          env=dict(os.environ, GOBIN=TOOLS, GOFLAGS='', GOWORK='off'),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        print(done.stdout.decode('utf-8', 'replace')[-2000:])
    return shutil.which('kustomize', path=TOOLS)


def build(name):
    """The objects that `kubectl apply -k` would send; None without kustomize."""
    tool = find_kustomize()
    if not tool and os.environ.get('CI') == 'true':
        raise RuntimeError('no kustomize and no Go to build it, and CI insists')
    if not tool:
        return None
    done = subprocess.run([tool, 'build', os.path.join(FOLDER, name)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode('utf-8', 'replace'))
    return list(yaml.safe_load_all(done.stdout))


def load(path):
    """The one object of a file of deploy/kubernetes/."""
    with open(os.path.join(FOLDER, path), encoding='utf-8') as file:
        return yaml.safe_load(file)


def files():
    """Name to object, for every manifest of a kind of Kubernetes or KServe."""
    paths = glob.glob(os.path.join(FOLDER, '**', '*.yaml'), recursive=True)
    names = sorted(os.path.relpath(path, FOLDER) for path in paths)
    found = {name: load(name) for name in names}
    return {name: body for name, body in found.items()
            if 'kind' in body and body['kind'] != 'Kustomization'}


def pod_of(body):
    """The pod that an object is or makes; None if it makes none."""
    if body['kind'] == 'Pod':
        return body['spec']
    if body['kind'] == 'ServingRuntime':
        return body['spec']
    return body['spec'].get('template', {}).get('spec')


def words(container, **variables):
    """Command and arguments, as the kubelet expands them."""
    given = [*container.get('command', []), *container.get('args', [])]
    for name, value in variables.items():
        given = [word.replace('$(%s)' % name, value) for word in given]
    return given


def environment(container):
    return {one['name']: one['value'] for one in container.get('env', [])}
