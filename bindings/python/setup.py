# SPDX-License-Identifier: Apache-2.0
"""What pyproject.toml cannot say: with the library inside, the wheel is one platform's,
but any Python's. Without it (pip install from this folder) it is anybody's."""
import os

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

CARRIES = any(name.startswith('libsentiment') for name in os.listdir('sentiment'))


class Carrier(Distribution):
    """Installs into the folder for what a platform's packages bring."""

    def has_ext_modules(self):
        """The library counts as one."""
        return CARRIES


class Wheel(bdist_wheel):
    """ctypes needs no particular Python."""

    def get_tag(self):
        """py3-none and the platform."""
        return ('py3', 'none', super().get_tag()[2])


setup(distclass=Carrier, cmdclass={'bdist_wheel': Wheel})
