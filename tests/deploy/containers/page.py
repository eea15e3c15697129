# SPDX-License-Identifier: Apache-2.0
"""A stranger who follows a page: the blocks marked `deploy` are run in the order of the
text, in a copy of the tree, with free ports, and with other programs before those of the
machine: the built command, or our stand-in for docker."""
import json
import os
import subprocess
import sys
import tempfile

import containers

HERE = os.path.dirname(os.path.abspath(__file__))
# Ports in the commands of a page, and which they are.
PORTS = {'localhost:8000': '8000', 'localhost:8080': '8080', 'localhost:9090': '9090',
         'PORT=8080': '8080', 'https://localhost/': '443'}


def copy_tree(root, folder):
    """The files of the project, as a clone would have them."""
    names = containers.check(['git', '-C', root, 'ls-files', '-z', '--cached', '--others',
                              '--exclude-standard']).split('\0')
    there = '\0'.join(name for name in names if os.path.lexists(os.path.join(root, name)))
    subprocess.run(['tar', '-C', root, '--null', '-T', '-', '-cf', os.path.join(folder, 'tar')],
                   input=there.encode(), check=True)
    containers.check(['tar', '-C', folder, '-xf', os.path.join(folder, 'tar')])
    os.remove(os.path.join(folder, 'tar'))


class Page:
    """A page of docs/, and the folder in which its commands are run."""

    def __init__(self, root, name):
        sys.path.insert(0, os.path.join(root, 'tests', 'docs'))
        import documents
        self.blocks = [block for block in documents.blocks(root, name) if block.deploy]
        self.scratch = tempfile.TemporaryDirectory()
        self.tree, self.state = (os.path.join(self.scratch.name, part)
                                 for part in ('tree', 'state'))
        os.chmod(self.scratch.name, 0o755)
        for folder in (self.tree, self.state):
            os.mkdir(folder)
        copy_tree(root, self.tree)
        self.ports = {port: containers.free_port() for port in set(PORTS.values())}
        self.environment = dict(os.environ)

    def put_first(self, folder):
        """Programs that the page's commands find before others."""
        self.environment['PATH'] = folder + ':' + self.environment['PATH']

    def use_docker(self, store):
        """The command `docker` is docker.py beside this file, on this store."""
        self.write('store.json', json.dumps({'cache': store.cache, 'folder': store.folder}))
        self.write('ports.json', json.dumps(self.ports))
        self.write('docker', '#!/bin/sh\nexec %s -B %s/docker.py "$@"\n' % (sys.executable, HERE))
        os.chmod(os.path.join(self.state, 'docker'), 0o755)
        self.environment['DOCKER_STATE'] = self.state
        self.put_first(self.state)

    def write(self, name, text):
        with open(os.path.join(self.state, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def run(self, block):
        """The block's output; an error where a command fails."""
        text = block.text
        for words, port in PORTS.items():
            ours = words.replace('localhost/', 'localhost:443/').replace(port, '%d')
            text = text.replace(words, ours % self.ports[port])
        print('%s: running' % block, flush=True)
        return containers.check(['sh', '-eu', '-c', text], cwd=self.tree, env=self.environment)

    def close(self):
        self.scratch.cleanup()
