/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/finding.h"

#include <setjmp.h>
#include <cmocka.h>

#include "wgq/base/text.h"

#define KEY43 "yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs"

static struct str str(const char *s)
{
	return (struct str){ s, strlen(s) };
}

static struct place place(const char *text, uint32_t column, uint32_t length)
{
	return (struct place){
		.file = "wg0.conf", .line = 7, .column = column, .length = length, .text = str(text)
	};
}

/* What findings_print() makes of one finding at this place; only the two lines of source. */
static char *shown(struct arena *a, struct place at)
{
	struct findings f = { .arena = a };
	char *text = NULL, *copy, *source;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	finding_add(&f, FINDING_BAD_VALUE, at, "m");
	findings_print(out, &f);
	fclose(out);
	copy = arena_strndup(a, text, n);
	free(text);
	source = strchr(copy, '\n') + 1;
	return source;
}

struct sight {
	const char *text;
	uint32_t column, length;
	const char *shown;
};

static void check_sights(const struct sight *v, size_t n)
{
	struct arena a CLEANUP(arena_fini) = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_string_equal(shown(&a, place(v[i].text, v[i].column, v[i].length)),
				    v[i].shown);
}

static void findings_print_as_compilers_do(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &a };
	char *text = NULL;
	size_t n, i;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	i = finding_add(&f, FINDING_BAD_VALUE, place("MTU = x", 7, 1), "MTU is %s", "no number");
	finding_help(&f, i, "write %d", 1420);
	i = finding_add(&f, FINDING_HOST_BITS, place("AllowedIPs = y", 14, 0), "bits");
	finding_relate(&f, i, place("Address = z", 1, 7), "see %s", "here");
	finding_relate(&f, i, (struct place){ .file = "other.conf" }, "and there");
	finding_add(&f, FINDING_FILE_PERMISSIONS, (struct place){ .file = "a\x1b.conf" }, "open");
	finding_add_as(&f, SEV_NOTE, FINDING_SYNTAX, (struct place){ 0 }, "no place");
	findings_print(out, &f);
	fclose(out);
	assert_string_equal(text, "wg0.conf:7:7: error: MTU is no number [bad-value]\n"
				  "    7 | MTU = x\n"
				  "      |       ^\n"
				  "  help: write 1420\n"
				  "wg0.conf:7:14: warning: bits [host-bits]\n"
				  "    7 | AllowedIPs = y\n"
				  "      |              ^\n"
				  "wg0.conf:7:1: note: see here\n"
				  "    7 | Address = z\n"
				  "      | ^~~~~~~\n"
				  "other.conf: note: and there\n"
				  "a\\x1b.conf: warning: open [file-permissions]\n"
				  "note: no place [syntax]\n");
	free(text);
}

static void codes_and_counts(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &a };

	(void)state;
	for (size_t code = 0; code < FINDING_CODES; code++)
		assert_int_equal(finding_add(&f, code, (struct place){ 0 }, "x"), code);
	assert_int_equal(findings_count(&f, SEV_ERROR) + findings_count(&f, SEV_WARNING) +
				 findings_count(&f, SEV_NOTE),
			 FINDING_CODES);
	assert_int_equal(f.v[FINDING_PORT_IN_USE].severity, SEV_ERROR);
	assert_int_equal(f.v[FINDING_PORT_SHARED].severity, SEV_WARNING);
	assert_string_equal(finding_code_name(FINDING_UNKNOWN_KEY), "unknown-key");
	for (size_t code = 0; code < FINDING_CODES; code++)
		assert_non_null(finding_code_name(code));
}

static void sorting_is_by_place_and_stable(void **state)
{
	static const uint32_t lines[] = { 9, 3, 3, 1, 3, 2, 0, 3 };
	static const uint32_t columns[] = { 1, 5, 2, 1, 5, 1, 0, 5 };
	static const char *const sorted[] = { "0", "6", "3", "5", "2", "1", "4", "7" };
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &a };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		finding_add(&f, FINDING_SYNTAX,
			    (struct place){ .line = lines[i], .column = columns[i] }, "%zu", i);
	findings_sort(&f, 1); /* the first is another file's and stays */
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_string_equal(f.v[i].message, sorted[i]);
	findings_sort(&f, f.n);
}

