/* SPDX-License-Identifier: Apache-2.0
 *
 * The guide's folder: model.pth, tokenizer.pkl and config.json side by side. */
#ifndef SN_FORMATS_FOLDER_H
#define SN_FORMATS_FOLDER_H

#include "formats/bundle.h"

/* Size limits of the files: a hostile one must not fill the memory. */
#define SN_MODEL_LIMIT ((uint64_t)1 << 40)
#define SN_TOKENIZER_LIMIT ((uint64_t)1 << 30)
#define SN_CONFIG_LIMIT ((uint64_t)1 << 24)

/* Reads the folder. Messages begin with the path of the file they speak of. */
sentiment_status sn_folder_read(const char *folder, const sn_read_options *options,
                                sn_bundle *bundle, sentiment_error *error);
/* Reads what stands beside a file with weights: config.json, and tokenizer.json or
 * else tokenizer.pkl. Fills config, tokenizer_json or words of `bundle`; what is
 * missing is named. */
sentiment_status sn_folder_read_companions(const char *folder, sn_bundle *bundle,
                                           sentiment_error *error);
/* The same for a file whose weights say all sizes: config.json may be missing. `path` is
 * that of the file. */
sentiment_status sn_folder_read_tokenizer(const char *path, sn_bundle *bundle,
                                          sentiment_error *error);
/* The folder of a path, "." where it has none; NULL if memory ran out. */
char *sn_folder_of(const sn_memory *memory, const char *path);
/* Reads the weights in `bytes` (of the file `path`, taken over on success)
 * with the two other files from beside `path`. */
sentiment_status sn_folder_read_beside(sn_bytes *bytes, const char *path,
                                       const sn_read_options *options, sn_bundle *bundle,
                                       sentiment_error *error);

#endif
