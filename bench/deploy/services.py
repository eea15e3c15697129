# SPDX-License-Identifier: Apache-2.0
"""services.py BUILD PYTHON --texts TSV [--seconds N] [--rounds N] [--workers N]: the Python
services on the library beside the guide's own code on PyTorch.

FastAPI and Flask, each under the same server with the same number of workers, asked by wrk
in turns over 1, 16 and 64 connections; server and client share the processors. All have the
bundled model's weights. The guide's code pads every text to 512 tokens, as written; ours
runs the model as it is bundled, which pads nothing, and, in a row of its own, a guide folder
that wants the same padding. The answers of that one must be the guide's. PYTHON has what
examples/python/requirements.txt lists, and sees Debian's torch.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, 'examples', 'python')
sys.path.insert(0, os.path.join(ROOT, 'bench', 'serve'))

import serve

CONNECTIONS = (1, 16, 64)
COMPARED = 200
# Both are float32; sums of 512 positions in another order.
TOLERANCE = 1e-4


def guide_folder(build, folder):
    """The bundled weights, with nothing in config.json but what the guide writes."""
    made = os.path.join(folder, 'guide')
    subprocess.run([os.path.join(build, 'sentiment'), 'convert',
                    os.path.join(build, 'models', 'sentiment-en.safetensors'), made], check=True,
                   stdout=subprocess.DEVNULL)
    path = os.path.join(made, 'config.json')
    with open(path, encoding='utf-8') as file:
        config = json.load(file)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({name: config[name] for name in ('model_params', 'training_params')}, file)
    return made


def fastapi(python, folder, module, workers):
    """How uvicorn serves a module of a folder; its port."""
    port = serve.free_port()
    return [os.path.join(os.path.dirname(python), 'uvicorn'), module + ':app', '--app-dir', folder,
            '--port', str(port), '--workers', str(workers), '--log-level', 'warning'], port


def flask(python, folder, module, workers):
    """How gunicorn does."""
    port = serve.free_port()
    words = [os.path.join(os.path.dirname(python), 'gunicorn'), module + ':app', '--chdir', folder,
             '--bind', '127.0.0.1:%d' % port, '--workers', str(workers), '--threads', '4',
             '--keep-alive', '75', '--log-level', 'warning']
    if os.path.exists(os.path.join(folder, 'gunicorn.conf.py')):
        words += ['--config', os.path.join(folder, 'gunicorn.conf.py')]
    return words, port


def environment(build, guide, model, counts, workers):
    """Of all services; `model` is that of ours. Several workers with all of torch's threads
    would stand in each other's way: they share the processors."""
    chosen = serve.environment()
    if workers > 1:
        chosen['OMP_NUM_THREADS'] = str(max(1, len(os.sched_getaffinity(0)) // workers))
    return dict(chosen, GUIDE_FOLDER=guide, MODEL_PATH=model,
                PYTHONPATH=os.path.join(ROOT, 'bindings', 'python'), PYTHONDONTWRITEBYTECODE='1',
                SENTIMENT_LIBRARY=os.path.join(build, 'libsentiment.so.0'),
                PROMETHEUS_MULTIPROC_DIR=counts)


def services(options, folder):
    """(kind, name): command, port and environment."""
    build = os.path.abspath(options.build)
    guide = guide_folder(build, folder)
    bundled = os.path.join(build, 'models', 'sentiment-en.safetensors')
    found = {}
    for kind, start, ours in (('FastAPI', fastapi, 'fastapi_app'), ('Flask', flask, 'flask_app')):
        for name, place, module, model in (
                ('ours', EXAMPLES, ours, bundled), ('ours, padded', EXAMPLES, ours, guide),
                ('guide', HERE, 'guide_' + kind.lower(), guide)):
            counts = tempfile.mkdtemp(dir=folder)
            found[kind, name] = (*start(options.python, place, module, options.workers),
                                 environment(build, guide, model, counts, options.workers))
    return found


def answers(service, bodies):
    """Probabilities of the first texts."""
    command, port, own = service
    told = []
    with serve.running(command, port, own), open(bodies, 'rb') as file:
        for _, body in zip(range(COMPARED), file):
            asked = urllib.request.Request('http://127.0.0.1:%d/predict' % port, body,
                                           {'Content-Type': 'application/json'})
            with urllib.request.urlopen(asked) as answer:
                told.append(json.load(answer)['probabilities'])
    return told


def compare(found, bodies):
    """Ends the run where padding does not make ours the guide's function."""
    for kind in ('FastAPI', 'Flask'):
        pairs = zip(answers(found[kind, 'ours, padded'], bodies),
                    answers(found[kind, 'guide'], bodies))
        far = max(abs(a - b) for one, other in pairs for a, b in zip(one, other))
        print('%s: probabilities of %d texts differ by at most %.1e' % (kind, COMPARED, far))
        if far > TOLERANCE:
            sys.exit('%s: these are not the same answers' % kind)


def measure(found, options, bodies):
    """{(service, connections): [what wrk says]}, the services in turns."""
    said = {}
    for _ in range(options.rounds):
        for key, (command, port, own) in found.items():
            with serve.running(command, port, own):
                serve.load(port, 16, 1, bodies)
                for connections in CONNECTIONS:
                    said.setdefault((key, connections), []).append(
                        serve.load(port, connections, options.seconds, bodies))
    return said


def report(said, found):
    """A table."""
    print('%-8s %-13s %11s %11s %9s %9s %12s' % ('', 'service', 'connections', 'requests/s',
                                                'p50 ms', 'p99 ms', 'guide times'))
    for kind, name in found:
        for connections in CONNECTIONS:
            runs = said[(kind, name), connections]
            rate = serve.median(runs, 'requests_per_second')
            rival = serve.median(said[(kind, 'guide'), connections], 'requests_per_second')
            print('%-8s %-13s %11d %11.1f %9.2f %9.2f %11.1fx' % (
                kind, name, connections, rate, serve.median(runs, 'p50_ms'),
                serve.median(runs, 'p99_ms'), rate / rival))


def main():
    """See above."""
    parser = argparse.ArgumentParser(
        description=__doc__.split(': ', 1)[1].split('\n\n')[0])
    parser.add_argument('build')
    parser.add_argument('python')
    parser.add_argument('--texts', required=True, help='a TSV with a column "text"')
    parser.add_argument('--seconds', type=int, default=5)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--workers', type=int, default=1, help='of every service')
    options = parser.parse_args()
    options.python = os.path.abspath(options.python)
    with tempfile.TemporaryDirectory() as folder:
        bodies = os.path.join(folder, 'bodies')
        serve.write_bodies(options.texts, bodies)
        found = services(options, folder)
        compare(found, bodies)
        report(measure(found, options, bodies), found)


if __name__ == '__main__':
    main()
