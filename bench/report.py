# SPDX-License-Identifier: Apache-2.0
"""benchmarks.md and its pictures, from what bench.py measured. Every line of
the page is written here, so that it cannot tell anything but the last run."""
import os
import sys

import files
import machine

# Operations of the recurrent product of one token.
RECURRENT = 2 * 4 * files.HIDDEN * files.HIDDEN
# Which peak of peak.c a kernel is held against, by instruction set and int8.
PEAKS = {('avx2', 0): 'fma_avx2', ('avx2', 1): 'int8_avxvnni', ('avx512', 0): 'fma_avx512',
         ('avx512', 1): 'int8_avx512vnni'}
PEAK_NAMES = {'fma_avx2': 'fused multiply-adds, AVX2', 'fma_avx512': 'fused multiply-adds, AVX-512',
              'int8_avxvnni': 'int8 dot products, AVX-VNNI',
              'int8_avx512vnni': 'int8 dot products, AVX-512 VNNI'}
NOTES = {
    'native unsettled': '`native unsettled` runs every step of the padding.',
    "guide's function": "`guide's function` is the deployment guide's service function in Python "
                        'on libtorch: a text is split, looked up, padded to 512, run, and its '
                        'answer made into Python floats; a batch is a loop.',
    'oneDNN int8': 'oneDNN int8 has one scale for embeddings and hidden state: its answers are '
                   'rougher, only its speed counts here.',
}


class Findings:
    """What one run of bench.py found."""

    def __init__(self):
        self.tables = []
        self.settled = 0
        self.peaks = self.kernels = self.texts = self.starts = None


def time_text(seconds):
    """Three digits with a unit."""
    for unit, scale in (('s', 1), ('ms', 1e-3)):
        if seconds >= scale:
            return f'{seconds / scale:.3g} {unit}'
    return f'{seconds * 1e6:.3g} us'


def case_text(case):
    """How a case is called."""
    padded = f' ({case.words} words)' if case.words < case.length else ''
    return f'{case.batch} x {case.length}{padded}'


def rows_of(head, rows):
    """A Markdown table, line by line."""
    yield '| ' + ' | '.join(head) + ' |'
    yield '|' + '---|' * len(head)
    for row in rows:
        yield '| ' + ' | '.join(row) + ' |'
    yield ''


def ratio_cell(rival, case, base):
    """Time, ratio to native fp32, spread."""
    ratio = rival.median(case) / base.median(case)
    times = '' if rival is base else f' ({ratio:.2f}x)'
    return f'{time_text(rival.median(case))}{times} ±{rival.spread(case):.0%}'


def tables(found):
    """A section for each table."""
    for table, running in found.tables:
        yield f'## {table.title}'
        yield ''
        yield from (NOTES[rival.name] for rival in running if rival.name in NOTES)
        if table.avx2:
            yield ('AVX-512 masked: `SENTIMENT_ISA`, oneDNN and libtorch by their variables. ONNX '
                   'Runtime has no such switch and keeps AVX-512.')
        if found.settled and 'native unsettled' in table.names:
            yield f'The settled tail changes a logit by at most {found.settled:.1g}.'
        yield ''
        yield from rows_of(['batch x length'] + [rival.name for rival in running],
                           ([case_text(case)] + [ratio_cell(rival, case, running[0])
                                                 for rival in running] for case in table.cases))


