# SPDX-License-Identifier: Apache-2.0
"""count.py TESTLOG: prints "PASSED FAILED NAMES" of one meson test log.

The names are those of the tests that failed. Skipped tests count as neither. A
log that is not there has no tests.
"""
import json
import sys

PASSED = ('OK', 'EXPECTEDFAIL')


def main(path):
    """Counts the results in the log, one JSON object a line."""
    passed = 0
    failed = []
    try:
        with open(path, encoding='utf-8') as stream:
            for line in stream:
                test = json.loads(line)
                result = test['result']
                if result in PASSED:
                    passed += 1
                elif result != 'SKIP':
                    failed.append(test['name'])
    except FileNotFoundError:
        pass
    print(passed, len(failed), ', '.join(failed))


if __name__ == '__main__':
    main(sys.argv[1])
