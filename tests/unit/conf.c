/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the golden files do not show: the model, places, presence flags, the lexer, the tables. */
#include "wgq/conf/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "wgq/conf/keys.h"

#define PRIVATE "yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs="
#define PUBLIC  "tJ8MEngY2D8fcS22p//vSb/5NiEfSVIqD0/qAb040Bg="
#define PEER    "[Peer]\nPublicKey = " PUBLIC "\n"

static struct str str(const char *s)
{
	return (struct str){ s, strlen(s) };
}

struct file {
	struct arena arena;
	struct source source;
	struct findings f;
	struct config *c;
};

static void file_fini(struct file *file)
{
	arena_fini(&file->arena);
}

static void parse(struct file *file, const char *text)
{
	file->f.arena = &file->arena;
	file->source.path = "x.conf";
	file->source.text = str(text);
	file->c = config_parse(&file->arena, &file->source, &file->f);
}

/* The bytes of the file that a span covers. */
static void assert_span(const struct file *file, struct span at, const char *text)
{
	assert_true(at.line);
	assert_int_equal(at.length, strlen(text));
	assert_memory_equal(file->source.text.p + at.line_start + at.column - 1, text, at.length);
}

static void the_model_holds_every_value(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };
	const struct wg_peer *peer;

	(void)state;
	parse(&x, "[Interface]\n"
		  "PrivateKey = " PRIVATE "\n"
		  " Address = 10.0.0.1/16 , fd00::1\n"
		  "DNS = 1.1.1.1 corp\n"
		  "MTU = 0x578\nTable = 7\nSaveConfig = true\n"
		  "PostUp = one # two\nPostUp = three\n"
		  "List enPort = 5 1820\nFwMark = 0xca6c\n"
		  "[Peer]\n"
		  "PublicKey = " PUBLIC "\n"
		  "PresharedKey = " PRIVATE "\n"
		  "Endpoint = [2001:db8::1]:51820\n"
		  "PersistentKeepalive = 25\n"
		  "AllowedIPs = 10.1.2.3/16,\t- fd00::/64\n");
	assert_int_equal(findings_count(&x.f, SEV_ERROR), 0);
	assert_int_equal(x.c->naddrs, 2);
	assert_int_equal(x.c->addrs[0].prefix.len, 16);
	assert_span(&x, x.c->addrs[0].at, "10.0.0.1/16");
	assert_span(&x, x.c->addrs[1].at, "fd00::1");
	assert_string_equal(x.c->dns.servers[0], "1.1.1.1");
	assert_string_equal(x.c->dns.searches[0], "corp");
	assert_span(&x, x.c->dns_at, "1.1.1.1 corp");
	assert_int_equal(x.c->mtu, 1400);
	assert_span(&x, x.c->mtu_at, "0x578");
	assert_int_equal(x.c->table_kind, TABLE_NUMBER);
	assert_int_equal(x.c->table, 7);
	assert_span(&x, x.c->table_at, "7");
	assert_true(x.c->save_config);
	assert_int_equal(x.c->hooks[HOOK_POST_UP].n, 2);
	assert_string_equal(x.c->hooks[HOOK_POST_UP].v[0].text, "one # two");
	assert_span(&x, x.c->hooks[HOOK_POST_UP].v[0].at, "one # two");
	assert_span(&x, x.c->hooks[HOOK_POST_UP].v[1].at, "three");
	assert_int_equal(x.c->device.flags,
			 DEVICE_HAS_PRIVATE_KEY | DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK);
	assert_int_equal(x.c->device.listen_port, 51820);
	assert_span(&x, x.c->listen_port_at, "5 1820");
	assert_int_equal(x.c->device.fwmark, 0xca6c);
	assert_span(&x, x.c->fwmark_at, "0xca6c");
	assert_span(&x, x.c->private_key_at, PRIVATE);

	assert_int_equal(x.c->device.npeers, 1);
	peer = &x.c->device.peers[0];
	assert_int_equal(peer->flags,
			 PEER_HAS_PRESHARED_KEY | PEER_HAS_ENDPOINT | PEER_HAS_KEEPALIVE);
	assert_int_equal(peer->keepalive, 25);
	assert_int_equal(peer->endpoint.in6.sin6_port, htons(51820));
	assert_span(&x, x.c->peers[0].at, "[Peer]");
	assert_span(&x, x.c->peers[0].public_key, PUBLIC);
	assert_span(&x, x.c->peers[0].endpoint, "[2001:db8::1]:51820");
	assert_string_equal(x.c->peers[0].host, "2001:db8::1");
	assert_string_equal(x.c->peers[0].service, "51820");
	assert_int_equal(peer->nallowed_ips, 2);
	assert_int_equal(x.c->peers[0].nallowed_ip, 2);
	assert_span(&x, x.c->peers[0].allowed_ip[0], "10.1.2.3/16");
	assert_span(&x, x.c->peers[0].allowed_ip[1], "- fd00::/64");
	assert_int_equal(peer->allowed_ips[0].prefix.addr[2], 0); /* masked as the kernel does */
	assert_false(peer->allowed_ips[0].remove);
	assert_true(peer->allowed_ips[1].remove);
}

