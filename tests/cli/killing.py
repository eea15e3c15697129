# SPDX-License-Identifier: Apache-2.0
"""Batch jobs that are killed: what must hold each time, for the suite and by hand.

killing.py COMMAND INPUT [--kills N] [--seed S] [--output NAME] [OPTION...]
kills `sentiment predict --input INPUT --output NAME OPTION...` N times (50) with SIGKILL,
at moments drawn with the seed over the time that the job takes undisturbed. A job that
is killed is started again until it ends; what it wrote must be, byte for byte, what an
undisturbed job writes; then the next job begins. NAME is made in a temporary folder.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time


def read(path):
    """All bytes of a file."""
    with open(path, 'rb') as file:
        return file.read()


def remove(output):
    """The job and its output, as if they had never been."""
    for name in (output, output + '.partial', output + '.job'):
        if os.path.exists(name):
            os.remove(name)


def start(words, **options):
    """The job, with nothing on standard input."""
    options.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def undisturbed(words, output):
    """Bytes, exit status and seconds of a run that nobody disturbs."""
    began = time.monotonic()
    with start(words) as job:
        errors = job.communicate()[1]
    if not os.path.exists(output):
        raise AssertionError('no output: %s' % errors.decode('utf-8', 'replace'))
    return read(output), job.returncode, time.monotonic() - began


def kill_after(words, seconds):
    """Starts the job and kills it that much later; its exit status, -9 if it was killed."""
    with start(words) as job:
        try:
            job.wait(seconds)
        except subprocess.TimeoutExpired:
            job.kill()
        errors = job.communicate()[1]
    if job.returncode not in (0, 1, -9):
        raise AssertionError('exit status %d: %s' % (job.returncode, errors))
    return job.returncode


def check_unfinished(output, whole):
    """A job that is not done has no output, and what it noted is a part of it."""
    partial = output + '.partial'
    if os.path.exists(output):
        assert not os.path.exists(partial) and read(output) == whole
    elif os.path.exists(partial):
        assert whole.startswith(read(partial)), 'not a beginning of the output'


def kill_often(words, output, kills, chance):
    """See above; returns how many jobs that took."""
    whole, status, seconds = undisturbed(words, output)
    done = jobs = 0
    while done < kills:
        jobs += 1
        if jobs > 20 * kills:
            raise AssertionError('%d jobs, and only %d were killed' % (jobs, done))
        remove(output)
        ended = -9
        # Up to a third of its time: a job is killed a few times before it ends.
        while ended == -9 and done < kills:
            ended = kill_after(words, chance.uniform(0, seconds / 3))
            done += ended == -9
            check_unfinished(output, whole)
        with start(words) as job:
            job.communicate()
        assert job.returncode == status, (job.returncode, status)
        assert read(output) == whole, 'other bytes than undisturbed'
        assert not os.path.exists(output + '.partial')
    return jobs


def main():
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument('command')
    parser.add_argument('input')
    parser.add_argument('--kills', type=int, default=50)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--output', default='out.jsonl')
    chosen, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, chosen.output)
        words = [chosen.command, 'predict', '--input', chosen.input, '--output', output, *options]
        jobs = kill_often(words, output, chosen.kills, random.Random(chosen.seed))
        print('%d kills, %d jobs, each with the same %d bytes'
              % (chosen.kills, jobs, os.path.getsize(output)))


if __name__ == '__main__':
    sys.exit(main())
