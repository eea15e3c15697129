# SPDX-License-Identifier: Apache-2.0
"""The libraries that bench.py compares: how each is started, and one that is
running. All of them compute the same network on the same weights."""
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
# What holds a rival down to AVX2, where it can be; ONNX Runtime has no such switch.
AVX2 = {'SENTIMENT_ISA': 'avx2', 'ONEDNN_MAX_CPU_ISA': 'AVX2', 'DNNL_MAX_CPU_ISA': 'AVX2',
        'ATEN_CPU_CAPABILITY': 'avx2', 'OPENBLAS_CORETYPE': 'HASWELL'}


class Rival:
    """A process that waits for cases (rivals/worker.h tells the protocol)."""

    def __init__(self, name, command, environment, pin):
        self.name = name
        self.seconds = {}
        self.logits = {}
        prefix = ['taskset', '-c', pin] if pin else []
        self.process = subprocess.Popen(prefix + command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, **environment), text=True)

    def measure(self, case, ids, seconds):
        """Adds the calls of one turn; False if the rival has failed."""
        try:
            self.process.stdin.write(f'{ids} {case.batch} {case.length} {case.words} {seconds}\n')
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            return False
        self.seconds.setdefault(case, []).append(statistics.median(answer['seconds']))
        self.logits[case] = answer['logits']
        return True

    def median(self, case):
        """The median over the turns, or None."""
        return statistics.median(self.seconds[case]) if case in self.seconds else None

    def spread(self, case):
        """Half the distance between the slowest and the quickest turn, as a share."""
        turns = self.seconds[case]
        return (max(turns) - min(turns)) / 2 / statistics.median(turns)

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def environment(threads, avx512, avx2_only):
    """Variables that give each rival its threads and its best instructions."""
    names = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')
    found = {name: str(threads) for name in names}
    if avx2_only:
        found.update(AVX2)
    elif avx512:
        # Debian's OpenBLAS does not know every processor with AVX-512.
        found['OPENBLAS_CORETYPE'] = 'SKYLAKEX'
    return found


def commands(build, paths, threads, options):
    """Name and command of every rival, in the order of the tables."""
    rivals = os.path.join(HERE, 'rivals')
    native, onednn = (os.path.join(build, 'bench', name) for name in ('native', 'onednn'))
    threads = str(threads)
    found = [(f'native {mode}', [native, paths['native'], mode, threads])
             for mode in ('fp32', 'int8', 'unsettled')]
    if os.path.exists(options.venv):
        found.append(('ONNX Runtime', [options.venv, os.path.join(rivals, 'onnx_runtime.py'),
                                       paths['onnx'], threads]))
    if os.path.exists(onednn):
        found += [(f'oneDNN {precision}', [onednn, paths['weights'], precision, threads])
                  for precision in ('fp32', 'bf16', 'int8')]
    found += [(f'libtorch {mode}', [options.python, os.path.join(rivals, 'libtorch.py'),
                                    paths['weights'], mode, threads])
              for mode in ('eager', 'script', 'int8')]
    found.append(("guide's function", [options.python, os.path.join(rivals, 'guide.py'),
                                       paths['weights'], threads]))
    return found
