# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of registries: the environment of somebody who has MLflow, DVC, the
wheel and the command, and nothing of this tree.

A test script is called with ROOT, BUILD and the folder of the environment that .ci/deploy.sh
makes. The network leads nowhere: what needs more than this machine fails.
"""
import glob
import os
import shutil
import socket
import subprocess
import sys

SKIP = 77
# Patience with a slow machine; no test waits for it to pass.
PATIENCE = 540
NOWHERE = 'http://127.0.0.1:9'
QUIET = {'DO_NOT_TRACK': 'true', 'MLFLOW_DISABLE_TELEMETRY': 'true', 'DVC_NO_ANALYTICS': 'true',
         'MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR': 'false',
         'HTTP_PROXY': NOWHERE, 'HTTPS_PROXY': NOWHERE, 'http_proxy': NOWHERE,
         'https_proxy': NOWHERE, 'NO_PROXY': '127.0.0.1,localhost',
         'no_proxy': '127.0.0.1,localhost'}
WHO = {'GIT_AUTHOR_NAME': 'A Reader', 'GIT_AUTHOR_EMAIL': 'reader@example.org',
       'GIT_COMMITTER_NAME': 'A Reader', 'GIT_COMMITTER_EMAIL': 'reader@example.org'}


def absent(what):
    """Ends a test that cannot run here; CI insists."""
    print('skipped: ' + what)
    sys.exit(1 if os.environ.get('CI') == 'true' else SKIP)


def require(build, venv, *files):
    """Ends the test where the environment, a program or a part of the build is missing."""
    if not os.path.exists(os.path.join(venv, 'bin', 'python')):
        absent('no %s; `.ci/deploy.sh BUILD registries` makes it' % venv)
    for name in files:
        if not os.path.exists(os.path.join(build, name)):
            absent('no %s in %s' % (name, build))
    for program in ('git', 'curl'):
        if not shutil.which(program):
            absent('no ' + program)


def environment(build, venv, home):
    """Variables with those programs in the PATH, and a home of their own."""
    foreign = ('PYTHONPATH', 'LD_LIBRARY_PATH', 'SENTIMENT_LIBRARY', 'SENTIMENT_MODEL',
               'SENTIMENT_PLUGIN_PATH', 'MLFLOW_TRACKING_URI')
    made = {name: value for name, value in os.environ.items() if name not in foreign}
    made.update(QUIET, HOME=home, PYTHONDONTWRITEBYTECODE='1', **WHO)
    made['PATH'] = os.pathsep.join([os.path.join(venv, 'bin'), build, os.environ['PATH']])
    return made


def install_wheel(root, build, venv):
    """The wheel of this tree into the environment, as the page says. What the tests of the
    binding compiled for theirs is used again."""
    folder = os.path.join(build, 'python-wheel')
    subprocess.run([sys.executable, '-B',
                    os.path.join(root, 'bindings', 'python', 'build_wheel.py'), folder],
                   check=True, stdout=subprocess.PIPE, timeout=PATIENCE)
    wheel, = glob.glob(os.path.join(folder, '*.whl'))
    subprocess.run([os.path.join(venv, 'bin', 'python'), '-m', 'pip', 'install', '--quiet',
                    '--disable-pip-version-check', '--no-index', '--force-reinstall', wheel],
                   check=True, timeout=PATIENCE)


def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as made:
        made.bind(('127.0.0.1', 0))
        return made.getsockname()[1]
