/* SPDX-License-Identifier: Apache-2.0
 *
 * See stream.h. The buffer holds the rest: the bytes behind the last cut, up to
 * which the engine has read. A piece works on a copy of the stream's progress
 * and of the engine's place, and on bytes behind the rest that was there before:
 * a failure forgets the copies, and nothing has happened. Time is linear in the
 * text, as a rest without a cut is searched again only when it has doubled or
 * an answer, which reads it anyway, is asked for. */
#include "engine/stream.h"

#include <string.h>

#include "engine/result.h"
#include "text/utf8.h"

/* Bytes of a piece that are taken at a time: what bounds the memory of tokens. */
#define SLICE ((size_t)16 << 10)
/* A shorter rest is not searched for a cut until an answer is asked for. */
#define MIN_REST ((size_t)64)
#define MIN_BUFFER ((size_t)256)

typedef struct progress {
    uint64_t bytes;   /* of the text before the rest */
    uint64_t tokens;  /* of those bytes */
    uint64_t unknown; /* among the tokens used */
    size_t begin;     /* the rest is buffer[begin, end) */
    size_t end;
    size_t checked; /* buffer[begin, checked) is UTF-8; only under STRICT */
    size_t search;  /* size of the rest from which on to look for a cut */
    _Bool ahead;    /* the engine's place is `next`: a piece at work has moved on */
} progress;

struct sentiment_stream {
    sentiment_session *session;
    const sn_engine_stream *engine;
    sn_memory memory;
    uint32_t max_length;
    progress now;
    void *place; /* the engine's, behind `now.tokens` tokens */
    void *next;  /* the same for a piece at work */
    uint8_t *buffer;
    size_t capacity;
    float *logits; /* [classes] */
    /* The first byte that is not UTF-8: every call fails until the reset. */
    _Bool bad;
    uint8_t bad_byte;
    uint64_t bad_offset;
};

void sn_stream_reset(sentiment_stream *stream)
{
    stream->now = (progress){.search = MIN_REST};
    stream->bad = 0;
    stream->engine->copy(stream->place, NULL);
}

void sn_stream_free(sentiment_stream *stream)
{
    if (!stream)
        return;
    sn_memory memory = stream->memory;
    stream->engine->destroy(stream->place);
    stream->engine->destroy(stream->next);
    sn_free(&memory, stream->buffer);
    sn_free(&memory, stream->logits);
    sn_free(&memory, stream);
}

static sentiment_status create(sentiment_session *session, uint32_t max_length,
                               sentiment_stream **out, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    if (!session->engine->stream)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the %s engine reads whole texts only; streams need the native engine",
                       session->engine->name);
    sentiment_stream *stream = sn_alloc_zero(&session->memory, 1, sizeof *stream);
    if (!stream)
        return sn_fail_memory(error, "a stream");
    stream->session = session;
    stream->engine = session->engine->stream;
    stream->memory = session->memory;
    stream->max_length = max_length ? max_length : session->max_length;
    stream->capacity = MIN_BUFFER;
    stream->buffer = sn_alloc(&session->memory, stream->capacity, 1);
    stream->logits =
        sn_alloc(&session->memory, session->model->config.num_classes, sizeof *stream->logits);
    status = stream->buffer && stream->logits
                 ? stream->engine->create(session->state, &stream->place, error)
                 : sn_fail_memory(error, "a stream");
    if (!status)
        status = stream->engine->create(session->state, &stream->next, error);
    if (status) {
        sn_stream_free(stream);
        return status;
    }
    sn_stream_reset(stream);
    *out = stream;
    return SENTIMENT_OK;
}

sentiment_status sn_stream_create(sentiment_session *session, uint32_t max_length,
                                  sentiment_stream **out, sentiment_error *error)
{
    sentiment_status status = sn_session_begin(session, error);
    if (status)
        return status;
    status = create(session, max_length, out, error);
    sn_session_end(session);
    return status;
}

static _Bool is_strict(const sentiment_stream *stream)
{
    return stream->session->utf8_policy == SENTIMENT_UTF8_STRICT;
}

static const sn_tokenizer *tokenizer_of(const sentiment_stream *stream)
{
    return &stream->session->model->tokenizer->tokenizer;
}

/* What every call says about a text that is not UTF-8, as predict does. */
static sentiment_status fail_utf8(const sentiment_stream *stream, sentiment_error *error)
{
    return sn_fail(error, SENTIMENT_ERROR_INVALID_UTF8, stream->bad_offset,
                   "the text is not UTF-8: byte 0x%02X at offset %llu", (unsigned)stream->bad_byte,
                   (unsigned long long)stream->bad_offset);
}