static void keys_are_hidden_and_the_caret_moves_along(void **state)
{
	static const struct sight sights[] = {
		{ "X = " KEY43 "=", 5, 44, "    7 | X = (hidden)\n      |     ^~~~~~~~\n" },
		{ "X = " KEY43 "= y", 50, 1, "    7 | X = (hidden) y\n      |              ^\n" },
		{ "X = " KEY43 "=y", 6, 1, "    7 | X = (hidden)y\n      |     ^~~~~~~~\n" },
		{ KEY43 "=" KEY43 "=z", 89, 1,
		  "    7 | (hidden)(hidden)z\n      |                 ^\n" },
		/* longer than a key: no less secret */
		{ "AAAA" KEY43 "=", 1, 1, "    7 | (hidden)\n      | ^~~~~~~~\n" },
		/* a NUL byte does not make it another text, nor the end */
		{ "a/b", 3, 1, "    7 | a/b\n      |   ^\n" },
		/* no key: too short by one, or without its '=' */
		{ "X = yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSH=", 5, 1,
		  "    7 | X = yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSH=\n      |     ^\n" },
		{ KEY43, 1, 1, "    7 | " KEY43 "\n      | ^\n" },
	};
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct place at;
	char nul[] = KEY43 "=";

	(void)state;
	check_sights(sights, ARRAY_SIZE(sights));
	nul[20] = '\0'; /* one letter short: not a key */
	at = place(KEY43 "=", 1, 0);
	at.text = (struct str){ nul, KEY43[0] ? 44 : 0 };
	assert_non_null(strstr(shown(&a, at), "\\x00"));
	at.text = (struct str){ "yJeBEsobvcr6wjGz\0miPcTaeG7/gUfE5yuYB3ha/uSHs=", 45 };
	assert_string_equal(shown(&a, at), "    7 | (hidden)\n      | ^~~~~~~~\n");
}

