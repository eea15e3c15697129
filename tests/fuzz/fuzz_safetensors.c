/* SPDX-License-Identifier: Apache-2.0
 *
 * The native file, from its bytes to a model that answers. A bundle that was
 * read is written and read again as the same; so is a model, where the switch
 * asks for it (that goes through the file system). */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bundles.h"
#include "formats/formats.h"
#include "formats/safetensors.h"
#include "model/model.h"

/* Switches of an input; with SAVE, also FUZZ_SAVE_ONNX and FUZZ_SAVE_FOLDER. */
enum { MISSING_CRC = 1, DIGEST = 2, SAVE = 4 };

static sn_read_options options_of(const fuzz_run *run)
{
    return (sn_read_options){.allow_missing_crc = (run->flags & MISSING_CRC) != 0,
                             .digest = (run->flags & DIGEST) != 0};
}

static sentiment_status read_bundle(fuzz_run *run, const void *data, size_t size,
                                    sn_bundle *bundle)
{
    const sn_read_options options = options_of(run);
    sn_bytes bytes;
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    *bundle = (sn_bundle){.memory = &run->memory};
    return sn_formats_read_bytes(&bytes, &options, bundle, &run->error);
}

/* Writes into memory: a descriptor without a name. */
static sentiment_status check_rewritten(fuzz_run *run, const sn_bundle *bundle)
{
    char path[] = "memory";
    sn_writer writer = {.memory = &run->memory, .path = path, .open = 1};
    sn_bundle again;
    writer.descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(writer.descriptor >= 0);
    sentiment_status status = sn_safetensors_write(bundle, &writer, NULL, &run->error);
    if (!status) {
        off_t size = lseek(writer.descriptor, 0, SEEK_END);
        void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, writer.descriptor, 0);
        FUZZ_CHECK(data != MAP_FAILED);
        status = read_bundle(run, data, (size_t)size, &again);
        if (!status) {
            bundle_check(&again);
            bundle_check_same(bundle, &again);
            sn_bundle_free(&again);
        }
        munmap(data, (size_t)size);
    }
    close(writer.descriptor);
    FUZZ_CHECK(!status || status == SENTIMENT_ERROR_OUT_OF_MEMORY ||
               status == SENTIMENT_ERROR_UNSUPPORTED);
    return status;
}

static sentiment_status check_bundle(fuzz_run *run)
{
    sn_bundle bundle;
    sentiment_status status = read_bundle(run, run->data, run->size, &bundle);
    if (status)
        return status;
    bundle_check(&bundle);
    size_t limit = run->heap.limit;
    fuzz_lift_limit(run);
    status = check_rewritten(run, &bundle);
    sn_bundle_free(&bundle);
    run->heap.limit = limit;
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = &run->allocator};
    sentiment_model *model = NULL;
    options.allow_missing_crc = (run->flags & MISSING_CRC) != 0;
    options.digest = (run->flags & DIGEST) != 0;
    sentiment_status status = check_bundle(run);
    if (!status)
        status =
            sentiment_model_load_copy(run->data, run->size, &options, &model, &run->error);
    if (status)
        return status;
    fuzz_lift_limit(run);
    status = model_check(run, model);
    if (!status && (run->flags & SAVE))
        status = model_check_saved(run, model, &options);
    sentiment_model_free(model);
    return status;
}

/* A tensor of the table may come from six bytes of header; what may be an ONNX file
 * gets 32 KB to be looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 64, 65536};
    return fuzz_input(&target, data, size);
}
