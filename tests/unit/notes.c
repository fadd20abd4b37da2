/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comments say of sections, and what is just a comment. */
#include "wgq/conf/notes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY_A    "tJ8MEngY2D8fcS22p//vSb/5NiEfSVIqD0/qAb040Bg="
#define KEY_B    "HuSDMaliHrGPyBFbIp9qWOpTPcLJLRZMYxbb5Ay5W0s="
#define CHARS_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct file {
	struct arena arena;
	struct config *c;
	struct notes notes;
	struct note *peers;
};

static void file_fini(struct file *x)
{
	arena_fini(&x->arena);
}

static void load(struct file *x, const char *text, size_t n)
{
	struct findings f = { .arena = &x->arena };
	struct source source = { .path = "wg0.conf", .text = { text, n } };

	x->c = config_parse(&x->arena, &source, &f);
	x->peers = arena_alloc(&x->arena, x->c->device.npeers * sizeof(*x->peers));
	notes_read(&x->notes, x->peers, x->c);
}

/* " site<home>": and the place is where the text stands. */
static const char *show(struct file *x, const char *what, const struct note *note)
{
	const struct source *s = &x->c->source;

	if (!note->text) {
		assert_int_equal(note->at.line, 0);
		return "";
	}
	assert_int_equal(note->at.length, strlen(note->text));
	assert_memory_equal(s->text.p + note->at.line_start + note->at.column - 1, note->text,
			    note->at.length);
	return arena_printf(&x->arena, " %s<%s>", what, note->text);
}

/* All that is said: of the interface, then "| name" for each peer. */
static const char *said(struct file *x)
{
	const struct notes *n = &x->notes;
	const char *all = arena_printf(&x->arena, "%s%s%s%s%s%s",
				       show(x, n->name_is_comment ? "comment" : "name", &n->name),
				       show(x, "site", &n->site), show(x, "key", &n->public_key),
				       show(x, "endpoint", &n->endpoint),
				       show(x, "forwards", &n->forwards),
				       n->says_forwards ? "!" : "");

	for (size_t i = 0; i < x->c->device.npeers; i++)
		all = arena_printf(&x->arena, "%s |%s", all, show(x, "name", &x->peers[i]));
	return all;
}

struct vector {
	const char *text, *said;
};

static void check(const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct file x CLEANUP(file_fini) = { 0 };

		load(&x, v[i].text, strlen(v[i].text));
		if (strcmp(said(&x), v[i].said) != 0)
			fail_msg("%s\nsays:    %s\nand not: %s", v[i].text, said(&x), v[i].said);
	}
}

static void test_interface(void **state)
{
	static const struct vector v[] = {
		{ "[Interface]\n# Name = relay\n# Site = home\n# PublicKey = " KEY_A
		  "\n# Endpoint = relay.example:51820\n# Forwards = yes\n",
		  " name<relay> site<home> key<" KEY_A "> endpoint<relay.example:51820> "
		  "forwards<yes>!" },
		{ "[Interface]\n#name=the relay\r\n \t#\tSITE  =  at home \t\n",
		  " name<the relay> site<at home>" },
		{ "[Interface]\n# Forwards = no\n", " forwards<no>" },
		{ "[Interface]\n# Forwards = Yes\n", " forwards<Yes>!" },
		{ "[Interface]\n# Forwards = mesh\n", "" },
		{ "[Interface]\n# Name = 中继\n", " name<中继>" },
		{ "\xef\xbb\xbf# A\n[Interface]\n# Site = home\n", " comment<A> site<home>" },
		{ "[ INTERFACE ] # mine\n# Name = a\n", " name<a>" },
		/* the first counts */
		{ "[Interface]\n# Name = a\n# Name = b\n", " name<a>" },
		{ "[Interface]\n# Name = a=b\n# Name = b\n", " name<b>" },
		{ "[Interface]\n# Name = a\n[Peer]\nPublicKey = " KEY_A
		  "\n[Interface]\n# Name = b\n# Site = s\n",
		  " name<a> |" },
		/* outside of a section, or in another */
		{ "# Name = a\n[Interface]\n", "" },
		{ "[Interface]\n[Peer]\n# Site = home\n# Endpoint = a:1\nPublicKey = " KEY_A "\n",
		  " |" },
		{ "[Interface]\n# friendly_name = a\n", "" },
		{ "[Other]\n# Name = a\n[Interface]\n", "" },
		/* no comment lines of their own */
		{ "[Interface]\nAddress = 10.0.0.1/24 # Name = a\n", "" },
		{ "[Interface]\nName = a\n", "" },
		{ "[Interface]\n## Name = a\n", "" },
		{ "[Interface]\n# My Name = a\n", "" },
		{ "", "" },
		{ "#", "" },
	};

	(void)state;
	check(v, ARRAY_SIZE(v));
}

static void test_names_of_peers(void **state)
{
	static const struct vector v[] = {
		{ "[Peer]\n# Name = a\nPublicKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B "\n"
		  "# friendly_name = b\n",
		  " | name<a> | name<b>" },
		{ "# lone\n[Peer]\n#friendly_name=friend\n# Name = said\n", " | name<said>" },
		{ "# lone\n[Peer]\n#friendly_name=friend\n", " | name<friend>" },
		{ "# lone\n[Peer]\n", " | name<lone>" },
		{ "# Name = of nobody\n[Peer]\n", " |" },
		{ "[Peer]\n[Peer]\n# b\n[ peer ]\n", " | | | name<b>" },
	};

	(void)state;
	check(v, ARRAY_SIZE(v));
}