/* buffer[at] is the first byte that is not UTF-8. */
static sentiment_status find_bad(sentiment_stream *stream, const progress *work, size_t at,
                                 sentiment_error *error)
{
    stream->bad = 1;
    stream->bad_byte = stream->buffer[at];
    stream->bad_offset = work->bytes + (at - work->begin);
    return fail_utf8(stream, error);
}

/* Moves the rest down to `to`, which does not lie behind it. */
static void move_rest(sentiment_stream *stream, progress *work, size_t to)
{
    size_t down = work->begin - to;
    if (down == 0)
        return;
    memmove(stream->buffer + to, stream->buffer + work->begin, work->end - work->begin);
    work->begin -= down;
    work->end -= down;
    work->checked -= down;
}

/* Room for `size` more bytes behind the rest. What stands before `kept` stays as
 * it is; the bytes from there to the rest are free, and used once moving the
 * rest costs less than they are. */
static sentiment_status reserve(sentiment_stream *stream, progress *work, size_t kept, size_t size,
                                sentiment_error *error)
{
    size_t rest = work->end - work->begin, need;
    if (size <= stream->capacity - work->end)
        return SENTIMENT_OK;
    if (work->begin >= kept && work->begin - kept >= rest)
        move_rest(stream, work, kept);
    if (!sn_add(work->end, size, &need))
        return sn_fail_memory(error, "the text of a stream");
    if (need <= stream->capacity)
        return SENTIMENT_OK;
    if (need < 2 * stream->capacity) /* no block is larger than PTRDIFF_MAX */
        need = 2 * stream->capacity;
    uint8_t *grown = sn_realloc(&stream->memory, stream->buffer, need, 1);
    if (!grown)
        return sn_fail_memory(error, "the text of a stream");
    stream->buffer = grown;
    stream->capacity = need;
    return SENTIMENT_OK;
}

/* STRICT: looks at the bytes that have come, but for a sequence cut off by the end. */
static sentiment_status check_utf8(sentiment_stream *stream, progress *work, sentiment_error *error)
{
    const uint8_t *fresh = stream->buffer + work->checked;
    size_t size = sn_utf8_whole(fresh, work->end - work->checked);
    size_t good = sn_utf8_check(fresh, size);
    if (good < size)
        return find_bad(stream, work, work->checked + good, error);
    work->checked += size;
    return SENTIMENT_OK;
}

/* Tokens of buffer[begin, begin + size), into the session's scratch. */
static sentiment_status tokenize(sentiment_stream *stream, const progress *work, size_t size,
                                 sentiment_error *error)
{
    sentiment_session *session = stream->session;
    return sn_tokenizer_encode(tokenizer_of(stream), &session->memory,
                               (const char *)stream->buffer + work->begin, size,
                               session->utf8_policy, &session->lanes[0].tokens, error);
}

/* Which tokens of a text so far the network reads. */
typedef struct used_tokens {
    uint64_t all;     /* used of the whole text */
    uint64_t unknown; /* among them */
    int32_t *ids;     /* those that the engine has not read, unknown words resolved */
    size_t count;
} used_tokens;

/* The tokens in the session's scratch come behind those of `work`. Tokenizers
 * that use the end of a text never have their text cut: then all are here. */
static used_tokens use_tokens(const sentiment_stream *stream, const progress *work)
{
    const sn_tokens *tokens = &stream->session->lanes[0].tokens;
    const sn_tokenizer *tokenizer = tokenizer_of(stream);
    uint64_t limit = stream->max_length, all = work->tokens + tokens->count;
    if (tokenizer->max_length && tokenizer->max_length < limit)
        limit = tokenizer->max_length;
    uint64_t before = work->tokens < limit ? work->tokens : limit;
    used_tokens out = {.all = all < limit ? all : limit, .unknown = work->unknown};
    out.count = (size_t)(out.all - before);
    out.ids = tokens->ids;
    if (tokenizer->truncate_left && out.count > 0)
        out.ids += tokens->count - out.count;
    for (size_t i = 0; i < out.count; i++)
        if (out.ids[i] < 0) {
            out.ids[i] = ~out.ids[i];
            out.unknown++;
        }
    return out;
}

