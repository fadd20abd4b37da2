/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WireGuard keys: Curve25519 private and public keys and preshared keys, all 32 bytes. The only
 * user of libsodium. */
#ifndef WGQ_BASE_KEY_H
#define WGQ_BASE_KEY_H

#include "wgq/base/util.h"

enum { KEY_LEN = 32, KEY_BASE64_LEN = 44, KEY_HEX_LEN = 64 };

struct key {
	uint8_t b[KEY_LEN];
};

/* Wipes a key at the end of its scope: `struct key k CLEANUP(key_wipe);` */
void key_wipe(struct key *k);

/*
 * Parses exactly 44 characters of canonical base64 (standard alphabet, one '=', spare bits zero),
 * as wg(8) does. Constant time in the key's bits. Returns 0, or -EINVAL with *k untouched.
 */
int key_from_base64(struct key *k, struct str text);

/* Writes 44 characters and a NUL. */
void key_to_base64(char text[KEY_BASE64_LEN + 1], const struct key *k);

/* 64 lower-case or upper-case hex digits, the form of the userspace socket. Returns 0 or -EINVAL.
 */
int key_from_hex(struct key *k, struct str text);
void key_to_hex(char text[KEY_HEX_LEN + 1], const struct key *k);

bool key_is_zero(const struct key *k);
bool key_equal(const struct key *a, const struct key *b);

/* Order of bytes, for sorting public keys; not constant time. */
int key_compare(const struct key *a, const struct key *b);

/* A new private key, clamped (RFC 7748 section 5), or a new preshared key. Returns 0 or -EIO
 * without randomness. */
int key_generate_private(struct key *k);
int key_generate_preshared(struct key *k);

/* The public key of a private one. */
void key_public(struct key *public, const struct key *private);

#endif