static void test_lone_comments(void **state)
{
	static const struct vector v[] = {
		{ "# C\n[Interface]\n\n# A\n[Peer]\n", " comment<C> | name<A>" },
		{ "[Interface]\nMTU = 1420\n# A\n[Peer]\n", " | name<A>" },
		{ "# about this file\n\n# C\n[Interface]\n", " comment<C>" },
		{ "### C ###\n[Interface]\n", " comment<C>" },
		{ "# C\r\n[Interface]\r\n", " comment<C>" },
		{ "# C\n[Interface]\n# Name = relay\n", " name<relay>" },
		/* boxes, pairs, and what stands further up */
		{ "####\n# center #\n####\n[Peer]\n", " |" },
		{ "# center\n# C\n[Interface]\n", "" },
		{ "# C\n\n[Interface]\n", "" },
		{ "# C\n#\n[Interface]\n", "" },
		/* no words */
		{ "##########\n[Interface]\n", "" },
		{ "# --------\n[Interface]\n", "" },
		{ "#\n[Interface]\n", "" },
		/* a key that is out of use */
		{ "[Interface]\n# MTU = 1280\n[Peer]\n", " |" },
		/* a second [Interface] has nothing to say */
		{ "# A\n[Interface]\n\n# B\n[Interface]\n", " comment<A>" },
	};

	(void)state;
	check(v, ARRAY_SIZE(v));
}

static void test_hostile_names_are_just_comments(void **state)
{
	static const char *const bad[] = {
		"\x1b[31mred",
		"a\tb",
		"a\x7f",
		"a=b",
		"",
		"\xff",
		"\xc3",
		"\xe4\xb8",
		"a\xc2\xa0",     /* no-break space */
		"a\xe2\x80\x8b", /* zero width */
		"\xe2\x80\xae"
		"evil", /* right to left */
		"\xed\xa0\x80" /* surrogate */,
		CHARS_64 "x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct file x CLEANUP(file_fini) = { 0 };
		const char *text = arena_printf(&x.arena,
						"# %s\n[Interface]\n# Name = %s\n# Site = %s\n"
						"# %s\n[Peer]\n# friendly_name = %s\n",
						bad[i], bad[i], bad[i], bad[i], bad[i]);

		load(&x, text, strlen(text));
		assert_string_equal(said(&x), " |");
	}
}

static void test_names_may_be_64_bytes(void **state)
{
	static const struct vector v[] = {
		{ "[Interface]\n# Name = " CHARS_64 "\n", " name<" CHARS_64 ">" },
		{ "# " CHARS_64 "\n[Peer]\n", " | name<" CHARS_64 ">" },
		{ "# <b>\"'`$(x)`&;\\\n[Interface]\n", " comment<<b>\"'`$(x)`&;\\>" },
	};

	(void)state;
	check(v, ARRAY_SIZE(v));
}

static void test_nul_bytes_make_no_name(void **state)
{
	static const char text[] = "[Interface]\n# Name = a\0b\n[Peer]\n\0# x\n[Peer]\n";
	struct file x CLEANUP(file_fini) = { 0 };

	(void)state;
	load(&x, text, sizeof(text) - 1);
	assert_string_equal(said(&x), " | |");
}

static void test_malformed_values_are_just_comments(void **state)
{
	static const char *const bad[] = {
		"# PublicKey = " KEY_A "x",
		"# PublicKey = (hidden)",
		"# PublicKey =",
		"# Endpoint = relay.example",
		"# Endpoint = relay.example:",
		"# Endpoint = :51820",
		"# Endpoint = relay.example:0",
		"# Endpoint = relay.example:65536",
		"# Endpoint = relay.example:000051820",
		"# Endpoint = relay.example:51820 # or 443",
		"# Endpoint = 2001:db8::1:51820",
		"# Endpoint = []:51820",
		"# Endpoint = a b:51820",
		"# Endpoint = \x1b[0m:51820",
		"# Forwards = yes, it does",
		"# Forwards =",
		"# Site = " CHARS_64 "x",
	};
	static const struct vector good[] = {
		{ "[Interface]\n# Endpoint = [2001:db8::1]:443\n", " endpoint<[2001:db8::1]:443>" },
		{ "[Interface]\n# Endpoint = 192.0.2.1:65535\n", " endpoint<192.0.2.1:65535>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct file x CLEANUP(file_fini) = { 0 };
		const char *text = arena_printf(&x.arena, "[Interface]\n%s\n", bad[i]);

		load(&x, text, strlen(text));
		if (*said(&x))
			fail_msg("%s says%s", bad[i], said(&x));
	}
	check(good, ARRAY_SIZE(good));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_names_of_peers),
		cmocka_unit_test(test_lone_comments),
		cmocka_unit_test(test_hostile_names_are_just_comments),
		cmocka_unit_test(test_names_may_be_64_bytes),
		cmocka_unit_test(test_nul_bytes_make_no_name),
		cmocka_unit_test(test_malformed_values_are_just_comments),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
