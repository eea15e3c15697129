#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures one thread at the deployment guide's sizes (vocabulary 10000,
# embedding 128, hidden 256, 3 classes), native and torch in turns within one
# process, medians: compare.sh BUILD-FOLDER. Then a whole process with the
# bundled model on each engine: wall time (median of 11) and peak memory.
set -eu
build=$1
model=$build/bench-model.safetensors
"$build/sentiment" create --vocab-size 10000 --embedding-dim 128 --hidden-size 256 \
    --num-classes 3 --seed 1 "$model" >/dev/null
engines=native,torch
if [ ! -e "$build/libsentiment-torch.so" ]; then
    echo "bench: no libsentiment-torch.so in $build, native only" >&2
    engines=native
fi
for shape in '--batch 1 --length 50' '--batch 32 --length 50' '--batch 128 --length 50' \
    '--words 20 --pad 512'; do
    # shellcheck disable=SC2086 # a list of words
    "$build/sentiment" bench --model "$model" --engine "$engines" --threads 1 $shape
done
python3 "$(dirname "$0")/process.py" "$build/sentiment" "$engines"
