/* SPDX-License-Identifier: Apache-2.0
 *
 * See golden_texts.h. Words are taken from all over the vocabulary, so that
 * many rows of the embedding take part; random weights know no English. */
#include "golden_texts.h"

#include <stdbool.h>
#include <string.h>

#include "utf8.h"

/* Words of each text from the vocabulary, and the longest that is taken. */
#define WORDS 64
#define WORD_BYTES 48

static const char *const fixed[] = {
    "I love this product!",
    "This is terrible, and I want my money back.",
    "It arrived on Tuesday.",
    "not good at all",
    /* German, French, Russian, Chinese, an emoji, and spaces of three kinds. */
    "Gro\xc3\x9f"
    "artig! Tr\xc3\xa8s bien\xe2\x80\xa6 \xd0\x9e\xd1\x87\xd0\xb5\xd0\xbd\xd1\x8c "
    "\xd1\x85\xd0\xbe\xd1\x80\xd0\xbe\xd1\x88\xd0\xbe\xc2\xa0\xe5\xbe\x88\xe5\xa5\xbd\xe3\x80\x80"
    "\xf0\x9f\x98\x80",
    "",
    "I bought it for my sister, who had asked for one since spring. The parcel came late and the "
    "box was dented, so I expected the worst; but what was in it looked fine, worked at once and "
    "still does, three months later. The sound is a little thin, the manual is a bad joke, and "
    "the price was fair. Would I buy it again? Probably, if nothing better comes along. She "
    "is happy with it, and so am I, most of the time.",
};

/* Whether a word can stand in a JSON text and leaves room for others. */
static bool is_usable(const char *word, size_t size)
{
    if (size == 0 || size > WORD_BYTES || memchr(word, 0, size))
        return false;
    while (size > 0) {
        utf8_step step = utf8_next(word, size);
        if (!step.valid)
            return false;
        word += step.length;
        size -= step.length;
    }
    return true;
}

/* Words first, first + step, ... with spaces between them. */
static json_t *text_of_words(const sentiment_tokenizer *tokenizer, uint64_t first, uint64_t step,
                             uint64_t rows)
{
    char text[WORDS * (WORD_BYTES + 1)];
    size_t used = 0;
    for (uint64_t i = 0, id = first; i < WORDS && id < rows; i++, id += step) {
        const char *word = NULL;
        size_t size = 0;
        if (sentiment_tokenizer_get_word(tokenizer, (int32_t)id, &word, &size) != SENTIMENT_OK ||
            !is_usable(word, size))
            continue;
        if (used)
            text[used++] = ' ';
        memcpy(text + used, word, size);
        used += size;
    }
    return json_stringn(text, used);
}

json_t *golden_texts(const sentiment_model *model)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    json_t *texts = json_array();
    bool good = sentiment_model_get_info(model, &info, NULL) == SENTIMENT_OK;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        good = json_array_append_new(texts, json_string(fixed[i])) == 0 && good;
    /* The first ones, which are the most frequent of a trained vocabulary (0 is the
     * unknown word), and some from everywhere. */
    sentiment_tokenizer *tokenizer = sentiment_model_get_tokenizer(model);
    const uint64_t rows = info.vocab_size, step = rows / WORDS + 1;
    good = json_array_append_new(texts, text_of_words(tokenizer, 1, 1, rows)) == 0 && good;
    good =
        json_array_append_new(texts, text_of_words(tokenizer, step / 2, step, rows)) == 0 && good;
    sentiment_tokenizer_free(tokenizer);
    if (good)
        return texts;
    json_decref(texts);
    return NULL;
}