static void absent_and_zero_differ(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 }, y CLEANUP(file_fini) = { 0 };

	(void)state;
	parse(&x, "[Interface]\n[Peer]\nPublicKey = " PUBLIC "\n");
	assert_int_equal(x.c->device.flags, 0);
	assert_int_equal(x.c->device.peers[0].flags, PEER_REPLACE_ALLOWED_IPS);
	assert_int_equal(x.c->table_kind, TABLE_AUTO);
	assert_int_equal(x.c->mtu_at.line, 0);
	assert_null(x.c->peers[0].host);
	parse(&y, "[Interface]\nListenPort = 0\nFwMark = off\n"
		  "PrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" PEER
		  "PersistentKeepalive = off\n"
		  "PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
	assert_int_equal(y.c->device.flags,
			 DEVICE_HAS_PRIVATE_KEY | DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK);
	assert_int_equal(y.c->device.peers[0].flags,
			 PEER_REPLACE_ALLOWED_IPS | PEER_HAS_PRESHARED_KEY | PEER_HAS_KEEPALIVE);
	assert_true(key_is_zero(&y.c->device.private_key));
}

static void the_last_allowed_ips_line_decides_on_replacing(void **state)
{
	static const struct {
		const char *lines;
		bool replace;
	} vectors[] = {
		{ "", true },
		{ "AllowedIPs = 10.0.0.0/8\n", true },
		{ "AllowedIPs = +10.0.0.0/8\n", false },
		{ "AllowedIPs = 10.0.0.0/8, -10.1.0.0/16, 10.2.0.0/16\n", false },
		{ "AllowedIPs = -10.0.0.0/8\nAllowedIPs = 10.1.0.0/16\n", true },
		{ "AllowedIPs = 10.0.0.0/8\nAllowedIPs = + 10.1.0.0/16\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct file x CLEANUP(file_fini) = { 0 };

		parse(&x, arena_printf(&x.arena, PEER "%s", vectors[i].lines));
		assert_int_equal(findings_count(&x.f, SEV_ERROR), 0);
		assert_int_equal(!!(x.c->device.peers[0].flags & PEER_REPLACE_ALLOWED_IPS),
				 vectors[i].replace);
	}
}

static void endpoints_are_filled_in_where_they_are_numeric(void **state)
{
	static const struct {
		const char *text, *host, *service, *numeric;
	} vectors[] = {
		{ "192.0.2.1:51820", "192.0.2.1", "51820", "192.0.2.1:51820" },
		{ "127.1:+00007", "127.1", "7", "127.0.0.1:7" },
		{ "0x7f000001:1", "0x7f000001", "1", "127.0.0.1:1" },
		{ "[192.0.2.1]:1", "192.0.2.1", "1", "192.0.2.1:1" },
		{ "2001:db8::1:5", "2001:db8::1", "5", "[2001:db8::1]:5" },
		{ "[ 2001:db8::1 ] : 5 1 820", "2001:db8::1", "51820", "[2001:db8::1]:51820" },
		{ "[fe80::1%7]:1", "fe80::1%7", "1", "[fe80::1%7]:1" },
		{ "192.0.2.1:domain", "192.0.2.1", "domain", "192.0.2.1:53" },
		{ "[fe80::1%no-such-if]:1", "fe80::1%no-such-if", "1", NULL },
		{ "hub.example.com:domain", "hub.example.com", "domain", NULL },
		{ "[hub.example.com]:5", "hub.example.com", "5", NULL },
	};
	char text[ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct file x CLEANUP(file_fini) = { 0 };
		const struct wg_peer *peer;

		parse(&x, arena_printf(&x.arena, PEER "Endpoint = 198.51.100.1:9\nEndpoint = %s\n",
				       vectors[i].text));
		assert_int_equal(findings_count(&x.f, SEV_ERROR), 0);
		peer = &x.c->device.peers[0];
		assert_string_equal(x.c->peers[0].host, vectors[i].host);
		assert_string_equal(x.c->peers[0].service, vectors[i].service);
		assert_int_equal(!!(peer->flags & PEER_HAS_ENDPOINT), vectors[i].numeric != NULL);
		assert_string_equal(endpoint_format(text, &peer->endpoint),
				    vectors[i].numeric ? vectors[i].numeric : "(none)");
	}
}

static void every_udp_service_is_a_port_and_no_other_word(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 }, y CLEANUP(file_fini) = { 0 };

	(void)state;
	parse(&x, "[Interface]\nListenPort = ntp\n" PEER "Endpoint = 192.0.2.1:domain\n" PEER
		  "Endpoint = 192.0.2.1:domain\n");
	assert_int_equal(x.f.n, 0);
	assert_int_equal(x.c->device.listen_port, 123);
	assert_int_equal(x.c->device.peers[1].endpoint.in.sin_port, htons(53));
	parse(&y, "[Interface]\nListenPort = domain\nListenPort = nodomain\n");
	assert_int_equal(findings_count(&y.f, SEV_ERROR), 1);
}

