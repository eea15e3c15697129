# SPDX-License-Identifier: Apache-2.0
"""Read by gunicorn, which looks for this name in the folder where it is started.

The model is loaded once, before the workers are forked, which share its memory. All
workers count into one folder, so that /metrics answers for all of them; a folder that was
made here goes with the last process.
"""
import atexit
import os
import shutil
import tempfile

preload_app = True
control_socket_disable = True  # it would lie in a home folder, which services often lack


def _remove(folder, owner):
    """Workers, which end here too, leave it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


# Before the application is imported; read again at SIGHUP, when the folder is in use.
if not os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
    os.environ['PROMETHEUS_MULTIPROC_DIR'] = tempfile.mkdtemp(prefix='nlp-metrics-')
    atexit.register(_remove, os.environ['PROMETHEUS_MULTIPROC_DIR'], os.getpid())


def child_exit(server, worker):
    """A worker that ended is loaded no more; what it counted stays."""
    from prometheus_client import multiprocess  # it looks for the folder when it is imported
    multiprocess.mark_process_dead(worker.pid)
