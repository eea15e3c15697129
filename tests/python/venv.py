# SPDX-License-Identifier: Apache-2.0
"""Lets a test go on in the environment that .ci/venv.sh makes, where the
packages are that it compares with."""
import os
import sys


def require(argv):
    """Restarts the script argv[0] in the interpreter argv[1], unless this is it;
    returns the arguments behind it. Skips the test (exit status 77) where there
    is no such interpreter, and in an emulator: the packages have little to say of
    another processor, and would take very long to say it."""
    interpreter = argv[1]
    if os.environ.get("MESON_EXE_WRAPPER"):
        print("skipped: what is compared with Python packages is not emulated")
        sys.exit(77)
    if not os.path.exists(interpreter):
        print("skipped: no " + interpreter + " (.ci/venv.sh build-python makes it)")
        sys.exit(77)
    folder = os.path.dirname(os.path.dirname(os.path.abspath(interpreter)))
    if os.path.realpath(sys.prefix) != os.path.realpath(folder):
        sys.stdout.flush()
        os.execv(interpreter, [interpreter, "-B", *argv])
    return argv[2:]
