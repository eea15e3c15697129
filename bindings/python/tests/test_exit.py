# SPDX-License-Identifier: Apache-2.0
"""The interpreter's end, with models that are open and calls that are under way."""
import unittest

import support


class ExitTest(support.Case):
    """The end of the interpreter."""

    def run_script(self, code):
        """Runs a program to its end; it must be a clean one."""
        status, out, err = support.script(code.replace('MODEL', repr(support.BUNDLED)))
        self.assertEqual((status, err), (0, ''))
        return out.strip()

    def test_open_model(self):
        """A model and a stream that nobody closed."""
        self.assertEqual(self.run_script(
            'import sentiment\n'
            'model = sentiment.Model.load(MODEL, threads=2)\n'
            'stream = model.stream()\n'
            'stream.feed("good")\n'
            'print(model.predict("good").label)'), 'positive')

    def test_daemon_threads(self):
        """Threads that are inside calls when the interpreter goes."""
        for _ in range(3):
            self.assertEqual(self.run_script(
                'import sentiment, threading, time\n'
                'model = sentiment.Model.load(MODEL)\n'
                'texts = ["not good at all"] * 20\n'
                'def work():\n'
                '    while True:\n'
                '        model.predict_batch(texts); model.predict("good")\n'
                '        with model.stream() as stream: stream.feed("bad"); stream.end()\n'
                'for _ in range(4): threading.Thread(target=work, daemon=True).start()\n'
                'time.sleep(0.3)\n'
                'print("done")'), 'done')

    def test_atexit(self):
        """Calls and closing in exit handlers."""
        self.assertEqual(self.run_script(
            'import atexit, sentiment\n'
            'model = sentiment.Model.load(MODEL)\n'
            'atexit.register(model.close)\n'
            'atexit.register(lambda: print(model.predict("good").label))'), 'positive')

    def test_del_at_exit(self):
        """An object whose end calls the model."""
        self.run_script(
            'import sentiment\n'
            'class Late:\n'
            '    model = sentiment.Model.load(MODEL)\n'
            '    def __del__(self): self.model.predict("good")\n'
            'late = Late()')


if __name__ == '__main__':
    unittest.main()
