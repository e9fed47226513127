/* Owns: making JSON Web Tokens in bulk with libcrypto: good ones, and forged ones that look like them.
   Called by: minting.py, which compiles it.
   Never: keeps a private key: it lives as long as the process. */
/* mint ALGORITHM COUNT USERS PUBLIC_PEM [forged]
   Writes COUNT tokens to standard output, one a line, for USERS users in turn. HS256 takes the
   secret from SIDECAR_BENCH_JWT_SECRET; the others make a key pair and write its public half to
   PUBLIC_PEM. A forged token has random bytes of the right length for its signature, so that a
   verifier has all of its work with it. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LONGEST = 1024 };

static void fail(const char *what)
{
    fprintf(stderr, "mint: %s\n", what);
    exit(1);
}

static size_t base64url(const unsigned char *bytes, size_t length, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t written = 0;
    for (size_t place = 0; place < length; place += 3) {
        size_t have = length - place < 3 ? length - place : 3;
        unsigned word = 0;
        for (size_t i = 0; i < 3; i++)
            word = word << 8 | (i < have ? bytes[place + i] : 0);
        for (size_t i = 0; i <= have; i++)
            out[written++] = letters[word >> (18 - 6 * i) & 63];
    }
    return written;
}

static EVP_PKEY *new_key(const char *algorithm)
{
    EVP_PKEY *key = NULL;
    if (strcmp(algorithm, "RS256") == 0)
        key = EVP_RSA_gen(2048);
    else if (strcmp(algorithm, "ES256") == 0)
        key = EVP_EC_gen("P-256");
    else if (strcmp(algorithm, "ES512") == 0)
        key = EVP_EC_gen("P-521");
    else if (strcmp(algorithm, "EdDSA") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!key)
        fail("unknown algorithm, or no key");
    return key;
}

static void write_public(EVP_PKEY *key, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file || !PEM_write_PUBKEY(file, key) || fclose(file) != 0)
        fail("cannot write the public key");
}

/* JWS wants r and s side by side (RFC 7518 §3.4), libcrypto gives DER. */
static size_t raw_from_der(const unsigned char *der, size_t length, int half, unsigned char *out)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, half) != half
        || BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, half) != half)
        fail("a signature that is none");
    ECDSA_SIG_free(pair);
    return (size_t)half * 2;
}

static size_t sign(EVP_PKEY *key, const char *algorithm, const char *text, size_t length,
                   unsigned char *out)
{
    size_t written = LONGEST;
    if (!key) {
        const char *secret = getenv("SIDECAR_BENCH_JWT_SECRET");
        unsigned count = 0;
        if (!secret || !HMAC(EVP_sha256(), secret, (int)strlen(secret),
                             (const unsigned char *)text, length, out, &count))
            fail("no secret in SIDECAR_BENCH_JWT_SECRET");
        return count;
    }
    const EVP_MD *digest = strcmp(algorithm, "EdDSA") == 0   ? NULL
                           : strcmp(algorithm, "ES512") == 0 ? EVP_sha512()
                                                             : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestSignInit(context, NULL, digest, NULL, key) != 1
        || EVP_DigestSign(context, out, &written, (const unsigned char *)text, length) != 1)
        fail("cannot sign");
    EVP_MD_CTX_free(context);
    if (strncmp(algorithm, "ES", 2) != 0)
        return written;
    unsigned char der[LONGEST];
    memcpy(der, out, written);
    return raw_from_der(der, written, strcmp(algorithm, "ES512") == 0 ? 66 : 32, out);
}

static size_t forge(const char *algorithm, unsigned char *out)
{
    size_t length = strcmp(algorithm, "HS256") == 0   ? 32
                    : strcmp(algorithm, "RS256") == 0 ? 256
                    : strcmp(algorithm, "ES512") == 0 ? 132
                                                      : 64;
    if (RAND_bytes(out, (int)length) != 1)
        fail("no randomness");
    /* Below the modulus and the order, so that no verifier can refuse before its arithmetic. */
    out[0] = 0;
    if (length == 132)
        out[66] = 0;
    return length;
}

static void mint(EVP_PKEY *key, const char *algorithm, long number, long users, int forged)
{
    unsigned char id[16], signature[LONGEST];
    char text[LONGEST], claims[512], header[64], word[40];
    if (RAND_bytes(id, sizeof id) != 1)
        fail("no randomness");
    for (int i = 0; i < 16; i++)
        snprintf(word + 2 * i, 3, "%02x", id[i]);
    long now = (long)time(NULL);
    int head = snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algorithm);
    int body = snprintf(claims, sizeof claims,
                        "{\"token_type\":\"access\",\"exp\":%ld,\"iat\":%ld,\"jti\":\"%s\","
                        "\"user_id\":%ld}",
                        now + 6 * 3600, now, word, 1000 + number % users);
    size_t length = base64url((unsigned char *)header, (size_t)head, text);
    text[length++] = '.';
    length += base64url((unsigned char *)claims, (size_t)body, text + length);
    size_t size = forged ? forge(algorithm, signature) : sign(key, algorithm, text, length, signature);
    char tail[LONGEST * 2];
    size_t rest = base64url(signature, size, tail);
    printf("%.*s.%.*s\n", (int)length, text, (int)rest, tail);
}

int main(int count, char **words)
{
    if (count < 5)
        fail("usage: mint ALGORITHM COUNT USERS PUBLIC_PEM [forged]");
    const char *algorithm = words[1];
    long tokens = atol(words[2]), users = atol(words[3]);
    int forged = count > 5;
    EVP_PKEY *key = strcmp(algorithm, "HS256") == 0 ? NULL : new_key(algorithm);
    if (key)
        write_public(key, words[4]);
    for (long number = 0; number < tokens; number++)
        mint(key, algorithm, number, users, forged);
    EVP_PKEY_free(key);
    return fflush(stdout) == 0 ? 0 : 1;
}
