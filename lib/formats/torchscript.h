/* SPDX-License-Identifier: Apache-2.0
 *
 * TorchScript archives: what torch.jit.save writes of a scripted, traced or
 * frozen module. The program in them is never parsed, let alone run: its text
 * is checked for damage and passed over. Only the module's tensors are read. */
#ifndef SN_FORMATS_TORCHSCRIPT_H
#define SN_FORMATS_TORCHSCRIPT_H

#include "formats/bundle.h"

/* Whether the bytes are an archive with the mark of TorchScript, constants.pkl. */
_Bool sn_torchscript_probe(const uint8_t *data, size_t size);

/* Reads the archive in `bytes`. bundle->memory is set by the caller. Takes
 * `bytes` over into bundle->script and fills format, and either tensors and
 * names or `foreign`, on success only. Names are those of the module's
 * attributes, such as "lstm.weight_ih_l0", without a prefix that all share;
 * a frozen module's tensors, which have no names, get those of the guide's
 * classifier if their order and shapes are that of it. */
sentiment_status sn_torchscript_read(sn_bytes *bytes, const sn_read_options *options,
                                     sn_bundle *bundle, sentiment_error *error);

#endif
