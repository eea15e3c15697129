/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9112 with its options for leniency left unused: lines end in CRLF, no
 * folded fields, one Content-Length or one "Transfer-Encoding: chunked", never
 * both, exactly one Host. */
#include "http_parse.h"

#include <string.h>

#define REFUSE(status, code, reason)                                                               \
  {                                                                                                \
    status, code, reason                                                                           \
  }

static const http_refusal bad_line = REFUSE(400, "bad_request_line", "malformed request line");
static const http_refusal bad_field = REFUSE(400, "bad_header", "malformed header field");
static const http_refusal bad_host = REFUSE(400, "bad_host", "expected exactly one Host field");
static const http_refusal bad_length =
    REFUSE(400, "bad_content_length", "expected one Content-Length, a decimal number");
static const http_refusal two_lengths =
    REFUSE(400, "ambiguous_length", "Content-Length and Transfer-Encoding exclude each other");
static const http_refusal bad_coding =
    REFUSE(501, "unsupported_transfer_encoding", "the only transfer coding is chunked");
static const http_refusal old_coding =
    REFUSE(400, "bad_transfer_encoding", "HTTP/1.0 has no Transfer-Encoding");
static const http_refusal bad_version =
    REFUSE(505, "unsupported_http_version", "expected HTTP/1.1 or HTTP/1.0");
static const http_refusal many_fields = REFUSE(431, "too_many_headers", "too many header fields");
static const http_refusal bad_expect =
    REFUSE(417, "unsupported_expectation", "the only expectation is 100-continue");

/* tchar of RFC 9110 5.6.2. */
static bool is_token(char character)
{
    if ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
        (character >= '0' && character <= '9'))
        return true;
    return character && strchr("!#$%&'*+-.^_`|~", character) != NULL;
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

size_t http_head_end(const char *data, size_t size, size_t *scanned)
{
    size_t from = *scanned < 3 ? 0 : *scanned - 3;
    while (from < size) {
        const char *end = memchr(data + from, '\n', size - from);
        if (!end)
            break;
        size_t at = (size_t)(end - data);
        /* A bare line feed ends no line; the parser gets what is there and refuses it. */
        bool bare = at == 0 || data[at - 1] != '\r';
        if (bare || (at >= 3 && data[at - 2] == '\n'))
            return at + 1;
        from = at + 1;
    }
    *scanned = size;
    return 0;
}

bool http_same(http_slice slice, const char *text)
{
    for (size_t i = 0; i < slice.size; i++) {
        char character = slice.data[i];
        if (character >= 'A' && character <= 'Z')
            character = (char)(character - 'A' + 'a');
        if (text[i] == 0 || character != text[i])
            return false;
    }
    return text[slice.size] == 0;
}

const http_slice *http_find(const http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (http_same(head->fields[i].name, name))
            return &head->fields[i].value;
    return NULL;
}

/* The line at *at without its CRLF, *at moved behind it; false: there is none. */
static bool next_line(const char *data, size_t size, size_t *at, http_slice *line)
{
    const char *end = memchr(data + *at, '\n', size - *at);
    if (!end || end == data + *at || end[-1] != '\r')
        return false;
    *line = (http_slice){data + *at, (size_t)(end - data) - *at - 1};
    *at = (size_t)(end - data) + 1;
    return true;
}

/* "http://host/path" is the form that proxies get; its path counts. */
static bool origin_form(http_slice *target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (target->size <= length || !http_same((http_slice){target->data, length}, schemes[i]))
            continue;
        const char *slash = memchr(target->data + length, '/', target->size - length);
        if (!slash)
            return false;
        target->size -= (size_t)(slash - target->data);
        target->data = slash;
    }
    return target->size > 0 &&
           (target->data[0] == '/' || (target->size == 1 && target->data[0] == '*'));
}

static const http_refusal *parse_target(http_slice target, http_head *head)
{
    for (size_t i = 0; i < target.size; i++)
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '#')
            return &bad_line;
    if (!origin_form(&target))
        return &bad_line;
    const char *mark = memchr(target.data, '?', target.size);
    size_t path = mark ? (size_t)(mark - target.data) : target.size;
    head->path = (http_slice){target.data, path};
    head->query =
        mark ? (http_slice){mark + 1, target.size - path - 1} : (http_slice){target.data + path, 0};
    return NULL;
}