/* Lets the engine read what cannot change any more. */
static sentiment_status settle(sentiment_stream *stream, progress *work, sentiment_error *error)
{
    const char *rest = (const char *)stream->buffer + work->begin;
    size_t size = work->end - work->begin, cut = 0;
    if (!tokenizer_of(stream)->truncate_left)
        cut = sn_tokenizer_cut(tokenizer_of(stream), rest, size);
    work->search = size - cut < MIN_REST / 2 ? MIN_REST : 2 * (size - cut);
    if (cut == 0)
        return SENTIMENT_OK;
    sentiment_status status = tokenize(stream, work, cut, error);
    if (status)
        return status;
    used_tokens used = use_tokens(stream, work);
    if (used.count > 0) {
        if (!work->ahead)
            stream->engine->copy(stream->next, stream->place);
        work->ahead = 1;
        status = stream->engine->advance(stream->session->state, stream->next, used.ids, used.count,
                                         error);
    }
    work->bytes += cut;
    work->begin += cut;
    work->tokens += stream->session->lanes[0].tokens.count;
    work->unknown = used.unknown;
    return status;
}

/* Appends a piece to the rest and settles what can be. */
static sentiment_status read_piece(sentiment_stream *stream, progress *work, const char *text,
                                   size_t size, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    for (size_t at = 0, some; at < size && !status; at += some) {
        some = size - at < SLICE ? size - at : SLICE;
        status = reserve(stream, work, stream->now.end, some, error);
        if (status)
            return status;
        memcpy(stream->buffer + work->end, text + at, some);
        work->end += some;
        if (is_strict(stream))
            status = check_utf8(stream, work, error);
        if (!status && work->end - work->begin >= work->search)
            status = settle(stream, work, error);
    }
    return status;
}

/* The answer for the text up to the first `size` bytes of the rest. */
static sentiment_status answer_with(sentiment_stream *stream, const progress *work, size_t size,
                                    const sn_batch *batch, sentiment_error *error)
{
    sentiment_session *session = stream->session;
    sentiment_status status = tokenize(stream, work, size, error);
    if (status)
        return status;
    uint64_t tokens = work->tokens + session->lanes[0].tokens.count;
    used_tokens used = use_tokens(stream, work);
    uint32_t total =
        session->padding == SENTIMENT_PADDING_MAX_LENGTH ? stream->max_length : (uint32_t)used.all;
    status = stream->engine->answer(session->state, work->ahead ? stream->next : stream->place,
                                    used.ids, used.count, total, stream->logits, error);
    if (status)
        return status;
    sentiment_result result = {.flags = sn_result_flags(tokens, used.all, used.unknown),
                               .tokens = tokens,
                               .unknown = used.unknown,
                               .error_offset = SENTIMENT_NO_OFFSET};
    return sn_result_finish(batch, 0, &session->model->config, stream->logits, &result, error);
}

/* A piece has gone well: its progress is the stream's. */
static void accept(sentiment_stream *stream, const progress *work)
{
    stream->now = *work;
    stream->now.ahead = 0;
    if (work->ahead) {
        void *old = stream->place;
        stream->place = stream->next;
        stream->next = old;
    }
}

static sentiment_status feed(sentiment_stream *stream, const char *text, size_t size,
                             const sn_batch *answer, sentiment_error *error)
{
    sentiment_status status = stream->bad ? fail_utf8(stream, error) : SENTIMENT_OK;
    if (status)
        return status;
    move_rest(stream, &stream->now, 0);
    progress work = stream->now;
    status = read_piece(stream, &work, text, size, error);
    if (!status && answer)
        status = settle(stream, &work, error);
    if (!status && answer)
        status = answer_with(stream, &work,
                             sn_utf8_whole(stream->buffer + work.begin, work.end - work.begin),
                             answer, error);
    if (!status)
        accept(stream, &work);
    return status;
}

sentiment_status sn_stream_feed(sentiment_stream *stream, const char *text, size_t size,
                                const sn_batch *answer, sentiment_error *error)
{
    sentiment_status status = sn_session_begin(stream->session, error);
    if (status)
        return status;
    status = feed(stream, text, size, answer, error);
    sn_session_end(stream->session);
    return status;
}

static sentiment_status answer_whole(sentiment_stream *stream, const sn_batch *answer,
                                     sentiment_error *error)
{
    const progress *now = &stream->now;
    sentiment_status status = stream->bad ? fail_utf8(stream, error) : SENTIMENT_OK;
    if (!status && is_strict(stream) && now->checked < now->end)
        status = find_bad(stream, now, now->checked, error);
    return status ? status : answer_with(stream, now, now->end - now->begin, answer, error);
}

sentiment_status sn_stream_end(sentiment_stream *stream, const sn_batch *answer,
                               sentiment_error *error)
{
    sentiment_status status = sn_session_begin(stream->session, error);
    /* Another call may be at this very stream. */
    if (status == SENTIMENT_ERROR_INVALID_ARGUMENT)
        return status;
    _Bool begun = !status;
    if (begun)
        status = answer_whole(stream, answer, error);
    sn_stream_reset(stream);
    if (begun)
        sn_session_end(stream->session);
    return status;
}