static void peers_keep_their_order_and_their_places(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };
	const char *text = "";

	(void)state;
	for (int i = 0; i < 50; i++)
		text = arena_printf(&x.arena,
				    "%s# %d\n[Peer]\nPublicKey = %042dA=\n"
				    "AllowedIPs = 10.0.0.%d/32\n",
				    text, i, i, i);
	parse(&x, text);
	assert_int_equal(x.c->device.npeers, 50);
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(x.c->peers[i].at.line, 4 * i + 2);
		assert_int_equal(x.c->device.peers[i].allowed_ips[0].prefix.addr[3], i);
		assert_int_equal(x.c->peers[i].allowed_ip[0].line, 4 * i + 4);
	}
}

static void a_place_can_be_had_again_from_its_span(void **state)
{
	static const char text[] =
		"[Interface]\n\tPrivate\0Key = ab\0c # d\nFwMark = 5 \nFoo = bar";
	struct file x CLEANUP(file_fini) = { 0 };
	struct place at;

	(void)state;
	parse(&x, "");
	x.source.text = (struct str){ text, sizeof(text) - 1 };
	x.c = config_parse(&x.arena, &x.source, &x.f);
	at = source_place(&x.source, x.c->fwmark_at);
	assert_int_equal(at.line, 3);
	assert_int_equal(at.column, 10);
	assert_int_equal(at.length, 1);
	assert_int_equal(at.text.n, strlen("FwMark = 5 "));
	assert_int_equal(at.hide_length, 0);
	assert_string_equal(at.file, "x.conf");
	at = source_place(&x.source, (struct span){ 2, 2, 11, 12 });
	assert_int_equal(at.hide_at, 15); /* "ab", NUL and all, to the end of the line */
	assert_int_equal(at.hide_length, strlen("ab.c # d"));
	at = source_place(&x.source, (struct span){ 4, 1, 3, 48 });
	assert_memory_equal(at.text.p, "Foo = bar", 9);
	assert_int_equal(at.hide_at, 6);
	assert_int_equal(at.hide_length, 3);
	at = source_place(&x.source, (struct span){ 0 });
	assert_null(at.text.p);
}

