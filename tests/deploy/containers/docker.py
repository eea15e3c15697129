# SPDX-License-Identifier: Apache-2.0
"""docker.py ARGUMENTS: the part of `docker` that docs/docker.md uses, without a daemon.

Images and containers are buildah's (containers.py). `compose up` starts the instances of
compose.yaml from the image, nginx and Prometheus from Debian (stack.py), and leaves
Grafana out, which Debian does not have. DOCKER_STATE is a folder that the calls share;
its file ports maps the ports of the page to such as are free here.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys

import yaml

import containers
import stack

STATE = os.environ['DOCKER_STATE']
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..')


class Box(containers.Container):
    """A container that an earlier call has made: its name, and its process."""

    def __init__(self, store, known):
        self.store = store
        self.name, self.pid, self.config = known['name'], known['pid'], known['config']

    def server(self):
        return containers.find_child(self.pid, 'sentiment-serve')

    def end(self):
        """SIGTERM, then until it is gone; an error after Docker's ten seconds is not ours."""
        os.kill(self.server(), signal.SIGTERM)
        containers.wait_until(lambda: not is_running(self.pid), 'end of ' + self.name)


def is_running(pid):
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def path(name):
    return os.path.join(STATE, name)


def load(name):
    with open(path(name + '.json'), encoding='utf-8') as file:
        return json.load(file)


def save(name, content):
    with open(path(name + '.json'), 'w', encoding='utf-8') as file:
        json.dump(content, file)


def open_store():
    store = containers.Store(load('store')['cache'])
    store.folder = load('store')['folder']
    return store


def build(arguments):
    """docker build -f FILE -t TAG CONTEXT"""
    parser = argparse.ArgumentParser()
    parser.add_argument('-f')
    parser.add_argument('-t')
    parser.add_argument('context')
    options = parser.parse_args(arguments)
    open_store().build(options.context, options.f, options.t)


def start(store, name, image, environment, volumes, arguments=()):
    """A container in the background, known by its name."""
    log = open(path(name + '.log'), 'w+b')
    box = store.container(image)
    box.start(*arguments, environment=environment, volumes=volumes, log=log)
    save('container-' + name, {'name': box.name, 'pid': box.process.pid, 'config': box.config})


def run(arguments):
    """docker run [-d --name NAME -p PORTS | --rm --entrypoint PROGRAM] IMAGE [ARGUMENTS]"""
    parser = argparse.ArgumentParser()
    for flag in ('-d', '--rm', '--read-only'):
        parser.add_argument(flag, action='store_true')
    for option in ('--name', '-p', '--cap-drop', '--security-opt', '--entrypoint'):
        parser.add_argument(option)
    for option in ('-v', '-e'):
        parser.add_argument(option, action='append', default=[])
    parser.add_argument('image')
    parser.add_argument('arguments', nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    store = open_store()
    if options.d:
        outside, inside = options.p.split(':')[-2:]
        assert inside == '8000', 'the port of the image'
        environment = [*options.e, 'PORT=%d' % load('ports')[outside]]
        start(store, options.name, options.image, environment, options.v, options.arguments)
        return 0
    box = store.container(options.image)
    words = [options.entrypoint, *options.arguments]
    status = subprocess.run(box.words(words, options.e, options.v), check=False).returncode
    store.run('rm', box.name)
    return status


def find(name):
    return Box(open_store(), load('container-' + name))


def execute(arguments):
    """docker exec NAME COMMAND..., with the environment that the container has."""
    box = find(arguments[0])
    if not is_running(box.pid):
        with open(path(arguments[0] + '.log'), encoding='utf-8') as file:
            sys.exit('%s ended: %s' % (arguments[0], file.read()))
    environment = box.environment() if box.server() else []
    return subprocess.run(box.words(arguments[1:], environment), check=False).returncode


def logs(arguments):
    """docker logs NAME"""
    with open(path(arguments[0] + '.log'), encoding='utf-8') as file:
        print(file.read(), end='')


def stop(arguments):
    """docker stop NAME"""
    find(arguments[0]).end()


def remove(arguments):
    """docker rm NAME"""
    box = find(arguments[0])
    assert not is_running(box.pid), 'it still runs'
    box.store.run('rm', box.name)
    os.remove(path('container-%s.json' % arguments[0]))


def filled(value):
    """A value of compose.yaml with the environment's words: ${NAME:-else}, ${NAME:?message}."""
    def word(found):
        name, kind, rest = found.groups()
        if os.environ.get(name):
            return os.environ[name]
        if kind == ':?':
            sys.exit('%s: %s' % (name, rest))
        return rest or ''
    return re.sub(r'\$\{(\w+)(:[-?])?([^}]*)\}', word, str(value))


def compose_up(services):
    """The instances, then what stands around them."""
    store, ports = open_store(), []
    for name, service in sorted(services.items()):
        values = {key: filled(value) for key, value in service.get('environment', {}).items()}
        volumes = [filled(volume) for volume in service['volumes']]
        if service.get('image') != 'sentiment:latest':
            continue
        ports.append(containers.free_port())
        environment = ['%s=%s' % pair for pair in {**values, 'PORT': ports[-1]}.items()]
        volumes = [os.path.abspath(volume) for volume in volumes]
        start(store, name, service['image'], environment, volumes)
        while execute([name, *service['healthcheck']['test'][1:]]):
            continue
    around = [stack.Nginx(ROOT, path('nginx'), ports, tls='tls', https=load('ports')['443']),
              stack.Prometheus(ROOT, path('prometheus'), ports, port=load('ports')['9090'])]
    save('around', [program.__enter__().process.pid for program in around])


def compose_down(services):
    """Ends all of it."""
    for pid in load('around'):
        os.kill(pid, signal.SIGTERM)
        containers.wait_until(lambda: not is_running(pid), 'the end of nginx and Prometheus')
    for name in services:
        if os.path.exists(path('container-%s.json' % name)):
            stop([name])
            remove([name])


def compose(arguments):
    """docker compose up -d|down, in the folder of compose.yaml."""
    with open('compose.yaml', encoding='utf-8') as file:
        services = yaml.safe_load(file)['services']
    return {'up': compose_up, 'down': compose_down}[arguments[0]](services)


COMMANDS = {'build': build, 'run': run, 'exec': execute, 'logs': logs, 'stop': stop, 'rm': remove,
            'compose': compose}

if __name__ == '__main__':
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]) or 0)
