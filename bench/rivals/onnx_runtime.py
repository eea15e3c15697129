# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as a rival: onnx_runtime.py MODEL.onnx THREADS, on the file that
`sentiment convert` makes. Speaks the protocol of worker.h."""
import sys

import onnxruntime

import worker


def main():
    """Runs the model with all graph optimizations, as its documentation advises."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[2])
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(sys.argv[1], options,
                                           providers=['CPUExecutionProvider'])
    worker.serve(lambda ids: session.run(['output'], {'input': ids})[0])


main()
