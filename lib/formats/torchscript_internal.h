/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the TorchScript reader share: the archive's two pickles,
 * and the list of tensors that comes out. */
#ifndef SN_FORMATS_TORCHSCRIPT_INTERNAL_H
#define SN_FORMATS_TORCHSCRIPT_INTERNAL_H

#include "formats/pth_internal.h"
#include "formats/torchscript.h"

/* Longest dotted name of a tensor. */
#define SN_SCRIPT_MAX_NAME 512
/* Attributes of a module and its submodules, those met twice counted twice. */
#define SN_SCRIPT_MAX_ATTRIBUTES (1u << 20)
/* More tensors than any classifier has: 64 layers of both directions have 515. */
#define SN_SCRIPT_MAX_TENSORS 1024

typedef struct sn_script {
    sn_pth state;     /* data.pkl: the module and its attributes */
    sn_pth constants; /* constants.pkl: a tuple */
    /* Static: why this is not the classifier; NULL so far. */
    const char *foreign;
} sn_script;

/* What a value of a pickle is to us. */
typedef enum sn_script_kind {
    SN_SCRIPT_OTHER,
    SN_SCRIPT_MODULE,  /* an object with attributes */
    SN_SCRIPT_TENSOR,  /* one that sn_pth_read_tensor can read */
    SN_SCRIPT_FOREIGN  /* a tensor or an object of a sort that the classifier has not */
} sn_script_kind;

sn_script_kind sn_script_kind_of(const sn_pth *pth, sn_pickle_id id);

/* The module's tensors under their dotted names (torchscript_state.c). Sets
 * `foreign` and makes nothing where they cannot be the classifier's; makes
 * nothing where there is none. */
sentiment_status sn_script_read_state(sn_script *script, sn_bundle *bundle);
/* The tensors of constants.pkl under the classifier's names
 * (torchscript_frozen.c), or `foreign`. */
sentiment_status sn_script_read_frozen(sn_script *script, sn_bundle *bundle);

#endif
