# SPDX-License-Identifier: Apache-2.0
"""Images and containers without a daemon: buildah, and a debian:12-slim of our own.

Store holds images in a folder of its own. The base image is made once by debootstrap
from the mirror that this machine's apt uses, and kept as an archive in build-deploy/,
as are the packages that builds fetch. A Container runs by `buildah run --isolation
chroot`: with the image's files, user and environment, on this machine's network.
"""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIP = 77
BASE = 'debian:12-slim'
NEEDED = ('buildah', 'debootstrap')
# Of the packages' files debian:12-slim leaves these out, too.
LEFT_OUT = ('usr/share/man/*', 'usr/share/info/*', 'usr/share/locale/*', 'usr/share/lintian/*',
            'usr/share/groff/*', 'var/cache/apt/*.bin', 'var/cache/apt/archives/*.deb',
            'var/lib/apt/lists/*', 'var/log/*.log', 'var/log/apt')
# Where Debian keeps debootstrap and nginx; not everybody's PATH has it.
os.environ['PATH'] += ':/usr/sbin:/sbin'
# Patience with a slow machine; no test waits for it to pass.
PATIENCE = 300


def require(*programs):
    """Ends the test as skipped where a program or the rights are missing; CI insists."""
    missing = [name for name in programs if not shutil.which(name)]
    if os.getuid() != 0:
        missing.append('root')
    if not missing:
        return
    print('skipped: needs %s (.ci/deps.sh deploy)' % ', '.join(missing))
    sys.exit(1 if os.environ.get('CI') == 'true' else SKIP)


def free_port():
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def check(words, **options):
    """Standard output of a command that must succeed."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError('%s: exit status %d\n%s%s' % (
            words, done.returncode, done.stdout[-4000:], done.stderr[-4000:]))
    return done.stdout


def wait_until(true, what, process=None):
    """Asks until something is true; an error once a process has ended, or in the end."""
    end = time.monotonic() + PATIENCE
    while not true():
        if process and process.poll() is not None:
            raise RuntimeError('%s: the process ended with %d' % (what, process.returncode))
        if time.monotonic() > end:
            raise RuntimeError('%s: not within %d seconds' % (what, PATIENCE))
        time.sleep(0.05)


def debian_sources():
    """The lines of sources.list that stand for Debian itself on this machine."""
    form = 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)\t$(ORIGIN)'
    lines = check(['apt-get', 'indextargets', '--format', form, 'Created-By: Packages'])
    found = [line.split('\t')[0] for line in lines.splitlines() if line.endswith('\tDebian')]
    if not found:
        raise RuntimeError('apt knows no mirror of Debian: apt-get update')
    return list(dict.fromkeys(found))


def make_base(archive):
    """debian:12-slim as an archive: what is essential, without documentation."""
    sources = debian_sources()
    release, mirror = next((line.split()[2], line.split()[1]) for line in sources
                           if '-' not in line.split()[2])
    proxy = check(['sh', '-c', 'eval "$(apt-config shell P Acquire::http::Proxy)"; echo "${P:-}"'])
    with tempfile.TemporaryDirectory() as folder:
        words = ['--include=ca-certificates'] if mirror.startswith('https') else []
        check(['debootstrap', '--variant=minbase', *words, release, folder, mirror])
        for pattern in LEFT_OUT:
            for path in glob.glob(os.path.join(folder, pattern)):
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        check(['find', os.path.join(folder, 'usr/share/doc'), '-type', 'f', '!', '-name',
               'copyright', '-delete'])
        with open(os.path.join(folder, 'etc/apt/sources.list'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(sources) + '\n')
        if proxy.strip():
            with open(os.path.join(folder, 'etc/apt/apt.conf.d/90proxy'), 'w',
                      encoding='utf-8') as file:
                file.write('Acquire::http::Proxy "%s";\n' % proxy.strip())
        check(['tar', '-C', folder, '-cf', archive + '.part', '.'])
    os.rename(archive + '.part', archive)


class Store:
    """Images, in a folder that goes with the `with` block."""

    def __init__(self, cache):
        self.cache = os.path.abspath(cache)
        os.makedirs(os.path.join(self.cache, 'apt'), exist_ok=True)

    def __enter__(self):
        for old in glob.glob(os.path.join(self.cache, 'store-*')):
            # Of a run that was killed.
            if time.time() - os.path.getmtime(old) > 86400:
                shutil.rmtree(old)
        self.folder = tempfile.mkdtemp(prefix='store-', dir=self.cache)
        return self

    def __exit__(self, *unused):
        subprocess.run(self.words('rm', '--all'), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder)

    def words(self, *arguments):
        """A command of buildah."""
        return ['buildah', '--root', os.path.join(self.folder, 'root'), '--runroot',
                os.path.join(self.folder, 'run'), '--storage-driver', 'vfs', *arguments]

    def run(self, *arguments, **options):
        return check(self.words(*arguments), **options)

    def add_base(self):
        """The base image under its name, made anew when the archive is a week old: its
        packages would be outdated."""
        archive = os.path.join(self.cache, 'base.tar')
        if not os.path.exists(archive) or time.time() - os.path.getmtime(archive) > 7 * 86400:
            make_base(archive)
        container = self.run('from', 'scratch').strip()
        self.run('add', '--quiet', container, archive, '/')
        self.run('config', '--cmd', 'bash', container)
        self.run('commit', '--quiet', '--rm', container, BASE)

    def build(self, context, dockerfile, tag, target=None):
        """As `docker build` does; what it printed."""
        words = ['--target', target] if target else []
        return self.run('build', '--isolation', 'chroot', '--format', 'docker', '--volume',
                        os.path.join(self.cache, 'apt') + ':/var/cache/apt/archives', *words,
                        '--tag', tag, '--file', dockerfile, context)

    def inspect(self, image):
        """The image's configuration, as Docker has it."""
        return json.loads(self.run('inspect', '--type', 'image', image))['Docker']

    def size(self, image):
        """Bytes of its layers, to three digits."""
        number, unit = self.run('images', '--format', '{{.Size}}', image).split()
        return float(number) * {'B': 1, 'KB': 1e3, 'MB': 1e6, 'GB': 1e9}[unit]

    def container(self, image):
        return Container(self, image)


