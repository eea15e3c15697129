# SPDX-License-Identifier: Apache-2.0
"""Spark, on a real local session with several workers and partitions."""
import os
import sys
import unittest
from unittest import mock

import sentiment

import support

ROWS = 4000


class SparkTest(support.Case):
    """mapInArrow and the pandas UDF: the answers of predict_batch."""

    @classmethod
    def setUpClass(cls):
        support.package('pyspark')
        support.package('pandas')
        from pyspark.sql import SparkSession
        # Workers run the interpreter of the tests, and inherit where the package is.
        with mock.patch.dict(os.environ, PYSPARK_PYTHON=sys.executable):
            cls.spark = SparkSession.builder.master('local[2]').config(map={
                'spark.ui.enabled': 'false', 'spark.driver.host': '127.0.0.1',
                'spark.driver.bindAddress': '127.0.0.1', 'spark.sql.shuffle.partitions': '4',
                'spark.ui.showConsoleProgress': 'false',
                'spark.sql.execution.arrow.maxRecordsPerBatch': '300'}).getOrCreate()
        cls.spark.sparkContext.setLogLevel('OFF')
        cls.addClassCleanup(cls.spark.stop)
        words = ['not', 'good', 'bad', 'great', 'it', 'is', 'a', 'box', 'très', '😀', 'awful']
        cls.texts = [None if i % 97 == 0 else ' '.join(words[(i * k + k) % 11]
                                                       for k in range(i % 13))
                     for i in range(ROWS)]
        rows = list(enumerate(cls.texts))
        cls.table = cls.spark.createDataFrame(rows, 'id int, text string').repartition(6)
        with sentiment.Model.load(support.BUNDLED) as model:
            cls.batch = model.predict_batch(cls.texts)

    def collect(self, table):
        """The rows, in the order of the texts."""
        return sorted(table.collect(), key=lambda row: row.id)

    def test_map(self):
        """Every output, every row, with the columns of the table."""
        from sentiment import spark
        table = spark.predict(self.table, support.BUNDLED, outputs=list(spark.OUTPUTS))
        rows = self.collect(table)
        self.assertEqual(len(rows), ROWS)
        for i, (row, result) in enumerate(zip(rows, self.batch)):
            self.assertEqual((row.id, row.text, row.error), (i, self.texts[i], None))
            if result is None:
                self.assertEqual(set(row[2:]), {None})
                continue
            self.assertEqual(
                (row.prediction, row.label, row.confidence, tuple(row.probabilities),
                 tuple(row.logits), row.tokens, row.unknown, tuple(row.flags)),
                (result.prediction, result.label, result.confidence, result.probabilities,
                 result.logits, result.tokens, result.unknown, result.flags))

    def test_workers(self):
        """More than one process at work, each of which loads the model once."""
        from sentiment import spark
        add = spark.predict_map(support.BUNDLED, keep=[], outputs='label')

        def watched(batches):
            batches = list(batches)
            for batch in add(iter(batches)):
                yield batch
            import pyarrow
            yield pyarrow.record_batch(
                [['%d %d' % (os.getpid(), len(spark._models))]], ['label'])
        rows = self.table.mapInArrow(watched, 'label string').collect()
        told = {row.label for row in rows if row.label and row.label[0].isdigit()}
        self.assertEqual(len(rows), ROWS + 6)
        self.assertGreater(len(told), 1)
        # Other tests of this class had other options.
        self.assertLessEqual({int(each.split()[1]) for each in told}, {1, 2, 3})

    def test_choices(self):
        """Which columns, by what names; a path that the worker tells; options."""
        from sentiment import spark
        path = support.BUNDLED
        add = spark.predict_map(lambda: path, 'text', keep=['id'],
                                outputs=['label', 'tokens'], prefix='s_', max_length=2)
        self.assertEqual(add.schema(self.table).names, ['id', 's_label', 's_tokens'])
        rows = self.collect(self.table.mapInArrow(add, add.schema(self.table)))
        with sentiment.Model.load(path, max_length=2) as model:
            self.assertEqual([row.s_label for row in rows],
                             model.predict_batch(self.texts).labels)

    def test_udf(self):
        """One output, and a struct of several."""
        from sentiment import spark
        table = self.table.select(
            'id', spark.predict_udf(support.BUNDLED)('text').alias('label'),
            spark.predict_udf(support.BUNDLED, ['confidence', 'probabilities', 'flags'])(
                'text').alias('more'))
        for row, result in zip(self.collect(table), self.batch):
            if result is None:
                self.assertEqual((row.label, set(row.more)), (None, {None}))
                continue
            self.assertEqual(
                (row.label, row.more.confidence, tuple(row.more.probabilities),
                 tuple(row.more.flags)),
                (result.label, result.confidence, result.probabilities, result.flags))

    def test_sql(self):
        """The UDF by a name in SQL."""
        from sentiment import spark
        self.spark.udf.register('sentiment', spark.predict_udf(support.BUNDLED))
        self.table.createOrReplaceTempView('reviews')
        counted = self.spark.sql('SELECT sentiment(text) AS label, count(*) AS n FROM reviews '
                                 'GROUP BY 1').collect()
        labels = self.batch.labels
        self.assertEqual({row.label: row.n for row in counted},
                         {label: labels.count(label) for label in set(labels)})

    def test_bytes_that_are_no_utf8(self):
        """Nulls, and the reason."""
        from sentiment import spark
        table = self.spark.createDataFrame([(0, b'good'), (1, b'a\xff')], 'id int, text binary')
        rows = self.collect(spark.predict(table, support.BUNDLED, keep=['id']))
        self.assertEqual((rows[0].label, rows[0].error), ('positive', None))
        self.assertEqual((rows[1].label, rows[1].probabilities, rows[1].error),
                         (None, None, 'invalid UTF-8 at byte 1'))

    def test_wrong(self):
        """Mistakes are found before the job runs; a missing model in it."""
        from sentiment import spark
        for wrong in ({'column': 'review'}, {'outputs': 'sentiment'}, {'outputs': []},
                      {'outputs': ['label', 'label']}):
            with self.assertRaises(ValueError):
                spark.predict(self.table, **wrong)
        twice = self.table.withColumnRenamed('id', 'label')
        with self.assertRaisesRegex(ValueError, 'two columns of one name'):
            spark.predict(twice)
        with self.assertRaisesRegex(Exception, '/nowhere/model'):
            spark.predict(self.table, '/nowhere/model').collect()


if __name__ == '__main__':
    unittest.main()
