# SPDX-License-Identifier: Apache-2.0
"""check_alerts.py ROOT [PROMTOOL]: alert rules and dashboard are about metrics that there
are.

Every name in deploy/prometheus/alerts.yml and deploy/grafana/dashboard.json is one that
the server writes, and where promtool is there (Debian package prometheus) the rules and
their tests pass.
"""
import pathlib
import re
import subprocess
import sys

NAME = re.compile(r'\b(?:nlp|process)_\w+')
SUFFIX = re.compile(r'_(?:bucket|sum|count)$')


def check_names(root, rules):
    """Names in the rules without a source that writes them."""
    sources = ''.join((root / 'tools/serve' / name).read_text()
                      for name in ('metrics_write.c', 'metrics_process.c'))
    written = set(re.findall(r'"((?:nlp|process)_\w+)', sources))
    assert len(written) > 30, written
    # In descriptions a name may stand for a whole family of them.
    used = {SUFFIX.sub('', name) for name in NAME.findall(rules.read_text())}
    assert len(used) > 10, used
    return sorted(used - written)


def main(root, promtool=None):
    """The exit status."""
    root = pathlib.Path(root)
    rules = root / 'deploy/prometheus/alerts.yml'
    unknown = check_names(root, rules) + check_names(root, root / 'deploy/grafana/dashboard.json')
    if unknown:
        print('no such metrics:', ', '.join(unknown))
        return 1
    if not promtool:
        print('skipped the rules themselves: no promtool here (Debian package prometheus)')
        return 0
    subprocess.run([promtool, 'check', 'rules', rules], check=True)
    subprocess.run([promtool, 'test', 'rules', rules.with_name('alerts_test.yml')], check=True)
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
