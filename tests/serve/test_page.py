# SPDX-License-Identifier: Apache-2.0
"""The page at /: in a browser without a window, where there is one."""
import base64
import hashlib
import html
import re
import shutil
import subprocess
import urllib.parse

import serving

BROWSER = shutil.which('chromium')
SENTENCE = 'I love this \u00e4 phone, but it is terrible.'


class Page(serving.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bundled = cls.start('--model', serving.BUNDLED, '--log-level', 'off')

    def document(self):
        answer = self.server.get('/')
        self.assertEqual((answer.status, answer.type), (200, 'text/html; charset=utf-8'))
        return answer

    def test_policy(self):
        """Nothing but its own style, script and server, by what the browser enforces."""
        answer = self.document()
        policy = answer.fields['Content-Security-Policy']
        for element in ('style', 'script'):
            content, = re.findall(rb'<%s>(.*?)</%s>' % (element.encode(), element.encode()),
                                  answer.body, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            self.assertIn(f"{element}-src 'sha256-{digest}'", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn('unsafe', policy)
        for attribute in re.findall(rb'\b(?:src|href|action)=', answer.body):
            self.fail(attribute)
        self.assertNotIn(b'//', re.sub(rb'<!--.*?-->', b'', answer.body))

    def test_names(self):
        """What can be used has a name, what changes is announced, and the language is told."""
        body = self.document().body.decode()
        self.assertIn('<html lang="en">', body)
        for control in re.findall(r'<(?:textarea|input) id="(\w+)"', body):
            self.assertIn(f'<label for="{control}">', body)
        self.assertIn('role="status" aria-live="polite"', body)
        self.assertNotIn('tabindex', body)

    def browse(self, server, text, *options):
        with serving.tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [BROWSER, '--headless', '--no-sandbox', '--disable-gpu',
                 '--user-data-dir=' + folder, '--virtual-time-budget=5000', *options, '--dump-dom',
                 f'http://{server.host}:{server.port}/?text=' + urllib.parse.quote(text)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=serving.PATIENCE,
                check=False)
        self.assertEqual(done.returncode, 0)
        return done.stdout.decode()

    @serving.unittest.skipUnless(BROWSER, 'no chromium here')
    def test_answer(self):
        page = self.browse(self.bundled, SENTENCE)
        wanted = self.bundled.post('/explain', {'text': SENTENCE}).json()
        verdict = re.search(r'<p id="verdict">(.*?)</p>', page).group(1)
        self.assertEqual(verdict, f'{wanted["label"]}, {wanted["confidence"] * 100:.1f}% sure')
        words = re.search(r'<p id="words"[^>]*>(.*?)</p>', page, re.DOTALL).group(1)
        marks = re.findall(r'<mark class="(for|against)" [^>]*>(.*?)</mark>', words)
        self.assertEqual([html.unescape(word) for _, word in marks],
                         [part['token'] if part['token'] != 'i' else 'I'
                          for part in wanted['contributions']])
        chosen = wanted['prediction']
        for (kind, _), part in zip(marks, wanted['contributions']):
            added = part['logits'][chosen] - sum(part['logits']) / len(part['logits'])
            self.assertEqual(kind, 'against' if added < 0 else 'for')
        self.assertEqual(html.unescape(re.sub(r'<[^>]*>', '', words)), SENTENCE)
        rows = re.search(r'<tbody>(.*?)</tbody>', page, re.DOTALL).group(1)
        self.assertEqual(rows.count('<tr>'), len(marks))
        self.assertEqual(page.count('class="bar"'), 3)
        self.assertIn('Texts answered', page)

    @serving.unittest.skipUnless(BROWSER, 'no chromium here')
    def test_hostile_text(self):
        """A text is text, whatever it looks like."""
        text = '<script>document.title="bad"</script><img src=x onerror=alert(1)>'
        page = self.browse(self.bundled, text)
        self.assertIn('<title>Sentiment</title>', page)
        self.assertNotIn('<img', page)

    @serving.unittest.skipUnless(BROWSER, 'no chromium here')
    def test_key(self):
        """Where a key is needed, the page asks for it."""
        digest = hashlib.sha256(b'k' * 20).hexdigest()
        keys = self.write('keys', f'anna:{digest}\n')
        with serving.Server('--model', self.model, '--api-keys', keys) as server:
            server.wait_until_ready()
            page = self.browse(server, 'word_1')
            self.assertIn('<div id="access">', page)
            self.assertIn('an API key is needed', page)


if __name__ == '__main__':
    serving.main()
