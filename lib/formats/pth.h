/* SPDX-License-Identifier: Apache-2.0
 *
 * model.pth: the state dict that torch.save writes, as a zip (PyTorch 1.6 and
 * later) or in the layout before it. Nothing in the file is executed. TorchScript
 * archives, quantized modules and the tar layout are refused by name. */
#ifndef SN_FORMATS_PTH_H
#define SN_FORMATS_PTH_H

#include "base/buffer.h"
#include "formats/bundle.h"

/* Reads the state dict in `bytes`. bundle->memory is set by the caller. Takes
 * `bytes` over into bundle->file, and fills tensors, names and format, on
 * success only. Keys stay as they are. */
sentiment_status sn_pth_read(sn_bytes *bytes, const sn_read_options *options, sn_bundle *bundle,
                             sentiment_error *error);

/* Writes a file that plain torch.load opens into the empty buffer `out`: an
 * OrderedDict of contiguous float32 tensors. out->memory is set. On failure
 * `out` holds a part, to be freed. */
sentiment_status sn_pth_write(const sn_tensor *tensors, size_t count, const sn_memory *memory,
                              sn_buffer *out, sentiment_error *error);

#endif
