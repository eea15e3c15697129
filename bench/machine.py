# SPDX-License-Identifier: Apache-2.0
"""What the benchmark ran on, and what that processor can do at most."""
import json
import os
import platform
import re
import shutil
import subprocess


def _lscpu():
    text = subprocess.run(['lscpu'], stdout=subprocess.PIPE, text=True, check=False,
                          env={'LC_ALL': 'C', 'PATH': os.environ['PATH']}).stdout
    return dict(re.findall(r'^([^:\n]+):\s*(.*)$', text, re.MULTILINE))


def has(feature):
    """Whether the processor names the feature."""
    return feature in _lscpu().get('Flags', '').split()


def describe():
    """Processor, caches, system: a list of pairs."""
    found = _lscpu()
    wanted = [('avx2', 'AVX2'), ('fma', 'FMA'), ('avx512f', 'AVX-512'),
              ('avx512_vnni', 'AVX-512 VNNI'), ('avx_vnni', 'AVX-VNNI'),
              ('avx512_bf16', 'AVX-512 BF16')]
    features = found.get('Flags', '').split()
    return [('processor', found.get('Model name', platform.processor())),
            ('processors', found.get('CPU(s)', '?')),
            ('instructions', ', '.join(name for flag, name in wanted if flag in features)),
            ('caches', ', '.join(f'{level} {found[level + " cache"]}' for level in
                                 ('L1d', 'L2', 'L3') if level + ' cache' in found)),
            ('system', f'{platform.system()}, {" ".join(platform.libc_ver())}')]


def run(program):
    """What a program prints as JSON, run on the last processor; None where it cannot."""
    if not os.path.exists(program):
        return None
    pin = ['taskset', '-c', str(os.cpu_count() - 1)] if shutil.which('taskset') else []
    done = subprocess.run(pin + [program], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None