def roofline(found):
    """The measured peaks, and which share of them the kernels reach."""
    if not found.peaks or not found.kernels:
        return
    yield '## Roofline'
    yield ''
    yield ('What one core can do at most (`bench/peak.c`), and what the kernels do of it '
           f'(`bench/kernels.c`) at hidden size {files.HIDDEN}: {RECURRENT:,} operations a token. '
           'The recurrent product is '
           'measured alone, and as part of a whole step with the pointwise part, whose time '
           'counts against the product here. One row reads all weights for each token: '
           'the caches are its limit. The input projection is what folding saves for each token '
           'that it has met before.')
    yield ''
    rows = [[name, f'{found.peaks[key] / 1e9:.0f} Gop/s']
            for key, name in PEAK_NAMES.items() if key in found.peaks]
    rows += [[f'reading {int(size) // 1024} KiB over and over', f'{rate / 1e9:.0f} GB/s']
             for size, rate in found.peaks['read_bytes'].items()]
    yield from rows_of(['peak of one core', 'measured'], rows)
    rows = []
    for kernel in found.kernels:
        peak = found.peaks.get(PEAKS.get((kernel['isa'], kernel['int8'])))
        size = RECURRENT / 2 * (1 if kernel['int8'] else 4)
        row = [f'{kernel["isa"]} {"int8" if kernel["int8"] else "fp32"}', str(kernel['rows'])]
        for part in ('product', 'step'):
            rate = RECURRENT / kernel[part]
            if peak and rate > 1.05 * peak:
                sys.exit(f'{row[0]} runs at {rate / peak:.0%} of the peak: peak.c is wrong')
            share = f', {rate / peak:.0%} of the peak' if peak else ''
            row.append(f'{kernel[part] * 1e9:.0f} ns, {rate / 1e9:.0f} Gop/s{share}')
        row.append(f'{size / kernel["rows"] / kernel["step"] / 1e9:.0f} GB/s')
        row.append(f'{kernel["projection"] * 1e9:.0f} ns')
        rows.append(row)
    yield from rows_of(['kernel', 'rows', 'recurrent product, a row', 'whole step, a row',
                        'weights read in a step', 'input projection, a row'], rows)


def whole(found):
    """Texts from end to end, and processes."""
    if found.texts:
        yield f'## {found.texts["count"]:,} texts from end to end'
        yield ''
        yield ('The bundled model. Native: tokenizing and classifying in one call, in the order '
               'of the file. ONNX Runtime: texts tokenized before the clock starts, sorted by '
               'length, padded in batches of 32. fastText: another, far simpler model, trained on '
               "these very texts, the program's start taken off; it marks what a bag of words "
               'costs.')
        yield ''
        base = found.texts['rates']['ONNX Runtime, 1 thread']
        yield from rows_of(['', 'texts per second', 'times ONNX Runtime'],
                           ([name, f'{rate:,.0f}', f'{rate / base:.{2 if rate >= base else 4}f}']
                            for name, rate in found.texts['rates'].items()))
    yield '## From start to first answer'
    yield ''
    yield from rows_of(['a whole process', 'time', 'peak memory'],
                       ([name, time_text(seconds), f'{peak:.0f} MB']
                        for name, (seconds, peak) in found.starts.items()))


def picture(path, table, running):
    """Times over native fp32 as bars, one group a case."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(11, 4.5), layout='constrained')
    width = 0.8 / len(running)
    for i, rival in enumerate(running):
        values = [rival.median(case) / running[0].median(case) for case in table.cases]
        axes.bar([x + i * width for x in range(len(values))], values, width, label=rival.name)
    axes.set_yscale('log')
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xticks([x + 0.4 - width / 2 for x in range(len(table.cases))],
                    [case_text(case) for case in table.cases])
    axes.set_xlabel('batch x length')
    axes.set_ylabel('time, native fp32 = 1 (lower is better)')
    axes.set_title(table.title)
    axes.legend(ncols=3, fontsize='small')
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def write(folder, found):
    """benchmarks.md in `folder`, pictures in its `images`."""
    os.makedirs(os.path.join(folder, 'images'), exist_ok=True)
    lines = ['# Benchmarks', '',
             'Written by `make bench`: one run, the rivals in turns, one network (vocabulary '
             f'{files.VOCABULARY:,}, embedding {files.EMBEDDING}, hidden {files.HIDDEN}, '
             f'{files.CLASSES} classes) with one set of weights, whose logits are compared before '
             'any figure counts. Each cell is the median time of a call, in parentheses how many '
             'times that of native fp32 it is, and half the spread between turns. Where the speed '
             'comes from: [performance.md](performance.md).', '']
    lines += rows_of(['', 'this machine'], ([key, value] for key, value in machine.describe()))
    for number, (table, running) in enumerate(found.tables[:2], 1):
        name = f'images/bench-{number}.png'
        picture(os.path.join(folder, name), table, running)
        lines += [f'![{table.title}: times relative to native fp32]({name})', '']
    for part in (tables, roofline, whole):
        lines += part(found)
    with open(os.path.join(folder, 'benchmarks.md'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(wrap(lines)).rstrip('\n') + '\n')


def wrap(lines):
    """Prose at 100 columns; tables and pictures as they are."""
    import textwrap
    for line in lines:
        if len(line) > 100 and line[0] not in '|!':
            yield from textwrap.wrap(line, 100, break_long_words=False, break_on_hyphens=False)
        else:
            yield line