struct hiding {
	const char *line;
	const char *hidden; /* what must not be seen; "": nothing is hidden */
	const char *public;
};

static void secrets_are_known_by_their_line(void **state)
{
	static const struct hiding vectors[] = {
		{ "PrivateKey = abc", "abc", "" },
		{ "Pri vate Key = a b c # d", "a b c # d", "" },
		{ "PresharedKey=", "", "" },
		{ "'PrivateKey' = abc", "abc", "" },
		{ "PrivatKey = abc", "abc", "" },
		{ "PrivateKey abc", "abc", "" },
		{ "PrivateKey: abc=", ": abc=", "" },
		{ "PrivateKeyabc", "PrivateKeyabc", "" },
		{ "# PrivateKey = abc", "abc", "" },
		{ "#PresharedKey=abc", "abc", "" },
		{ "; PrivateKey = abc", "abc", "" },
		{ "MTU = x # PrivateKey = abc", "abc", "" },
		{ "PublicKey = abc # d", "", "abc" },
		{ "PublicKey = abc PrivateKey = d", "PrivateKey = d", "abc" },
		{ "# PublicKey = abc", "", "abc" },
		{ "## x = abc", "", "" },
		{ "# any words at all", "", "" },
		{ "Address = 10.0.0.1", "", "" },
		{ "Address : 10.0.0.1", "", "" },
		{ "Address foo = bar", "foo = bar", "" },
		{ "Foo = bar # baz", "bar # baz", "" },
		{ "; Foo = bar", "bar", "" },
		{ "; words", "", "" },
		{ "[Interface]", "", "" },
		{ "[Interface] = abc", "abc", "" },
		{ "[Peer", "", "" },
		{ "Peer]", "", "" },
		{ "Peer abc", "Peer abc", "" },
		{ "kNbHyN7QbxzQ=", "kNbHyN7QbxzQ=", "" },
		{ "kNbHyN7QbxzQ", "kNbHyN7QbxzQ", "" },
		{ "= abc", "= abc", "" },
		{ "a b = c", "a b = c", "" },
		{ "Adres 10.0.0.1", "10.0.0.1", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct hiding *v = &vectors[i];
		struct source s = { .path = "x", .text = str(v->line) };
		struct place at = source_place(&s, (struct span){ 1, 1, 0, 0 });

		if (at.hide_length != strlen(v->hidden) ||
		    memcmp(v->line + at.hide_at, v->hidden, at.hide_length) != 0)
			fail_msg("'%s' hides %u bytes from %u", v->line, at.hide_length,
				 at.hide_at);
		if (at.show_length != strlen(v->public) ||
		    memcmp(v->line + at.show_at, v->public, at.show_length) != 0)
			fail_msg("'%s' shows %u bytes from %u", v->line, at.show_length,
				 at.show_at);
	}
}

static void lines_are_cut_as_bash_does(void **state)
{
	static const char text[] = "\xef\xbb\xbf a = b # c = d \r\n\n\t\0x\0\t\n  =\nlast\n  \t";
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct lexer lexer;
	struct line line;

	(void)state;
	lexer_init(&lexer, (struct str){ text, sizeof(text) - 1 }, BOM_BYTES, &a);
	assert_true(lexer_next(&lexer, &line));
	assert_int_equal(line.raw.n, 19);
	assert_int_equal(line.start, 0);
	assert_memory_equal(line.text.p, "a = b # c = d \r", line.text.n);
	assert_int_equal(line.text.n, 15);
	assert_memory_equal(line.key.p, "a", line.key.n);
	assert_int_equal(line.value.n, 1);
	assert_int_equal(line.raw_value.n, strlen("b # c = d"));
	assert_int_equal(line_span(&line, line.value).column, 9);
	assert_true(lexer_next(&lexer, &line));
	assert_int_equal(line.text.n, 0);
	assert_true(lexer_next(&lexer, &line));
	assert_int_equal(line.text.n, 1);
	assert_int_equal(line_span(&line, line.text).column, 3);
	assert_int_equal(line_span(&line, line.text).length, 1);
	assert_true(lexer_next(&lexer, &line));
	assert_true(line.has_equals);
	assert_int_equal(line.key.n, 0);
	assert_int_equal(line.value.n, 0);
	assert_true(lexer_next(&lexer, &line));
	assert_int_equal(line.number, 5);
	assert_false(line.has_equals);
	assert_false(lexer_next(&lexer, &line));
}

static void squeezed_text_knows_where_it_came_from(void **state)
{
	static const struct {
		const char *in, *out;
		size_t at, n;
		const char *part;
	} vectors[] = {
		{ "a b c", "abc", 1, 1, "b" },
		{ "a b c", "abc", 0, 3, "a b c" },
		{ " a\tb ", "ab", 0, 1, "a" },
		{ " a\tb ", "ab", 1, 1, "b" },
		{ "ab", "ab", 2, 1, "" },
		{ "", "", 0, 1, "" },
		{ "a \v\f\r b", "ab", 0, 2, "a \v\f\r b" },
	};
	struct arena a CLEANUP(arena_fini) = { 0 };
	char buf[SQUEEZE_SIZE], wide[4 * SQUEEZE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct str part = lex_unsqueeze(str(vectors[i].in), vectors[i].at, vectors[i].n);

		assert_string_equal(lex_squeeze(&a, buf, str(vectors[i].in)).p, vectors[i].out);
		assert_int_equal(part.n, strlen(vectors[i].part));
		assert_memory_equal(part.p, vectors[i].part, part.n);
	}
	memset(wide, 'x', sizeof(wide));
	assert_int_equal(lex_squeeze(&a, buf, (struct str){ wide, sizeof(wide) }).n, sizeof(wide));
}

static void typing_errors_are_counted(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} vectors[] = {
		{ "Address", "Address", 0 },
		{ "ADDRESS", "address", 0 },
		{ "Adress", "Address", 1 },
		{ "Adderss", "Address", 1 },
		{ "", "DNS", 3 },
		{ "DNS", "MTU", 3 },
		{ "Addresses", "Address", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(keys_distance(str(vectors[i].a), vectors[i].b),
				 vectors[i].distance);
	assert_string_equal(keys_nearest(str("EndPont"), SECTION_PEER)->name, "Endpoint");
	assert_string_equal(keys_nearest(str("Privatekeys"), SECTION_INTERFACE)->name,
			    "PrivateKey");
	assert_null(keys_nearest(str("Colour"), SECTION_INTERFACE));
	assert_null(keys_nearest(str("x"), SECTION_INTERFACE));
	assert_null(
		keys_nearest(str("AVeryLongWordThatIsLongerThanAnyKeyOfThisFile"), SECTION_PEER));
}

static void the_table_of_keys_is_whole(void **state)
{
	static const char *const keys[] = {
		"Address",
		"DNS",
		"MTU",
		"Table",
		"PreUp",
		"PostUp",
		"PreDown",
		"PostDown",
		"SaveConfig",
		"ListenPort",
		"FwMark",
		"PrivateKey",
		"PublicKey",
		"PresharedKey",
		"AllowedIPs",
		"Endpoint",
		"PersistentKeepalive",
		"Forward",
		"Masquerade",
		"AllowFrom",
		"Firewall",
	};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_string_equal(keys_find(str(keys[i]))->name, keys[i]);
	for (const struct conf_key *k = conf_keys; k->name; k++, n++) {
		assert_non_null(k->parse);
		assert_non_null(k->print);
	}
	assert_int_equal(n, ARRAY_SIZE(keys));
}

static int strip(const char *text, char **out, size_t *n, struct file *x)
{
	FILE *stream = open_memstream(out, n);
	int err;

	x->f.arena = &x->arena;
	x->source.path = "x.conf";
	x->source.text = str(text);
	err = config_strip(stream, &x->source, &x->f);
	fclose(stream);
	return err;
}

static void strip_writes_nothing_at_a_bad_save_config(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };
	char *out CLEANUP_FREE = NULL;
	size_t n;

	(void)state;
	assert_int_equal(strip("[Interface]\nListenPort = 1\nSaveConfig = maybe\n", &out, &n, &x),
			 -EINVAL);
	assert_int_equal(n, 0);
	assert_int_equal(x.f.n, 1);
	assert_int_equal(x.f.v[0].at.line, 3);
	assert_int_equal(x.f.v[0].at.column, 14);
}

static void strip_does_not_judge(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };
	char *out CLEANUP_FREE = NULL;
	size_t n;

	(void)state;
	assert_int_equal(strip("[Interface]\nListenPort = x\n Foo\nSaveConfig = TRUE\n"
			       "[Peer]\nSaveConfig = maybe",
			       &out, &n, &x),
			 0);
	assert_string_equal(out,
			    "[Interface]\nListenPort = x\nFoo\n[Peer]\nSaveConfig = maybe\n\n");
	assert_int_equal(x.f.n, 0);
}