static void what_a_place_hides_or_shows_wins(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct place at = place("PublicKey = " KEY43 "= # " KEY43 "=", 13, 44);

	(void)state;
	at.show_at = 12;
	at.show_length = 44;
	assert_string_equal(shown(&a, at),
			    "    7 | PublicKey = " KEY43 "= # (hidden)\n"
			    "      |             ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
	at = place("PrivateKey = short # x", 14, 5);
	at.hide_at = 13;
	at.hide_length = 5;
	assert_string_equal(shown(&a, at), "    7 | PrivateKey = (hidden) # x\n"
					   "      |              ^~~~~~~~\n");
	at.column = 20;
	at.length = 3;
	assert_string_equal(shown(&a, at), "    7 | PrivateKey = (hidden) # x\n"
					   "      |                       ^~~\n");
}

static void odd_bytes_are_escaped_and_the_caret_stays_below(void **state)
{
	static const struct sight sights[] = {
		{ "a\x1b[31mb", 7, 1, "    7 | a\\x1b[31mb\n      |          ^\n" },
		{ "a\x1b[31mb", 2, 1, "    7 | a\\x1b[31mb\n      |  ^~~~\n" },
		{ "\tx", 2, 1, "    7 |  x\n      |  ^\n" },
		{ "\xff\xc3(", 3, 1, "    7 | \\xff\\xc3(\n      |         ^\n" },
		{ "\xc3\xa9t\xc3\xa9 x", 7, 1, "    7 | \xc3\xa9t\xc3\xa9 x\n      |     ^\n" },
		{ "\xe4\xb8\xad\xe6\x96\x87 x", 8, 1,
		  "    7 | \xe4\xb8\xad\xe6\x96\x87 x\n      |      ^\n" },
		{ "e\xcc\x81x", 4, 1, "    7 | e\xcc\x81x\n      |  ^\n" },
		{ "\xc2\xa0x", 1, 2, "    7 | \\xc2\\xa0x\n      | ^~~~~~~~\n" },
		{ "\xe2\x80\xae", 1, 3, "    7 | \\xe2\\x80\\xae\n      | ^~~~~~~~~~~~\n" },
		{ "\xc2\x9b", 1, 0, "    7 | \\xc2\\x9b\n      | ^~~~~~~~\n" },
		{ "abc", 4, 0, "    7 | abc\n      |    ^\n" },
		{ "", 1, 0, "    7 | \n      | ^\n" },
	};

	(void)state;
	check_sights(sights, ARRAY_SIZE(sights));
}

static void of_a_long_line_only_the_surroundings_are_shown(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	char line[3000];
	char *caret, *source;
	struct place at;

	(void)state;
	memset(line, '.', sizeof(line));
	line[1500] = 'X';
	at = place("", 1501, 1);
	at.text = (struct str){ line, sizeof(line) };
	source = shown(&a, at);
	caret = strchr(source, '\n') + 1;
	assert_true(strlen(source) < 600);
	assert_int_equal(source[strchr(caret, '^') - caret], 'X');
	assert_memory_equal(source, "    7 | ...", 11);
	assert_memory_equal(caret - 4, "...", 3);

	at.column = 1;
	source = shown(&a, at);
	assert_memory_equal(source, "    7 | ....", 12);
	at.column = 3001; /* behind the end */
	source = shown(&a, at);
	caret = strchr(source, '\n') + 1;
	assert_int_equal(strchr(caret, '^') - caret, caret - source - 1);
}

static void a_window_shows_no_half_of_a_key(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	char line[1000];

	(void)state;
	for (uint32_t column = 100; column < 400; column++) {
		struct place at = place("", column, 1);
		char *source;

		memset(line, '.', sizeof(line));
		memcpy(line + 200, KEY43 "=", 44);
		memcpy(line + 300, "\xe4\xb8\xad", 3);
		at.text = (struct str){ line, sizeof(line) };
		source = shown(&a, at);
		assert_null(strstr(source, "uSHs"));
		assert_null(strstr(source, "yJeB"));
		assert_null(strstr(source, "\\x"));
		memset(line + 200, 's', 44); /* the same for what a place hides */
		at.hide_at = 200;
		at.hide_length = 44;
		assert_null(strchr(shown(&a, at), 's'));
	}
}

static void text_is_decoded_as_utf_8(void **state)
{
	static const struct {
		const char *in;
		uint32_t code;
		uint8_t bytes;
		bool plain, valid;
	} vectors[] = {
		{ "a", 'a', 1, true, true },
		{ "\x7f", 0x7f, 1, false, true },
		{ "\xc2\x80", 0x80, 2, false, true },
		{ "\xc3\xa9", 0xe9, 2, true, true },
		{ "\xef\xbb\xbf", 0xfeff, 3, false, true },
		{ "\xf0\x9f\x98\x80", 0x1f600, 4, true, true },
		{ "\xc0\x80", 0xc0, 1, false, false },         /* overlong */
		{ "\xe0\x80\x80", 0xe0, 1, false, false },     /* overlong */
		{ "\xed\xa0\x80", 0xed, 1, false, false },     /* surrogate */
		{ "\xf4\x90\x80\x80", 0xf4, 1, false, false }, /* beyond U+10FFFF */
		{ "\xe4\xb8", 0xe4, 1, false, false },         /* cut off */
		{ "\x80", 0x80, 1, false, false },
		{ "\xff", 0xff, 1, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct glyph g = text_glyph(str(vectors[i].in));

		assert_int_equal(g.code, vectors[i].code);
		assert_int_equal(g.bytes, vectors[i].bytes);
		assert_int_equal(g.plain, vectors[i].plain);
		assert_int_equal(g.valid, vectors[i].valid);
	}
}

static void escaping_into_a_buffer_cuts_whole_characters(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(text_escape(buf, sizeof(buf), str("abcdefghij")), "abcdefg");
	assert_string_equal(text_escape(buf, sizeof(buf), str("a\x1b\x1b")), "a\\x1b");
	assert_string_equal(text_escape(buf, sizeof(buf), str("12345\xe4\xb8\xad")), "12345");
	assert_string_equal(text_escape(buf, sizeof(buf), str("1234\xe4\xb8\xad")),
			    "1234\xe4\xb8\xad");
	assert_string_equal(text_escape(buf, 1, str("x")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_print_as_compilers_do),
		cmocka_unit_test(codes_and_counts),
		cmocka_unit_test(sorting_is_by_place_and_stable),
		cmocka_unit_test(keys_are_hidden_and_the_caret_moves_along),
		cmocka_unit_test(what_a_place_hides_or_shows_wins),
		cmocka_unit_test(odd_bytes_are_escaped_and_the_caret_stays_below),
		cmocka_unit_test(of_a_long_line_only_the_surroundings_are_shown),
		cmocka_unit_test(a_window_shows_no_half_of_a_key),
		cmocka_unit_test(text_is_decoded_as_utf_8),
		cmocka_unit_test(escaping_into_a_buffer_cuts_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
