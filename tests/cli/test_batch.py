# SPDX-License-Identifier: Apache-2.0
"""Batch jobs (predict --output): complete, in order, and the same bytes whatever
happens on the way. Kills are seeded; where a moment matters, a pipe that the test
fills decides it, not a clock.
"""
import gzip
import json
import os
import pty
import random
import resource
import signal
import subprocess
import time

import cli
import killing

LINES = 6000


class Batch(cli.Case):
    """Jobs on one input, with a bad line here and there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lines = [json.dumps({'text': ' '.join('word_%d' % (i * k % 60) for k in range(1, 9))})
                 for i in range(LINES)]
        lines[17] = 'no JSON'
        lines[4000] = '{"text": 7}'
        cls.lines = lines
        cls.text = '\n'.join(lines).encode() + b'\n'
        cls.input = cls.write('in.jsonl.gz', gzip.compress(cls.text))
        cls.whole = cli.run('predict', '--model', cls.model, '--json', '--input', cls.input).stdout

    def words(self, output, *options, input=None):
        return ['predict', '--model', self.model, '--input', input or self.input,
                '--output', output, *options]

    def batch(self, output, *options, input=None, **more):
        return cli.run(*self.words(output, *options, input=input), **more)

    def fresh(self, name='out.jsonl'):
        killing.remove(self.path(name))
        return self.path(name)

    def done(self, done, output):
        """Holds a run to the end of the job."""
        self.bad(done, 1, '2 of %d texts failed; the first is line 18 of ' % LINES)
        self.assertEqual(killing.read(output), self.whole)
        self.assertFalse(os.path.exists(output + '.partial'))

    def refused(self, done, says):
        self.bad(done, 1, says)
        self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)

    def start(self, output, *options):
        """A job that reads JSON lines from a pipe, which the test fills."""
        return killing.start([*cli.COMMAND, *self.words(output, '--input-format', 'jsonl',
                                                        *options, input='-')],
                             stdin=subprocess.PIPE)

    def feed(self, job, output, lines, blocks):
        """Gives it `lines` lines, and waits until it has noted `blocks` blocks."""
        job.stdin.write(b''.join(line.encode() + b'\n' for line in self.lines[:lines]))
        job.stdin.flush()
        while not (os.path.exists(output + '.job')
                   and killing.read(output + '.job').count(b'\n') > blocks):
            self.assertIsNone(job.poll())
            time.sleep(0.01)


class Whole(Batch):
    def test_answers_are_those_of_standard_output(self):
        output = self.fresh()
        done = self.batch(output)
        self.done(done, output)
        self.assertEqual(done.stdout, b'')
        answers = cli.json_lines(self.whole)
        self.assertEqual(len(answers), LINES)
        self.assertEqual([i for i, answer in enumerate(answers) if 'error' in answer], [17, 4000])
        self.assertNotIn('processing_time', answers[0])

    def test_threads_and_instructions_change_no_byte(self):
        for options in (['--threads', '2'], ['--threads', '0'], ['--isa', 'c'], ['--json']):
            output = self.fresh()
            self.done(self.batch(output, *options), output)

    def test_explanations(self):
        input = self.write('few.txt', 'word_1 word_2\n\nword_3\n')
        output = self.fresh()
        self.good(self.batch(output, '--explain', input=input))
        wanted = self.run_model('predict', '--json', '--explain', '--input', input).stdout
        self.assertEqual(killing.read(output), wanted)

    def test_empty_input(self):
        input = self.write('empty.txt', '')
        for name, content in (('e.jsonl', b''), ('e.jsonl.gz', None)):
            output = self.fresh(name)
            self.good(self.batch(output, input=input))
            packed = killing.read(output)
            self.assertEqual(packed if content == b'' else gzip.decompress(packed), b'')

    def test_a_finished_job_is_not_done_again(self):
        output = self.fresh()
        self.batch(output)
        before = os.stat(output)
        done = self.batch(output, '--threads', '2')
        self.done(done, output)
        self.assertIn(b'out.jsonl is complete: %d texts' % LINES, done.stderr)
        after = os.stat(output)
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))
        input = self.write('good.txt', 'word_1\n')
        output = self.fresh('good.jsonl')
        self.good(self.batch(output, input=input))
        self.assertEqual(self.batch(output, input=input).returncode, 0)

    def test_failures_that_are_accepted(self):
        for _ in range(2):
            done = self.batch(self.path('accept.jsonl'), '--accept-failures')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b'2 of %d texts failed' % LINES, done.stderr)
        self.assertEqual(killing.read(self.path('accept.jsonl')), self.whole)

    def test_an_output_that_was_taken_away_is_made_anew(self):
        output = self.fresh()
        self.batch(output)
        os.remove(output)
        self.done(self.batch(output), output)

    def test_restart(self):
        output = self.fresh()
        self.batch(output, '--max-length', '2')
        self.assertNotEqual(killing.read(output), self.whole)
        self.done(self.batch(output, '--restart'), output)

    def test_compressed_output(self):
        output = self.fresh('out.jsonl.gz')
        self.batch(output)
        self.assertEqual(gzip.decompress(killing.read(output)), self.whole)
        first = killing.read(output)
        killing.remove(output)
        self.batch(output, '--threads', '2')
        self.assertEqual(killing.read(output), first)

    def test_progress_on_a_terminal_alone(self):
        output = self.fresh()
        master, slave = pty.openpty()
        job = subprocess.Popen([*cli.COMMAND, *self.words(output, '--isa', 'c')], stderr=slave)
        os.close(slave)
        shown = b''
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(master)
        self.assertEqual(job.wait(), 1)
        self.assertIn(b' texts  ', shown)
        self.assertNotIn(b'/s', self.batch(self.fresh()).stderr)


class Parts(Batch):
    def joined(self, shards, name, *options, input=None):
        outputs = [self.fresh('part-%d-%s' % (i, name)) for i in range(shards)]
        for i, output in enumerate(outputs):
            done = self.batch(output, '--shard', '%d/%d' % (i, shards), *options, input=input)
            self.assertIn(done.returncode, (0, 1), done.stderr)
        return b''.join(map(killing.read, outputs))

    def test_parts_one_behind_the_other_are_the_whole(self):
        for shards in (1, 2, 3, 7):
            self.assertEqual(self.joined(shards, 'a.jsonl'), self.whole)
        packed = self.joined(3, 'a.jsonl.gz')
        self.assertEqual(gzip.decompress(packed), self.whole)

    def test_more_parts_than_lines(self):
        input = self.write('two.txt', 'word_1\nword_2')
        wanted = self.run_model('predict', '--json', '--input', input).stdout
        self.assertEqual(self.joined(5, 'b.jsonl', input=input), wanted)

    def test_the_header_of_a_table_is_nobodys(self):
        input = self.write('t.tsv', 'id\ttext\n' + ''.join('%d\tword_%d\n' % (i, i % 60)
                                                           for i in range(2500)))
        wanted = self.run_model('predict', '--json', '--input', input).stdout
        self.assertEqual(wanted.count(b'\n'), 2500)
        self.assertEqual(self.joined(3, 't.jsonl', input=input), wanted)

    def test_a_part_is_resumed_and_belongs_to_its_number(self):
        output = self.fresh('c.jsonl')
        self.batch(output, '--shard', '1/3')
        whole = killing.read(output)
        os.rename(output, output + '.partial')
        with open(output + '.job', 'r+b') as file:
            file.truncate(sum(map(len, file.read().splitlines(True)[:2])))
        self.refused(self.batch(output, '--shard', '2/3'), 'begun with first_and_count')
        done = self.batch(output, '--shard', '1/3')
        self.assertIn(b'going on behind text 1024', done.stderr)
        self.assertEqual(killing.read(output), whole)

    def test_a_part_needs_a_file(self):
        os.mkfifo(self.path('pipe'))
        with open(os.open(self.path('pipe'), os.O_RDWR), 'rb'):
            done = self.batch(self.fresh(), '--shard', '0/2', input=self.path('pipe'))
        self.refused(done, '--shard needs a regular file')

    def test_a_part_needs_a_whole_input(self):
        input = self.write('cut.jsonl.gz', killing.read(self.input)[:-100])
        self.bad(self.batch(self.fresh(), '--shard', '0/2', input=input), 1, 'a part needs')


class Disturbed(Batch):
    def test_killed(self):
        for name, options in (('k.jsonl', ['--isa', 'c']), ('k.jsonl.gz', []),
                              ('s.jsonl', ['--shard', '1/2'])):
            output = self.path(name)
            words = [*cli.COMMAND, *self.words(output, *options)]
            killing.remove(output)
            jobs = killing.kill_often(words, output, 17, random.Random(name))
            self.assertGreaterEqual(jobs, 1)

    def test_files_cut_anywhere(self):
        """What a power failure may leave: any beginning of both files, or zeros at the end; but
        the journal reaches the disk before any answer does."""
        chance = random.Random(5)
        for name in ('cut.jsonl', 'cut.jsonl.gz'):
            output = self.fresh(name)
            self.batch(output)
            whole, journal = killing.read(output), killing.read(output + '.job')
            for _ in range(15):
                killing.remove(output)
                rest = whole[:chance.randrange(len(whole) + 1)]
                rest += bytes(chance.choice([0, 0, 5000]))
                self.write(name + '.partial', rest)
                self.write(name + '.job', journal[:chance.randrange(1, len(journal) + 1)])
                done = self.batch(output)
                self.bad(done, 1, '2 of %d' % LINES)
                self.assertEqual(killing.read(output), whole)
                self.assertEqual(killing.read(output + '.job'), journal)

    def test_killed_while_it_began_anew(self):
        """After --restart: the new job has begun, the old output is still there."""
        output = self.fresh()
        self.batch(output)
        journal = killing.read(output + '.job')
        for partial, noted in ((b'', journal), (b'', journal[:journal.index(b'\n') + 1]),
                               (self.whole[:5000], journal[:journal.index(b'\n') + 1])):
            self.write('out.jsonl', self.whole)
            self.write('out.jsonl.partial', partial)
            self.write('out.jsonl.job', noted)
            self.done(self.batch(output), output)

    def test_killed_before_it_got_its_name(self):
        output = self.fresh()
        self.batch(output)
        os.rename(output, output + '.partial')
        self.done(self.batch(output), output)

    def test_signals_leave_a_job_that_goes_on(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            output = self.fresh('sig.jsonl')
            with self.start(output) as job:
                self.feed(job, output, 2500, 2)
                job.send_signal(number)
                errors = job.stderr.read()
                self.assertEqual(job.wait(), status)
            self.assertIn(b'goes on behind text 2048', errors)
            self.assertFalse(os.path.exists(output))
            done = self.batch(output, '--input-format', 'jsonl', input='-', stdin=self.text)
            self.assertIn(b'going on behind text 2048', done.stderr)
            self.done(done, output)

    def test_one_process_at_a_time(self):
        output = self.fresh('lock.jsonl')
        with self.start(output) as job:
            self.feed(job, output, 1100, 1)
            self.refused(self.batch(output), 'another process is at work on this output')
            self.refused(self.batch(output, '--restart'), 'another process')
            job.stdin.write(b'\n'.join(map(str.encode, self.lines[1100:])) + b'\n')
            job.stdin.close()
            self.assertEqual(job.wait(), 1)
        self.assertEqual(killing.read(output), self.whole)

    def test_a_damaged_input_is_answered_up_to_there(self):
        packed = gzip.compress(self.text, 0)
        input = self.write('damaged.jsonl.gz', packed[:len(packed) // 2])
        for name in ('d.jsonl', 'd.jsonl.gz'):
            output = self.fresh(name)
            done = self.bad(self.batch(output, input=input), 1, 'ends too early')
            line = int(done.stderr.split(b'line ')[1].split(b':')[0])
            answered = killing.read(output + '.partial')
            if name.endswith('.gz'):
                answered = gzip.decompress(answered)
            self.assertEqual(answered.count(b'\n'), line - 1)
            self.assertTrue(self.whole.startswith(answered))
            # Mended, the same command goes on.
            done = self.batch(output)
            self.assertIn(b'going on behind text', done.stderr)
            fresh = self.fresh('again-' + name)
            self.batch(fresh)
            self.assertEqual(killing.read(output), killing.read(fresh))

    def limited(self, output, size):
        """A run that may not write files beyond a size: a disk that is full."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        with killing.start([*cli.COMMAND, *self.words(output)], preexec_fn=limit) as job:
            errors = job.communicate()[1]
        return job.returncode, errors

    def test_no_room(self):
        for size in (0, 100, 1000, 100000):
            output = self.fresh('full.jsonl')
            status, errors = self.limited(output, size)
            self.assertEqual(status, 1)
            self.assertIn(b'File too large', errors)
            self.assertFalse(os.path.exists(output))
            self.done(self.batch(output), output)

    def test_a_full_disk(self):
        mount = 'mount -t tmpfs -o size=400k none "$1" && cd "$1" && shift && '
        script = mount + ('"$@"; echo "status $?" >&2; mount -o remount,size=64m . ; "$@"; '
                          'cat out.jsonl')
        os.makedirs(self.path('disk'), exist_ok=True)
        job = subprocess.run(['unshare', '-rm', 'sh', '-c', script, 'sh', self.path('disk'),
                              *cli.COMMAND, *self.words('out.jsonl')], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        if b'unshare' in job.stderr or b'mount:' in job.stderr:
            self.skipTest('no file system of its own here')
        self.assertIn(b'out.jsonl.partial: No space left on device', job.stderr)
        self.assertIn(b'status 1', job.stderr)
        self.assertIn(b'going on behind text', job.stderr)
        self.assertEqual(job.stdout, self.whole)


class Refused(Batch):
    def begun(self, name='r.jsonl'):
        """A job that is half done."""
        output = self.fresh(name)
        self.batch(output)
        os.rename(output, output + '.partial')
        with open(output + '.job', 'r+b') as file:
            lines = file.read().splitlines(True)
            file.seek(0)
            file.truncate()
            file.writelines(lines[:3])
        return output

    def test_wrong_usage(self):
        for words, says in ((['--restart'], '--restart goes with --output'),
                            (['--shard', '0/2'], '--shard goes with --output'),
                            (['--accept-failures'], '--accept-failures goes with --output'),
                            (['--output', 'x', 'a text'], 'TEXT and --output exclude'),
                            (['--output', '-'], '--output needs the name'),
                            (['--output', ''], '--output needs the name'),
                            (['--output', 'x', '--shard', '0/2'], '--shard needs --input FILE'),
                            (['--output', 'x', '--input', '-', '--shard', '0/2'], '--shard needs')):
            self.bad(self.run_model('predict', *words), 2, says)
        for shard in ('2/2', '0/0', '1', '-1/2', '1/', '/2', 'a/b', '1/2/3', '1/2 ', ' 1/2',
                      '0/99999999999999999999', '0/1000001'):
            done = self.batch('x', '--shard', shard)
            self.bad(done, 2, "--shard: '%s' is not I/N" % shard)

    def test_other_options(self):
        output = self.begun()
        before = killing.read(output + '.partial')
        for options, says in ((['--max-length', '3'], 'begun with max_length 512, not 3'),
                              (['--precision', 'int8'], 'begun with precision "fp32", not "int8"'),
                              (['--explain'], 'begun with explain false, not true'),
                              (['--utf8', 'replace'], 'begun with utf8_replace'),
                              (['--input-format', 'lines'], 'begun with format "jsonl"'),
                              (['--shard', '0/2'], 'begun with first_and_count null')):
            self.refused(self.batch(output, *options), says)
        self.assertEqual(killing.read(output + '.partial'), before)
        self.done(self.batch(output, '--threads', '2'), output)
        self.refused(self.batch(output, '--explain'), 'begun with explain')
        self.assertEqual(killing.read(output), self.whole)

    def test_another_model(self):
        other = self.path('other.safetensors')
        self.good(cli.run('create', *cli.SIZES, '--seed', '8', other))
        output = self.begun()
        done = cli.run('predict', '--model', other, '--input', self.input, '--output', output)
        self.refused(done, 'begun with model ')
        copy = self.write('copy.safetensors', killing.read(self.model))
        done = cli.run('predict', '--model', copy, '--input', self.input, '--output', output)
        self.done(done, output)

    def test_weights_outside_of_the_model(self):
        folder = self.path('outside')
        self.good(cli.run('create', *cli.SIZES, '--seed', '7', folder))
        model = os.path.join(folder, 'm.onnx')
        self.good(cli.run('convert', '--no-check', folder, model))
        words = ['predict', '--model', model, '--input', self.input, '--output']
        output = self.fresh('onnx.jsonl')
        self.bad(cli.run(*words, output), 1, '2 of')
        self.write('outside/m.onnx.data', 'weights')
        self.refused(cli.run(*words, output), 'begun with model')

    def test_another_tokenizer_of_a_folder(self):
        folder = self.path('folder')
        self.good(cli.run('create', *cli.SIZES, '--seed', '7', folder))
        words = ['predict', '--model', folder, '--input', self.input, '--output']
        output = self.fresh('folder.jsonl')
        self.bad(cli.run(*words, output), 1, '2 of')
        with open(os.path.join(folder, 'config.json'), 'a', encoding='utf-8') as file:
            file.write('\n')
        self.refused(cli.run(*words, output), 'begun with model')

    def test_another_input(self):
        output = self.begun()
        changed = self.write('changed.jsonl', b'{"text": "x"}' + self.text[self.text.find(b'\n'):])
        self.refused(self.batch(output, input=changed), 'lines that are answered have changed')
        short = self.write('short.jsonl', b'{"text": "x"}\n')
        self.refused(self.batch(output, input=short), 'it has fewer lines')
        # The same lines are the same input, wherever they lie.
        self.done(self.batch(output, input=self.write('same.jsonl', self.text)), output)
        longer = self.write('longer.jsonl', self.text + b'{"text": "x"}\n')
        done = self.batch(output, input=longer)
        self.bad(done, 1, 'it has more lines')
        self.assertEqual(killing.read(output), self.whole)

    def test_a_changed_output(self):
        for change in (b'x' + self.whole[1:], self.whole[:-1], self.whole + b'\n'):
            output = self.fresh()
            self.batch(output)
            self.write('out.jsonl', change)
            self.refused(self.batch(output), 'not what its job has written')
            self.assertEqual(killing.read(output), change)
        self.done(self.batch(output, '--restart'), output)

    def test_files_of_others(self):
        output = self.fresh()
        self.write('out.jsonl', 'precious\n')
        self.refused(self.batch(output), '--restart replaces it')
        self.assertFalse(os.path.exists(output + '.job'))
        self.assertEqual(killing.read(output), b'precious\n')
        self.done(self.batch(output, '--restart'), output)
        for content in (b'mine\n', b'mine', b'[1]\n', b'{"job": \n', b'x' * 20000):
            self.write('out.jsonl.job', content)
            self.refused(self.batch(output), 'not the journal of a batch job')
            self.assertEqual(killing.read(output + '.job'), content)
        output = self.fresh('other.jsonl')
        notes = self.write('other.jsonl.job', '{"a": 1}')
        self.refused(self.batch(output), 'not the journal of a batch job')
        self.refused(self.batch(output, input=notes), 'the input is the journal')
        self.assertEqual(killing.read(notes), b'{"a": 1}')
        killing.remove(notes)
        self.write('other.jsonl.partial', 'half a download')
        self.refused(self.batch(output), 'other.jsonl.partial exists')
        self.assertEqual(killing.read(output + '.partial'), b'half a download')
        self.done(self.batch(output, '--restart'), output)

    def test_hostile_journals(self):
        output = self.begun()
        journal = killing.read(output + '.job').splitlines(True)
        good = json.loads(journal[1])
        for change in ({'texts': -1}, {'bytes': 1 << 62}, {'texts': '1024'}, {'output': 'x'},
                       {'output': '0' * 64}, {'bytes': None}, {'input': 5}):
            line = json.dumps(dict(good, **change)).encode() + b'\n'
            self.write('r.jsonl.job', journal[0] + line + b'\0\0\0\n')
            self.done(self.batch(output), output)
            output = self.begun()
        for change in ({'texts': 5}, {'input': '0' * 64}):
            line = json.dumps(dict(good, **change)).encode() + b'\n'
            self.write('r.jsonl.job', journal[0] + line)
            self.bad(self.batch(output), 1, 'lines that are answered have changed')

    def test_places(self):
        self.refused(self.batch(self.folder.name), 'needs a regular file')
        self.refused(self.batch('/dev/null'), 'needs a regular file')
        self.refused(self.batch(self.path('none/out.jsonl')), 'No such file or directory')
        copy = self.write('self.jsonl', self.text)
        self.refused(self.batch(copy, input=copy), 'input and output are the same file')
        self.assertEqual(killing.read(copy), self.text)
        os.link(copy, self.path('link.jsonl'))
        self.refused(self.batch(self.path('link.jsonl'), input=copy), 'are the same file')
        self.bad(self.batch(self.fresh(), input=self.path('none')), 1, 'No such file')


if __name__ == '__main__':
    cli.main()