static void strip_says_when_it_cannot_write(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };
	FILE *full CLEANUP_FILE = fopen("/dev/full", "w");

	(void)state;
	x.f.arena = &x.arena;
	x.source.text = str("[Interface]\n");
	assert_int_equal(config_strip(full, &x.source, &x.f), -EIO);
}

static void world_access_needs_a_bit_in_both_modes(void **state)
{
	struct source s = { .mode = 0100644, .folder_mode = 040755 };

	(void)state;
	assert_true(source_is_world_accessible(&s));
	s.folder_mode = 040711;
	assert_false(source_is_world_accessible(&s));
	s.mode = 0;
	s.folder_mode = 040777;
	assert_false(source_is_world_accessible(&s));
}

/* Each of them is reported, and none costs the whole line again: that would take minutes. */
static void many_faults_in_one_line_take_linear_time(void **state)
{
	enum { FAULTS = 100000 };
	struct file x CLEANUP(file_fini) = { 0 };
	char *list = arena_alloc(&x.arena, 2 * FAULTS + 1);

	(void)state;
	for (size_t i = 0; i < FAULTS; i++)
		memcpy(list + 2 * i, "x,", 2);
	list[2 * FAULTS - 1] = '\0';
	parse(&x, arena_printf(&x.arena, PEER "AllowedIPs = %s\n", list));
	assert_int_equal(findings_count(&x.f, SEV_ERROR), FAULTS);
	assert_int_equal(x.f.v[FAULTS - 1].at.column, strlen("AllowedIPs = ") + 2 * FAULTS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_model_holds_every_value),
		cmocka_unit_test(absent_and_zero_differ),
		cmocka_unit_test(the_last_allowed_ips_line_decides_on_replacing),
		cmocka_unit_test(endpoints_are_filled_in_where_they_are_numeric),
		cmocka_unit_test(every_udp_service_is_a_port_and_no_other_word),
		cmocka_unit_test(peers_keep_their_order_and_their_places),
		cmocka_unit_test(a_place_can_be_had_again_from_its_span),
		cmocka_unit_test(secrets_are_known_by_their_line),
		cmocka_unit_test(lines_are_cut_as_bash_does),
		cmocka_unit_test(squeezed_text_knows_where_it_came_from),
		cmocka_unit_test(typing_errors_are_counted),
		cmocka_unit_test(the_table_of_keys_is_whole),
		cmocka_unit_test(strip_writes_nothing_at_a_bad_save_config),
		cmocka_unit_test(strip_does_not_judge),
		cmocka_unit_test(strip_says_when_it_cannot_write),
		cmocka_unit_test(world_access_needs_a_bit_in_both_modes),
		cmocka_unit_test(many_faults_in_one_line_take_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
