/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL behind libevent's buffers: TLS 1.2 and 1.3, no renegotiation, no
 * compression, idle connections without buffers. */
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

/* Of TLS 1.2: those with forward secrecy and authenticated encryption. TLS 1.3 has no
 * others. */
#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
    const char *certificate, *key; /* paths */
    pthread_rwlock_t lock;
    SSL_CTX *context; /* under the lock */
};

/* OpenSSL's newest reason, and none left behind for the next call. */
static sentiment_status fail(const char *path, sentiment_error *error)
{
    char reason[200] = "not usable";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%s: %s", path, reason);
}

/* A key with a passphrase is an error: nobody is there to be asked. */
static int no_passphrase(char *buffer, int size, int writes, void *user)
{
    (void)buffer;
    (void)size;
    (void)writes;
    (void)user;
    return 0;
}

static sentiment_status make_context(const tls *own, SSL_CTX **out, sentiment_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return serve_fail_memory(error);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    sentiment_status status = SENTIMENT_OK;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, SUITES) != 1)
        status = fail("TLS", error);
    else if (SSL_CTX_use_certificate_chain_file(context, own->certificate) != 1)
        status = fail(own->certificate, error);
    else if (SSL_CTX_use_PrivateKey_file(context, own->key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context) != 1)
        status = fail(own->key, error);
    if (status)
        SSL_CTX_free(context);
    else
        *out = context;
    return status;
}

sentiment_status tls_create(const char *certificate, const char *key, tls **out,
                            sentiment_error *error)
{
    tls *own = calloc(1, sizeof *own);
    if (!own)
        return serve_fail_memory(error);
    own->certificate = certificate;
    own->key = key;
    pthread_rwlock_init(&own->lock, NULL);
    sentiment_status status = make_context(own, &own->context, error);
    if (status)
        tls_free(own);
    else
        *out = own;
    return status;
}

void tls_free(tls *own)
{
    if (!own)
        return;
    SSL_CTX_free(own->context);
    pthread_rwlock_destroy(&own->lock);
    free(own);
}

sentiment_status tls_reload(tls *own, sentiment_error *error)
{
    SSL_CTX *fresh = NULL;
    sentiment_status status = make_context(own, &fresh, error);
    if (status)
        return status;
    pthread_rwlock_wrlock(&own->lock);
    SSL_CTX *old = own->context;
    own->context = fresh;
    pthread_rwlock_unlock(&own->lock);
    /* Connections hold references of their own. */
    SSL_CTX_free(old);
    return SENTIMENT_OK;
}

struct bufferevent *tls_accept(tls *own, struct event_base *base, int fd)
{
    pthread_rwlock_rdlock(&own->lock);
    SSL *session = SSL_new(own->context);
    pthread_rwlock_unlock(&own->lock);
    if (!session) {
        close(fd);
        return NULL;
    }
    struct bufferevent *events = bufferevent_openssl_socket_new(
        base, fd, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    /* Where that fails libevent has freed the session, which closed the socket. */
    if (!events)
        return NULL;
    bufferevent_openssl_set_allow_dirty_shutdown(events, 1);
    return events;
}

void tls_end(struct bufferevent *events)
{
    SSL *session = bufferevent_openssl_get_ssl(events);
    if (session && SSL_is_init_finished(session))
        SSL_shutdown(session);
    ERR_clear_error();
}
