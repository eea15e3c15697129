# SPDX-License-Identifier: Apache-2.0
"""embed.py NAME VERSION SOURCE TARGET: a file as an array of C.

@VERSION@ in the source becomes the version of the library. JSON loses its
blanks. The target defines `const char NAME[]` and `const size_t NAME_size`; for
HTML also `const char NAME_policy[]`, a Content-Security-Policy that allows the
page's own style and script by their digests, and requests to its own server.
"""
import base64
import hashlib
import json
import re
import sys


def policy(text):
    """The policy of a page with one style and one script."""
    allowed = {}
    for element in ('style', 'script'):
        content, = re.findall(f'<{element}>(.*?)</{element}>', text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        allowed[element] = f"{element}-src 'sha256-{digest}'"
    return (f"default-src 'none'; {allowed['script']}; {allowed['style']}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


def main(name, version, source, target):
    """Writes the target."""
    with open(source, encoding='utf-8') as file:
        text = file.read().replace('@VERSION@', version)
    if source.endswith('.json'):
        text = json.dumps(json.loads(text), ensure_ascii=True, separators=(',', ':'))
    data = text.encode()
    rows = [','.join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    with open(target, 'w', encoding='ascii') as file:
        file.write(f'/* Written by tools/serve/embed.py from {source.rsplit("/", 1)[-1]}. */\n'
                   f'#include "documents.h"\n'
                   f'const char {name}[] = {{\n' + ',\n'.join(rows) + '};\n'
                   f'const size_t {name}_size = sizeof {name};\n')
        if source.endswith('.html'):
            file.write(f'const char {name}_policy[] = "{policy(text)}";\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
