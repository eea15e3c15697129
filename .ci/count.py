# SPDX-License-Identifier: Apache-2.0
"""count.py TESTLOG: prints "PASSED FAILED" of one meson test log.

Skipped tests count as neither. A log that is not there has no tests.
"""
import json
import sys

PASSED = ('OK', 'EXPECTEDFAIL')


def main(path):
    """Counts the results in the log, one JSON object a line."""
    passed = failed = 0
    try:
        with open(path, encoding='utf-8') as stream:
            for line in stream:
                result = json.loads(line)['result']
                if result in PASSED:
                    passed += 1
                elif result != 'SKIP':
                    failed += 1
    except FileNotFoundError:
        pass
    print(passed, failed)


if __name__ == '__main__':
    main(sys.argv[1])