class Container:
    """Files of an image, and what runs in them."""

    def __init__(self, store, image):
        self.store = store
        self.config = store.inspect(image)['config']
        self.name = store.run('from', '--pull-never', image).strip()
        self.root = store.run('mount', self.name).strip()
        self.process = self.log = None

    def words(self, command, environment=(), volumes=()):
        """How buildah runs a command in it."""
        options = [word for pair in environment for word in ('--env', pair)]
        options += [word for volume in volumes for word in ('--volume', volume)]
        return self.store.words('run', '--isolation', 'chroot', *options, self.name, '--',
                                *command)

    def run(self, *command, environment=(), volumes=()):
        """Runs a command to its end; with its status and what it printed."""
        return subprocess.run(self.words(command, environment, volumes),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, check=False,
                              timeout=PATIENCE)

    def start(self, *arguments, environment=(), volumes=(), log=None):
        """The image's entry point with these arguments, in the background."""
        if self.log:
            self.log.close()
        self.log = log or tempfile.TemporaryFile()
        command = [*self.config['Entrypoint'], *arguments]
        self.process = subprocess.Popen(self.words(command, environment, volumes),
                                        stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True)
        return self

    def is_healthy(self):
        """What the image's HEALTHCHECK says, with the environment of what was started."""
        command = self.config['Healthcheck']['Test']
        assert command[0] == 'CMD', command
        return self.run(*command[1:], environment=self.environment()).returncode == 0

    def server(self):
        """The process that is the container's first one for Docker."""
        return find_child(self.process.pid, 'sentiment-serve')

    def environment(self):
        with open('/proc/%d/environ' % self.server(), 'rb') as file:
            return [pair.decode() for pair in file.read().split(b'\0') if pair]

    def output(self):
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode('utf-8', 'replace')

    def stop(self, grace=10):
        """As `docker stop`: SIGTERM, and an error where it does not end in time."""
        os.kill(self.server(), signal.SIGTERM)
        try:
            return self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        if self.process and self.process.poll() is None:
            pid = self.server()
            os.kill(pid or self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)


def find_child(pid, program):
    """The descendant of a process that runs a program; None: there is none."""
    for children in glob.glob('/proc/%d/task/*/children' % pid):
        try:
            with open(children, encoding='ascii') as file:
                for child in map(int, file.read().split()):
                    if os.path.basename(os.readlink('/proc/%d/exe' % child)) == program:
                        return child
                    found = find_child(child, program)
                    if found:
                        return found
        except OSError:
            continue  # it has ended meanwhile
    return None