static const http_refusal *parse_request_line(http_slice line, http_head *head)
{
    size_t method = 0;
    while (method < line.size && is_token(line.data[method]))
        method++;
    if (method == 0 || method > 32 || method == line.size || line.data[method] != ' ')
        return &bad_line;
    head->method = (http_slice){line.data, method};
    const char *target = line.data + method + 1;
    size_t left = line.size - method - 1;
    const char *space = memchr(target, ' ', left);
    if (!space)
        return &bad_line;
    http_slice version = {space + 1, left - (size_t)(space - target) - 1};
    if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
        return &bad_line;
    if (version.data[5] != '1' || (version.data[7] != '0' && version.data[7] != '1'))
        return &bad_version;
    head->minor = version.data[7] - '0';
    return parse_target((http_slice){target, (size_t)(space - target)}, head);
}

static const http_refusal *parse_field(http_slice line, http_head *head)
{
    size_t name = 0;
    while (name < line.size && is_token(line.data[name]))
        name++;
    if (name == 0 || name == line.size || line.data[name] != ':')
        return &bad_field;
    size_t begin = name + 1, end = line.size;
    while (begin < end && is_blank(line.data[begin]))
        begin++;
    while (end > begin && is_blank(line.data[end - 1]))
        end--;
    for (size_t i = begin; i < end; i++) {
        unsigned char byte = (unsigned char)line.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return &bad_field;
    }
    if (head->field_count == HTTP_MAX_FIELDS)
        return &many_fields;
    head->fields[head->field_count++] =
        (http_field){{line.data, name}, {line.data + begin, end - begin}};
    return NULL;
}

static const http_refusal *take_length(http_slice value, http_head *head)
{
    uint64_t length = 0;
    if (value.size == 0 || value.size > 19)
        return &bad_length;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return &bad_length;
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->content_length = length;
    return NULL;
}

/* Whether a list of tokens, as in Connection, has one; `token` is lower-case. */
static bool lists(http_slice value, const char *token)
{
    size_t at = 0;
    while (at < value.size) {
        size_t begin = at;
        while (at < value.size && value.data[at] != ',')
            at++;
        size_t end = at++;
        while (begin < end && is_blank(value.data[begin]))
            begin++;
        while (end > begin && is_blank(value.data[end - 1]))
            end--;
        if (http_same((http_slice){value.data + begin, end - begin}, token))
            return true;
    }
    return false;
}

typedef struct counts {
    int host, length, coding;
} counts;

static const http_refusal *take_field(const http_field *field, http_head *head, counts *seen)
{
    if (http_same(field->name, "host")) {
        seen->host++;
    } else if (http_same(field->name, "content-length")) {
        return seen->length++ ? &bad_length : take_length(field->value, head);
    } else if (http_same(field->name, "transfer-encoding")) {
        return seen->coding++ || !http_same(field->value, "chunked") ? &bad_coding : NULL;
    } else if (http_same(field->name, "connection")) {
        if (lists(field->value, "close"))
            head->keep_alive = false;
        else if (head->minor == 0 && lists(field->value, "keep-alive"))
            head->keep_alive = true;
    } else if (http_same(field->name, "expect")) {
        if (!http_same(field->value, "100-continue"))
            return &bad_expect;
        head->expects_continue = head->minor > 0;
    }
    return NULL;
}

/* What the fields say together. Two ways of telling the length of one body are
 * how requests are smuggled. */
static const http_refusal *settle(http_head *head)
{
    counts seen = {0};
    head->keep_alive = head->minor > 0;
    const http_refusal *refusal = NULL;
    for (size_t i = 0; i < head->field_count; i++) {
        const http_refusal *found = take_field(&head->fields[i], head, &seen);
        refusal = refusal ? refusal : found;
    }
    if (seen.length && seen.coding)
        return &two_lengths;
    if (refusal)
        return refusal;
    if (seen.host > 1 || (head->minor > 0 && seen.host == 0))
        return &bad_host;
    if (seen.coding && head->minor == 0)
        return &old_coding;
    if (seen.coding)
        head->framing = HTTP_CHUNKED;
    else if (head->content_length > 0)
        head->framing = HTTP_LENGTH;
    return NULL;
}

const http_refusal *http_parse_head(const char *data, size_t size, http_head *head)
{
    head->method = head->path = head->query = (http_slice){data, 0};
    head->minor = 1;
    head->framing = HTTP_NO_BODY;
    head->content_length = 0;
    head->keep_alive = head->expects_continue = false;
    head->field_count = 0;
    http_slice line;
    size_t at = 0;
    if (!next_line(data, size, &at, &line))
        return &bad_line;
    const http_refusal *refusal = parse_request_line(line, head);
    while (!refusal) {
        if (at == size || !next_line(data, size, &at, &line))
            return &bad_field;
        if (line.size == 0)
            break;
        refusal = parse_field(line, head);
    }
    return refusal ? refusal : settle(head);
}
