/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define GOOD "yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs="

static struct str str(const char *s)
{
	return (struct str){ s, strlen(s) };
}

/* The first is one step of RFC 7748's iteration (section 5.2), the second Bob's of section 6.1. */
static void public_keys_are_those_of_rfc_7748(void **state)
{
	static const char *const pairs[][2] = {
		{ "0900000000000000000000000000000000000000000000000000000000000000",
		  "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079" },
		{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
		  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f" },
	};
	char hex[KEY_HEX_LEN + 1];
	struct key private, public;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(key_from_hex(&private, str(pairs[i][0])), 0);
		key_public(&public, &private);
		key_to_hex(hex, &public);
		assert_string_equal(hex, pairs[i][1]);
	}
}

static void base64_is_canonical_or_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"=",
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs",
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs==",
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHt=", /* spare bits set */
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSH==", /* 31 bytes */
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHsA", /* 33 bytes */
		"yJeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSHs=", /* of URLs */
		"yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSH\n=",
		" JeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs=",
		"====================4444====================",
	};
	char text[KEY_BASE64_LEN + 1];
	struct key k = { { 42 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(key_from_base64(&k, str(bad[i])), -EINVAL);
		assert_int_equal(k.b[0], 42);
	}
	assert_int_equal(key_from_base64(&k, str(GOOD)), 0);
	key_to_base64(text, &k);
	assert_string_equal(text, GOOD);
	assert_int_equal(key_from_base64(&k, (struct str){ GOOD "junk", KEY_BASE64_LEN }), 0);
}

static void every_last_character_is_judged_as_wg_does(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[] = GOOD;
	struct key k;

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		text[KEY_BASE64_LEN - 2] = alphabet[i];
		assert_int_equal(key_from_base64(&k, str(text)), i % 4 ? -EINVAL : 0);
	}
}

static void hex_takes_both_cases_and_only_64_digits(void **state)
{
	static const char lower[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	static const char upper[] =
		"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";
	char text[KEY_HEX_LEN + 1];
	struct key a, b;

	(void)state;
	assert_int_equal(key_from_hex(&a, str(lower)), 0);
	assert_int_equal(key_from_hex(&b, str(upper)), 0);
	assert_true(key_equal(&a, &b));
	key_to_hex(text, &b);
	assert_string_equal(text, lower);
	assert_int_equal(key_from_hex(&a, (struct str){ lower, 62 }), -EINVAL);
	assert_int_equal(key_from_hex(&a, (struct str){ lower, 63 }), -EINVAL);
	assert_int_equal(
		key_from_hex(&a,
			     str("0g112233445566778899aabbccddeeff00112233445566778899aabbccddee"
				 "ff")),
		-EINVAL);
	assert_int_equal(key_from_hex(&a, str("")), -EINVAL);
}

static void private_keys_are_clamped_and_new_each_time(void **state)
{
	struct key a, b;

	(void)state;
	for (int i = 0; i < 64; i++) {
		assert_int_equal(key_generate_private(&a), 0);
		assert_int_equal(key_generate_private(&b), 0);
		assert_int_equal(a.b[0] & 7, 0);
		assert_int_equal(a.b[31] & 0xc0, 0x40);
		assert_false(key_equal(&a, &b));
	}
}

static void preshared_keys_are_not_clamped(void **state)
{
	uint8_t low = 0, high = 0;
	struct key k;

	(void)state;
	for (int i = 0; i < 64; i++) {
		assert_int_equal(key_generate_preshared(&k), 0);
		low |= k.b[0] & 7;
		high |= k.b[31] & 0x80;
	}
	assert_int_equal(low, 7);
	assert_int_equal(high, 0x80);
}

static void comparison_and_wiping_see_every_byte(void **state)
{
	struct key zero = { 0 }, k;

	(void)state;
	for (size_t i = 0; i < KEY_LEN; i++) {
		k = zero;
		k.b[i] = 1;
		assert_false(key_is_zero(&k));
		assert_false(key_equal(&k, &zero));
		assert_true(key_compare(&k, &zero) > 0);
		assert_true(key_compare(&zero, &k) < 0);
		key_wipe(&k);
		assert_true(key_is_zero(&k));
		assert_true(key_equal(&k, &zero));
		assert_int_equal(key_compare(&k, &zero), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_keys_are_those_of_rfc_7748),
		cmocka_unit_test(base64_is_canonical_or_refused),
		cmocka_unit_test(every_last_character_is_judged_as_wg_does),
		cmocka_unit_test(hex_takes_both_cases_and_only_64_digits),
		cmocka_unit_test(private_keys_are_clamped_and_new_each_time),
		cmocka_unit_test(preshared_keys_are_not_clamped),
		cmocka_unit_test(comparison_and_wiping_see_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
