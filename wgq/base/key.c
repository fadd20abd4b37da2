/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/key.h"

#include <errno.h>
#include <sodium.h>

void key_wipe(struct key *k)
{
	sodium_memzero(k, sizeof(*k));
}

int key_from_base64(struct key *k, struct str text)
{
	struct key decoded CLEANUP(key_wipe);
	size_t n;

	if (text.n != KEY_BASE64_LEN)
		return -EINVAL;
	if (sodium_base642bin(decoded.b, sizeof(decoded.b), text.p, text.n, NULL, &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    n != KEY_LEN)
		return -EINVAL;
	*k = decoded;
	return 0;
}

void key_to_base64(char text[KEY_BASE64_LEN + 1], const struct key *k)
{
	sodium_bin2base64(text, KEY_BASE64_LEN + 1, k->b, sizeof(k->b),
			  sodium_base64_VARIANT_ORIGINAL);
}

int key_from_hex(struct key *k, struct str text)
{
	struct key decoded CLEANUP(key_wipe);
	size_t n;

	if (text.n != KEY_HEX_LEN)
		return -EINVAL;
	if (sodium_hex2bin(decoded.b, sizeof(decoded.b), text.p, text.n, NULL, &n, NULL) ||
	    n != KEY_LEN)
		return -EINVAL;
	*k = decoded;
	return 0;
}

void key_to_hex(char text[KEY_HEX_LEN + 1], const struct key *k)
{
	sodium_bin2hex(text, KEY_HEX_LEN + 1, k->b, sizeof(k->b));
}

bool key_is_zero(const struct key *k)
{
	return sodium_is_zero(k->b, sizeof(k->b));
}

bool key_equal(const struct key *a, const struct key *b)
{
	return sodium_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int key_compare(const struct key *a, const struct key *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

int key_generate_preshared(struct key *k)
{
	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(k->b, sizeof(k->b));
	return 0;
}

int key_generate_private(struct key *k)
{
	int err = key_generate_preshared(k);

	if (err)
		return err;
	k->b[0] &= 248;
	k->b[31] = (k->b[31] & 127) | 64;
	return 0;
}

void key_public(struct key *public, const struct key *private)
{
	/* Fails only for a result of all zeros, which no clamped scalar gives on the base point. */
	if (crypto_scalarmult_base(public->b, private->b))
		memset(public, 0, sizeof(*public));
}
