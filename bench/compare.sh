#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures one thread at the deployment guide's sizes, native against torch
# where the plugin is there: bench.sh BUILD-FOLDER. Writes only beside the build.
set -eu
build=$1
model=$build/bench-model.safetensors
"$build/sentiment" create --vocab-size 10000 --embedding-dim 128 --hidden-size 256 \
    --num-classes 3 --seed 1 "$model" >/dev/null
for engine in native torch; do
    if [ "$engine" = torch ] && [ ! -e "$build/libsentiment-torch.so" ]; then
        echo "bench: no libsentiment-torch.so in $build, native only" >&2
        continue
    fi
    for batch in 1 128; do
        "$build/sentiment" bench --model "$model" --engine "$engine" --threads 1 \
            --batch "$batch" --length 50
    done
done
