# SPDX-License-Identifier: Apache-2.0
"""Closing, garbage, fork, interpreter exit: never a crash, always a clear answer."""
import asyncio
import concurrent.futures
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import unittest
import weakref
from unittest import mock

import sentiment

import support


def in_child(function):
    """Runs a function in a child of fork(); its return value, or what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            said = repr(function())
        except BaseException as problem:
            said = repr(problem)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said if status == 0 else 'status %d' % status


def ask_child(label, queue):
    """For multiprocessing."""
    queue.put(ask_child.model.predict('good').label == label)


class CloseTest(support.Case):
    """close() and what comes after it."""

    def test_closed(self):
        """Every call says so; twice is fine."""
        model = self.load()
        with model:
            model.predict('good')
        self.assertTrue(model.closed)
        model.close()
        model.close()
        calls = [lambda: model.predict('a'), lambda: model.predict_batch(['a']),
                 lambda: model.predict_batch([]), lambda: model.explain('a'),
                 lambda: model.tokenize('a'), model.stream, lambda: model.info,
                 lambda: model.labels, lambda: model.session_info,
                 lambda: model.save('/nowhere'), model.quantize, model.__enter__,
                 model.__reduce__]
        for call in calls:
            with self.assertRaisesRegex(sentiment.ClosedError, 'this model is closed') as caught:
                call()
            self.assertEqual(caught.exception.code, sentiment.Status.INVALID_ARGUMENT)
        self.assertIn('closed', repr(model))

    def test_results_outlive(self):
        """Answers are Python's own."""
        model = self.load()
        one, batch, why = model.predict('good'), model.predict_batch(['a']), model.explain('a')
        info = model.info
        model.close()
        del model
        gc.collect()
        self.assertEqual((one.label, batch[0].tokens, len(why.contributions), info.num_classes),
                         ('positive', 1, 1, 3))

    def test_close_waits(self):
        """A batch in flight is answered whole."""
        model = self.load()
        texts = ['not good at all, I am afraid'] * 3000
        started, done = threading.Event(), []

        def work():
            started.set()
            done.append(len(model.predict_batch(texts)))
        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        while not model._pool.seats or model._pool.idle:
            time.sleep(0.0005)
            if done:
                break
        model.close()
        self.assertEqual(model._pool.seats, {})
        thread.join()
        self.assertEqual(done, [3000])

    def test_threads_while_closing(self):
        """Calls from many threads either answer or say that it is closed."""
        for _ in range(20):
            model = sentiment.Model.load(self.tiny_path)
            right = model.predict('word_1').logits
            strange, answered = [], [0] * 6
            go = threading.Barrier(8)

            def work(number):
                go.wait()
                try:
                    while True:
                        if model.predict('word_1').logits != right:
                            strange.append('answer')
                        model.tokenize('word_1')
                        with model.stream() as stream:
                            stream.feed('word_1')
                            stream.end()
                        answered[number] += 1
                except sentiment.ClosedError:
                    pass
                except BaseException as problem:
                    strange.append(problem)

            def close():
                go.wait()
                time.sleep(0.005)
                model.close()
                if model._pool.in_use():
                    strange.append('closed too early')
            threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
            threads += [threading.Thread(target=close) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(strange, [])

    def setUp(self):
        self.tiny_path = self.tiny()

    def test_garbage(self):
        """Nobody needs to close; nothing is left over."""
        model = sentiment.Model.load(self.tiny_path)
        gone, pool = weakref.ref(model), weakref.ref(model._pool)
        stream = model.stream()
        model.predict('word_1')
        del model
        gc.collect()
        self.assertIsNotNone(gone())
        del stream
        gc.collect()
        self.assertIsNone(gone())
        self.assertIsNone(pool())

    def test_cycle(self):
        """A model in a cycle of garbage, with its stream."""
        class Holder:
            """Part of the cycle."""
        gone = []
        for _ in range(20):
            holder = Holder()
            holder.model = sentiment.Model.load(self.tiny_path)
            holder.stream = holder.model.stream()
            holder.self = holder
            gone.append(weakref.ref(holder.model))
            del holder
        gc.collect()
        self.assertEqual([each() for each in gone], [None] * 20)

    def test_lost_seat(self):
        """A call that an interrupt tears off between two instructions blocks nobody."""
        model = self.load(self.tiny_path)
        seat = model._pool.idle.pop()
        self.assertEqual(len(model._pool.seats), 1)
        del seat
        self.assertEqual(model._pool.seats, {})
        self.assertEqual(model.predict('word_1').tokens, 1)
        model.close()

    def test_interrupt(self):
        """Ctrl-C between calls, again and again."""
        model = self.load(self.tiny_path)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            for i in range(200):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0005 + i * 1e-6)
                    while True:
                        model.predict('word_1 word_2')
                except KeyboardInterrupt:
                    pass
        finally:
            signal.signal(signal.SIGALRM, before)
        self.assertLessEqual(len(model._pool.seats), 1)
        model.close()

    def interrupt(self, call, number):
        """Calls, and raises KeyboardInterrupt where Ctrl-C may do so: on entering functions
        of Python, and behind those of C, at the place with this number. Then closes the
        model, with the traceback still there. Whether there is a place of that number."""
        left = number

        def strike(_frame, event, _argument):
            nonlocal left
            if event in ('call', 'c_return'):
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt

        def close():
            thread = threading.Thread(target=model.close, daemon=True)
            thread.start()
            thread.join(20)
            self.assertFalse(thread.is_alive(), 'close() hangs after the interrupt %d' % number)
        model = sentiment.Model.load(self.tiny_path)
        try:
            sys.setprofile(strike)
            call(model)
        except KeyboardInterrupt:
            sys.setprofile(None)
            close()
        finally:
            sys.setprofile(None)
        close()
        return left < 0

    def test_interrupt_anywhere(self):
        """Ctrl-C at any place in a call, and in closing: close() ends all the same."""
        def stream(model):
            with model.stream() as made:
                made.feed('word_1')
                made.end()

        def first(model):
            model._pool.idle.pop()
            model.predict('word_1')

        def close(model):
            model.stream()
            kept = model.stream()
            model.close()
            del kept
        path = os.path.join(self.folder(), 'saved.safetensors')
        calls = [lambda model: model.predict('word_1'), first, stream, close,
                 lambda model: model.predict_batch(['word_1']),
                 lambda model: model.explain('word_1'), lambda model: model.tokenize('word_1'),
                 lambda model: model.session_info, lambda model: model.save(path),
                 lambda model: model.quantize()]
        with mock.patch.object(sys, 'unraisablehook', lambda _: None):
            for call in calls:
                self.assertTrue(self.interrupt(call, 0))
                number = 1
                while self.interrupt(call, number):
                    number += 1
                self.assertGreater(number, 3)

    def test_close_beside_streams(self):
        """Others go on making streams until it is closed, between any two of its steps."""
        for number in range(20):
            model = sentiment.Model.load(self.tiny_path)
            streams, strange, left = [model.stream() for _ in range(6)], [], number
            for stream in streams[:3]:
                stream.close()

            def make(_frame, event, _argument):
                nonlocal left
                left -= event == 'call' and model.closed
                if left < 0:
                    left = 1000
                    try:
                        strange.append(model.stream())
                    except sentiment.ClosedError:
                        pass
            try:
                sys.setprofile(make)
                model.close()
            finally:
                sys.setprofile(None)
            self.assertEqual((strange, model._pool.seats), ([], {}))

    def test_memory(self):
        """Opening and closing does not grow the process."""
        if 'asan' in os.environ.get('LD_PRELOAD', ''):
            self.skipTest('the sanitizer keeps what is freed')

        def resident():
            with open('/proc/self/statm', encoding='ascii') as file:
                return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

        def churn(count):
            for _ in range(count):
                with sentiment.Model.load(self.tiny_path) as model:
                    model.predict('word_1')
                    model.stream().feed('word_1')
                sentiment.Model.load(self.tiny_path).predict('word_1')
        churn(30)
        before = resident()
        churn(300)
        self.assertLess(resident() - before, 8 << 20)


