#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Classifies real sentences with the bundled model: demo.sh BUILD-FOLDER. The
# first five are those of the deployment guide, the others turn on a negation.
set -eu
"$1/sentiment" predict \
    "I love this product!" \
    "This is terrible." \
    "It's okay, nothing special." \
    "Amazing experience!" \
    "Disappointed with the quality." \
    "The film was good." \
    "The film was not good." \
    "Not bad at all, I would buy it again." \
    "I can't recommend this to anyone." \
    "The parcel arrived on Tuesday."
