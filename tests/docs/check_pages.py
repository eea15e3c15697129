# SPDX-License-Identifier: Apache-2.0
"""check_pages.py ROOT: pages that speak of the rest of the tree leave nothing out.

docs/operations.md has a section for each alert of Prometheus, with all its parts, and
figures that stand where it says; docs/security.md points to code and to a test for each
promise; docs/guide-map.md has each heading and each block of code of the guide, in its
order; docs/README.md lists every page. That links lead somewhere is checked by
hygiene/check_documents.py.
"""
import os
import re
import sys

ALERT = re.compile(r'^ *- alert: (\w+)$', re.MULTILINE)
SECTION = re.compile(r'^### (\w+)\n(.*?)(?=^##|\Z)', re.MULTILINE | re.DOTALL)
PARTS = ('**Means**:', '**Do**:', '**Over**:')
LINK = re.compile(r'\]\(([^)\s#]+)')
# Figures of docs/operations.md that were measured: with a unit of speed.
FIGURE = re.compile(r'\d[\d,.]*(?= (?:and [\d,.]+ )?(?:texts/s|requests/s|ms|us))')
# The guide's headings, in their order, and the languages of the blocks of code below them.
GUIDE = '''
Introduction | Deployment Challenges | Model Serialization | PyTorch Model Serialization | Python: |
ONNX Export | Python: | API Development | FastAPI Implementation | Python: |
Flask Implementation | Python: | Docker Containerization | Dockerfile | Dockerfile: |
Requirements.txt | Text: | Docker Compose | YAML: | Nginx Configuration | nginx: |
Cloud Deployment | AWS Lambda with API Gateway | Python: |
Google Cloud Run | Python: | Dockerfile: |
Performance Optimization | Model Optimization | Python: | Batch Processing | Python: |
Monitoring and Logging | Structured Logging | Python: | Prometheus Metrics | Python: |
Best Practices | 1. Model Management | 2. Performance Optimization | 3. Scalability | 4. Security |
5. Monitoring | 6. Testing | Conclusion'''


def read(root, *path):
    """The text of a file."""
    with open(os.path.join(root, *path), encoding='utf-8') as stream:
        return stream.read()


def rows(text):
    """The cells of each row of the tables of a page, but for their heads."""
    lines = text.split('\n')
    for before, line in zip(['', *lines], lines):
        if line.startswith('|') and not line.startswith('|---') and before.startswith('|'):
            yield [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]


def check_alerts(root):
    """Alerts without a section, or with half of one."""
    page = read(root, 'docs', 'operations.md')
    sections = dict(SECTION.findall(page))
    alerts = ALERT.findall(read(root, 'deploy', 'prometheus', 'alerts.yml'))
    yield from ('docs/operations.md: no section for the alert ' + alert
                for alert in alerts if alert not in sections)
    yield from ('docs/operations.md: a section for no alert: ' + name
                for name in sections if name not in alerts)
    for name, text in sections.items():
        missing = [part for part in (*PARTS, '```promql') if part not in text]
        if missing:
            yield 'docs/operations.md: %s: no %s' % (name, ' and no '.join(missing))
    yield from [] if len(alerts) > 10 else ['alerts.yml: only %d alerts' % len(alerts)]


def check_figures(root):
    """Figures of the table of sizes that stand nowhere else."""
    page = read(root, 'docs', 'operations.md')
    sizing = page[page.index('\n## Sizing\n'):page.index('\n## Objectives\n')]
    measured = read(root, 'docs', 'benchmarks.md') + read(root, 'docs', 'serving.md') + (
        read(root, 'README.md'))
    table = [row for row in rows(sizing) if LINK.search(row[-1]) or row[-1] == 'the same']
    figures = [figure for row in table for figure in FIGURE.findall(row[1])]
    yield from ('docs/operations.md: %s is measured nowhere' % figure for figure in figures
                if not re.search(r'(?<![\d.,])%s' % re.escape(figure), measured))
    yield from [] if len(figures) >= 8 else ['docs/operations.md: only %d figures' % len(figures)]


def check_promises(root):
    """Rows of docs/security.md without a link to code or to a test."""
    found = 0
    for row in rows(read(root, 'docs', 'security.md')):
        if len(row) != 3:
            continue
        found += 1
        code, test = LINK.findall(row[1]), LINK.findall(row[2])
        if not code or not all(os.path.exists(os.path.join(root, 'docs', path)) for path in code):
            yield 'docs/security.md: no code behind: ' + row[0]
        if not any(path.startswith(('../tests/', '../.ci/', '../bindings/')) for path in test):
            yield 'docs/security.md: no test behind: ' + row[0]
    yield from [] if found > 20 else ['docs/security.md: only %d promises' % found]


def check_map(root):
    """Where docs/guide-map.md and the guide part ways."""
    wanted, found = [part.strip() for part in GUIDE.split('|')], []
    for row in rows(read(root, 'docs', 'guide-map.md')):
        heading = re.match(r'\*\*(.*)\*\*$', row[0])
        language = re.match(r'(Python|Dockerfile|Text|YAML|nginx):', row[0])
        if heading or language:
            found.append(heading[1] if heading else language[0])
        if not heading and not LINK.search(row[1]):
            yield 'docs/guide-map.md: leads nowhere: ' + row[0]
    if found != wanted:
        place = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b),
                     min(len(found), len(wanted)))
        yield 'docs/guide-map.md: after %s: %s, the guide has %s' % (
            found[:place][-1:], found[place:place + 1], wanted[place:place + 1])


def check_index(root):
    """Pages that docs/README.md does not list."""
    listed = set(LINK.findall(read(root, 'docs', 'README.md')))
    for name in sorted(os.listdir(os.path.join(root, 'docs'))):
        if name.endswith('.md') and name != 'README.md' and name not in listed:
            yield 'docs/README.md: does not list ' + name


def main(root):
    """Prints the problems; the exit status."""
    problems = [problem for check in (check_alerts, check_figures, check_promises, check_map,
                                      check_index) for problem in check(root)]
    print('\n'.join(problems) or 'nothing is missing')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
