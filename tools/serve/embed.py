# SPDX-License-Identifier: Apache-2.0
"""embed.py NAME VERSION SOURCE TARGET: a file as an array of C.

@VERSION@ in the source becomes the version of the library. JSON loses its
blanks. The target defines `const char NAME[]` and `const size_t NAME_size`.
"""
import json
import sys


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


if __name__ == '__main__':
    main(*sys.argv[1:])
