# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus's own tool reads it, after requests of all kinds. Skipped (77)
where there is no promtool."""
import os
import shutil
import subprocess
import sys

import serving

PROMTOOL = shutil.which('promtool')
# What the rules of alerts and dashboards stand on.
FAMILIES = {
    'nlp_predictions_total': 'counter', 'nlp_model_loaded': 'gauge',
    'nlp_prediction_duration_seconds': 'histogram', 'nlp_prediction_confidence': 'histogram',
    'nlp_http_requests_total': 'counter', 'nlp_request_failures_total': 'counter',
    'nlp_queue_depth': 'gauge', 'nlp_queue_duration_seconds': 'histogram',
    'nlp_tokenize_duration_seconds': 'histogram', 'nlp_compute_duration_seconds': 'histogram',
    'nlp_batch_size': 'histogram', 'nlp_input_tokens': 'histogram',
    'nlp_truncated_total': 'counter', 'nlp_oov_tokens_total': 'counter',
    'nlp_cache_hits_total': 'counter', 'nlp_cache_misses_total': 'counter',
    'nlp_model_info': 'gauge'}


class Promtool(serving.Case):
    arguments = ('--cache', '1000000', '--log-level', 'off')

    def check(self, data):
        return subprocess.run([PROMTOOL, 'check', 'metrics'], input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)

    def traffic(self):
        ask = self.server.post
        for text in ('word_1', 'word_1', 'nothing known \u00e4', 'word_2 ' * 900):
            ask('/predict', {'text': text})
        ask('/predict_batch', {'texts': ['word_3', '', 'word_4']})
        ask('/explain', {'text': 'word_1'})
        ask('/feedback', {'prediction': 1, 'label': 1})
        ask('/v2/models/model/infer', {'inputs': [
            {'name': 'text', 'datatype': 'BYTES', 'shape': [1], 'data': ['word_5']}]})
        for body in (b'{', {'text': 5}, {'text': ''}, {'text': 'a', 'model': '"\n\\'}, b'\xff'):
            ask('/predict', body)
        for path in ('/health', '/nowhere"\\', '/v2/models/x%0ay', '/metrics', '/'):
            self.server.get(path)
        self.server.ask('PATCH', '/predict')

    def test_metrics(self):
        for when in ('before', 'after'):
            data = self.server.get('/metrics').body
            done = self.check(data)
            self.assertEqual((done.returncode, done.stdout), (0, b''), when)
            self.traffic()
        kinds = dict(line.split()[2:4] for line in data.decode().splitlines()
                     if line.startswith('# TYPE '))
        self.assertEqual({name: kinds.get(name) for name in FAMILIES}, FAMILIES)

    def test_tool(self):
        """It would have said something."""
        self.assertNotEqual(self.check(b'a_total 1\na_total 2\n').returncode, 0)
        self.assertNotEqual(self.check(b'# TYPE a counter\na 1\n').stdout, b'')


if __name__ == '__main__':
    if not PROMTOOL or os.environ.get('MESON_EXE_WRAPPER'):
        print('skipped: no promtool here (Debian: prometheus)')
        sys.exit(77)
    serving.main()
