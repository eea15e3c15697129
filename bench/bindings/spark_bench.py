# SPDX-License-Identifier: Apache-2.0
"""spark_bench.py BUILD TSV [--rows N]: a Spark job on two local workers, beside the command.

Writes N texts of a TSV (column "text") as Parquet, classifies them with sentiment.spark,
and the same texts with `sentiment predict --input` on one core. Compares every answer with
the command's, and rows a second of each core. Run by a Python with pyspark, pyarrow and
pandas; the library is that of BUILD.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from time import perf_counter

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PARTS = 16
WORKERS = 2
# Of the command's rows a second, for each core.
LIMIT = 0.8


def read_texts(path):
    """The texts of a TSV."""
    with open(path, encoding='utf-8', newline='\n') as file:
        column = next(file).rstrip('\n').split('\t').index('text')
        return [line.rstrip('\n').split('\t')[column] for line in file]


def ask_command(build, model, texts, folder):
    """The command's answers, and its seconds a text."""
    path = os.path.join(folder, 'texts')
    with open(path, 'w', encoding='utf-8', newline='\n') as file:
        file.writelines(text + '\n' for text in texts)
    started = perf_counter()
    done = subprocess.run([os.path.join(build, 'sentiment'), 'predict', '--model', model, '--json',
                           '--input', path, '--input-format', 'lines'], check=True,
                          stdout=subprocess.PIPE)
    seconds = perf_counter() - started
    return [json.loads(line) for line in done.stdout.splitlines()], seconds / len(texts)


def write_parquet(texts, rows, folder):
    """The texts over and over, in several files."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    os.mkdir(folder)
    for part in range(PARTS):
        ids = range(part * rows // PARTS, (part + 1) * rows // PARTS)
        pq.write_table(pa.table({'id': pa.array(ids, pa.int32()),
                                 'text': [texts[i % len(texts)] for i in ids]}),
                       os.path.join(folder, '%02d.parquet' % part))


def run_spark(model, source, target):
    """Seconds of the job, once the workers are there."""
    from pyspark.sql import SparkSession

    import sentiment.spark
    spark = SparkSession.builder.master('local[%d]' % WORKERS).config(map={
        'spark.ui.enabled': 'false', 'spark.ui.showConsoleProgress': 'false'}).getOrCreate()
    spark.sparkContext.setLogLevel('ERROR')
    table = spark.read.parquet(source)
    sentiment.spark.predict(table.limit(1000), model).collect()
    started = perf_counter()
    sentiment.spark.predict(table, model, keep=['id'],
                            outputs=['prediction', 'probabilities']).write.parquet(target)
    seconds = perf_counter() - started
    spark.stop()
    return seconds


def compare(target, answers, rows):
    """How many rows differ from the command's answers."""
    import numpy as np
    import pyarrow.parquet as pq
    table = pq.read_table(target).sort_by('id')
    assert table['id'].to_pylist() == list(range(rows)), 'rows are missing'
    wanted = np.array([each['probabilities'] for each in answers], dtype=np.float32)
    found = table['probabilities'].combine_chunks().flatten().to_numpy().reshape(rows, -1)
    chosen = np.arange(rows) % len(answers)
    labels = np.array([each['prediction'] for each in answers])[chosen]
    return int(((found != wanted[chosen]).any(axis=1)
                | (table['prediction'].to_numpy() != labels)).sum())


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('build')
    parser.add_argument('texts')
    parser.add_argument('--rows', type=int, default=1000000)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    model = os.path.join(build, 'models', 'sentiment-en.safetensors')
    package = os.path.join(ROOT, 'bindings', 'python')
    os.environ.update(PYSPARK_PYTHON=sys.executable, PYTHONPATH=package, SENTIMENT_MODEL='',
                      SENTIMENT_LIBRARY=os.path.join(build, 'libsentiment.so.0'))
    sys.path.insert(0, package)
    texts = read_texts(options.texts)
    with tempfile.TemporaryDirectory() as folder:
        answers, before = ask_command(build, model, texts, folder)
        source, target = os.path.join(folder, 'in'), os.path.join(folder, 'out')
        write_parquet(texts, options.rows, source)
        spark = run_spark(model, source, target) / options.rows * WORKERS
        command = (before + ask_command(build, model, texts, folder)[1]) / 2
        wrong = compare(target, answers, options.rows)
    print('%d rows, %d differ; rows a second and core: command %.0f, Spark %.0f (%.0f%%)' % (
        options.rows, wrong, 1 / command, 1 / spark, 100 * command / spark))
    return 1 if wrong or command / spark < LIMIT else 0


if __name__ == '__main__':
    sys.exit(main())