class ForkTest(support.Case):
    """Children of fork()."""

    def test_one_thread(self):
        """A model works on in a child."""
        model = self.load()
        wanted = model.predict('not good')
        with model.stream() as stream:
            stream.feed('not ')

            def child():
                stream.feed('good')
                assert stream.end() == wanted
                assert model.predict('not good') == wanted
                assert model.predict_batch(['not good'] * 3)[2] == wanted
                model.close()
                return model.closed
            self.assertEqual(in_child(child), 'True')
            self.assertEqual(model.predict('not good'), wanted)

    def test_many_threads(self):
        """Sessions with threads are made anew; a stream on one says what it is."""
        model = self.load(threads=2)
        wanted = model.predict('not good')
        stream = model.stream()

        def child():
            assert model.predict('not good') == wanted
            assert len(model.predict_batch(['not good'] * 100)) == 100
            try:
                stream.feed('good')
            except sentiment.ForkedError as problem:
                assert problem.code == sentiment.Status.FORKED
                stream.close()
                model.close()
                return 'forked'
        self.assertEqual(in_child(child), "'forked'")
        self.assertEqual(model.predict('not good'), wanted)

    def test_closed_streams(self):
        """A stream of a session with threads is closed: its session is not used again."""
        model = self.load(threads=2)
        wanted = model.predict('not good')
        stream = model.stream()

        def child():
            stream.close()
            answers = [model.predict('not good') == wanted for _ in range(3)]
            model.close()
            return answers
        self.assertEqual(in_child(child), '[True, True, True]')

    def test_streams_in_use(self):
        """Another thread is inside a stream, or closing it: that does not stop a child."""
        for threads in (1, 2):
            model = self.load(threads=threads)
            wanted = model.predict('not good')
            used, closing = model.stream(), model.stream()
            closing.close()
            inside, done = threading.Barrier(3), threading.Event()

            def wait():
                inside.wait()
                done.wait()
            workers = [threading.Thread(target=used._alone, args=(wait,)),
                       threading.Thread(target=closing._alone, args=(wait,))]
            for worker in workers:
                worker.start()
            inside.wait()

            def child():
                assert used.closed
                used.close()
                answers = [model.predict('not good') == wanted for _ in range(3)]
                model.close()
                return answers
            self.assertEqual(in_child(child), '[True, True, True]')
            done.set()
            for worker in workers:
                worker.join()
            used.feed('not good')
            self.assertEqual(used.end(), wanted)

    @unittest.skipIf('libasan' in os.environ.get('LD_PRELOAD', ''),
                     'the allocator of ASan may be locked by a thread that fork() leaves behind')
    def test_calls_in_flight(self):
        """What other threads are doing in the parent does not stop a child."""
        model, tiny = self.load(threads=2), self.tiny()
        stop = threading.Event()

        def work():
            with model.stream() as stream:
                while not stop.is_set():
                    model.predict_batch(['not good at all'] * 50)
                    stream.feed('not good at all ')
                    with sentiment.Model.load(tiny) as other:
                        other.predict('word_1')
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                def child():
                    label = model.predict('not good').label
                    with sentiment.Model.load(tiny) as other:
                        other.predict('word_1')
                    model.close()
                    gc.collect()
                    return label
                self.assertEqual(in_child(child), "'negative'")
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_multiprocessing(self):
        """Its workers, forked and spawned."""
        ask_child.model = self.load(threads=2)
        context = multiprocessing.get_context('fork')
        queue = context.Queue()
        worker = context.Process(target=ask_child, args=('positive', queue))
        worker.start()
        self.assertTrue(queue.get(timeout=60))
        worker.join()


class AsyncTest(support.Case):
    """asyncio, and pools of threads."""

    def test_to_thread(self):
        """Calls run beside the loop, several at once."""
        model = self.load()
        wanted = [model.predict(text) for text in support.TEXTS]

        async def ask():
            return await asyncio.gather(*(asyncio.to_thread(model.predict, text)
                                          for text in support.TEXTS))
        self.assertEqual(asyncio.run(ask()), wanted)

    def test_gil(self):
        """Others run while the library works."""
        model, ticks, stop = self.load(), [0], threading.Event()

        def tick():
            while not stop.is_set():
                ticks[0] += 1
                time.sleep(0.001)
        thread = threading.Thread(target=tick)
        thread.start()
        model.predict_batch(['not good at all, I am afraid'] * 5000)
        stop.set()
        thread.join()
        self.assertGreater(ticks[0], 5)

    def test_executor(self):
        """One session for each call at a time, no more."""
        model = self.load()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            labels = list(pool.map(lambda _: model.predict('good').label, range(400)))
        self.assertEqual(labels, ['positive'] * 400)
        self.assertLessEqual(len(model._pool.seats), 4)


if __name__ == '__main__':
    unittest.main()
