/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct str str(const char *s)
{
	return (struct str){ s, strlen(s) };
}

static struct prefix prefix(const char *s)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, str(s)), 0);
	return p;
}

struct vector {
	const char *in;
	const char *out; /* NULL: error */
	int error;
};

static void check(int (*parse)(struct prefix *, struct str), const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct prefix p = { .family = 99 };
		char text[PREFIX_TEXT];
		int err = parse(&p, str(v[i].in));

		if (!v[i].out) {
			if (err != v[i].error || p.family != 99)
				fail_msg("'%s': %d", v[i].in, err);
			continue;
		}
		if (err)
			fail_msg("'%s': %d", v[i].in, err);
		assert_string_equal(prefix_format(text, &p), v[i].out);
	}
}

static void strict_prefixes_are_those_of_wg(void **state)
{
	static const struct vector vectors[] = {
		{ "10.0.0.1", "10.0.0.1/32", 0 },
		{ "10.0.0.1/0", "10.0.0.1/0", 0 },
		{ "10.0.0.1/32", "10.0.0.1/32", 0 },
		{ "10.0.0.1/008", "10.0.0.1/8", 0 },
		{ "10.0.0.1/000000000000000000000000000000000008", "10.0.0.1/8", 0 },
		{ "::/0", "::/0", 0 },
		{ "::0/0", "::/0", 0 },
		{ "FD00::1", "fd00::1/128", 0 },
		{ "::ffff:1.2.3.4/96", "::ffff:1.2.3.4/96", 0 },
		{ "1:2:3:4:5:6:7:8/128", "1:2:3:4:5:6:7:8/128", 0 },
		{ "", NULL, -EINVAL },
		{ "/8", NULL, -EINVAL },
		{ "10.0.0", NULL, -EINVAL },
		{ "10.0.0.01", NULL, -EINVAL },
		{ "0x0a.0.0.1", NULL, -EINVAL },
		{ "10.0.0.1 ", NULL, -EINVAL },
		{ "fd00::g", NULL, -EINVAL },
		{ "fe80::1%lo", NULL, -EINVAL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL,
		  -EINVAL },
		{ "10.0.0.1/", NULL, -ERANGE },
		{ "10.0.0.1/33", NULL, -ERANGE },
		{ "10.0.0.1/255.0.0.0", NULL, -ERANGE },
		{ "10.0.0.1/8/8", NULL, -ERANGE },
		{ "10.0.0.1/-1", NULL, -ERANGE },
		{ "10.0.0.1/+1", NULL, -ERANGE },
		{ "10.0.0.1/0x8", NULL, -ERANGE },
		{ "10.0.0.1/4294967296", NULL, -ERANGE },
		{ "::/129", NULL, -ERANGE },
	};

	(void)state;
	check(prefix_parse, vectors, ARRAY_SIZE(vectors));
}

static void lenient_prefixes_are_those_of_ip(void **state)
{
	static const struct vector vectors[] = {
		{ "10.0.0.1", "10.0.0.1/32", 0 },
		{ "10.1/16", "10.1.0.0/16", 0 },
		{ "10", "10.0.0.0/32", 0 },
		{ "010.0x10.1", "8.16.1.0/32", 0 },
		{ "+10.0.0.1", "10.0.0.1/32", 0 },
		{ "10.0.0.1/0x18", "10.0.0.1/24", 0 },
		{ "10.0.0.1/030", "10.0.0.1/24", 0 },
		{ "10.0.0.1/+8", "10.0.0.1/8", 0 },
		{ "10.0.0.1/255.255.255.0", "10.0.0.1/24", 0 },
		{ "10.0.0.1/255.255", "10.0.0.1/16", 0 },
		{ "10.0.0.1/0.0.0.0", "10.0.0.1/0", 0 },
		{ "fd00::1/64", "fd00::1/64", 0 },
		{ "fd00::1/255.255.0.0", "fd00::1/16", 0 },
		{ "", NULL, -EINVAL },
		{ "/8", NULL, -EINVAL },
		{ "10.", NULL, -EINVAL },
		{ "10.0.0.1.", NULL, -EINVAL },
		{ "10.0.0.1.2", NULL, -EINVAL },
		{ "256.0.0.1", NULL, -EINVAL },
		{ "-1.0.0.1", NULL, -EINVAL },
		{ "10.0.08.1", NULL, -EINVAL },
		{ "host.example", NULL, -EINVAL },
		{ "fe80::1%lo", NULL, -EINVAL },
		{ "10.0.0.1/", NULL, -ERANGE },
		{ "10.0.0.1/33", NULL, -ERANGE },
		{ "10.0.0.1/-1", NULL, -ERANGE },
		{ "10.0.0.1/255.0.255.0", NULL, -ERANGE },
		{ "10.0.0.1/24x", NULL, -ERANGE },
		{ "10.0.0.1/00000000000000000000000000000000000010", NULL, -ERANGE },
		{ "fd00::1/129", NULL, -ERANGE },
	};

	(void)state;
	check(prefix_parse_ip, vectors, ARRAY_SIZE(vectors));
}

static void nul_bytes_are_no_end(void **state)
{
	struct prefix p;

	(void)state;
	assert_int_equal(prefix_parse(&p, (struct str){ "10.0.0.1\0x", 10 }), -EINVAL);
	assert_int_equal(prefix_parse_ip(&p, (struct str){ "10.0.0.1\0x", 10 }), -EINVAL);
}

static void masking_clears_host_bits_only(void **state)
{
	static const char *const vectors[][2] = {
		{ "10.1.2.3/32", "10.1.2.3/32" },
		{ "10.1.2.3/31", "10.1.2.2/31" },
		{ "10.1.2.3/17", "10.1.0.0/17" },
		{ "10.1.255.3/17", "10.1.128.0/17" },
		{ "10.1.2.3/16", "10.1.0.0/16" },
		{ "10.1.2.3/0", "0.0.0.0/0" },
		{ "fd00::ffff/127", "fd00::fffe/127" },
		{ "fd00:1:2:3:4::/64", "fd00:1:2:3::/64" },
		{ "ffff::1/1", "8000::/1" },
	};
	char text[PREFIX_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct prefix p = prefix(vectors[i][0]), masked = prefix_network(p);

		assert_string_equal(prefix_format(text, &masked), vectors[i][1]);
		assert_int_equal(prefix_has_host_bits(&p),
				 strcmp(vectors[i][0], vectors[i][1]) != 0);
		assert_false(prefix_has_host_bits(&masked));
	}
}

static void containment_minds_family_and_length(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} vectors[] = {
		{ "10.0.0.0/8", "10.1.2.3/32", true },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.9.9.9/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "11.0.0.0/32", false },
		{ "10.0.0.0/16", "10.0.0.0/8", false },
		{ "0.0.0.0/0", "255.1.1.1/32", true },
		{ "0.0.0.0/0", "::1/128", false },
		{ "::/0", "10.0.0.1/32", false },
		{ "fd00::/64", "fd00::1:0:0:1/64", true },
		{ "fd00::/65", "fd00::8000:0:0:1/128", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct prefix outer = prefix(vectors[i].outer), inner = prefix(vectors[i].inner);

		assert_int_equal(prefix_contains(&outer, &inner), vectors[i].contains);
	}
}

static void order_is_family_then_address_then_length(void **state)
{
	static const char *const sorted[] = { "0.0.0.0/0",   "9.0.0.0/8",   "10.0.0.0/8",
					      "10.0.0.0/16", "10.0.0.1/16", "::/0",
					      "fd00::/8",    "fd00::1/8" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			struct prefix a = prefix(sorted[i]), b = prefix(sorted[j]);
			int order = prefix_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static union endpoint v4(const char *addr, uint16_t port)
{
	union endpoint e = { .in = { .sin_family = AF_INET, .sin_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET, addr, &e.in.sin_addr), 1);
	return e;
}

static union endpoint v6(const char *addr, uint16_t port, uint32_t scope)
{
	union endpoint e = { .in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };

	e.in6.sin6_scope_id = scope;
	assert_int_equal(inet_pton(AF_INET6, addr, &e.in6.sin6_addr), 1);
	return e;
}

static void endpoints_print_and_compare(void **state)
{
	union endpoint a = v4("192.0.2.1", 51820), b = v4("192.0.2.1", 51821),
		       c = v6("2001:db8::1", 5, 0), d = v6("fe80::1", 65535, 2), none = { 0 };
	union endpoint labelled = c;
	char text[ENDPOINT_TEXT];
	struct prefix p;

	(void)state;
	assert_string_equal(endpoint_format(text, &a), "192.0.2.1:51820");
	assert_string_equal(endpoint_format(text, &c), "[2001:db8::1]:5");
	assert_string_equal(endpoint_format(text, &d), "[fe80::1%2]:65535");
	assert_string_equal(endpoint_format(text, &none), "(none)");
	labelled.in6.sin6_flowinfo = htonl(7);
	assert_true(endpoint_equal(&a, &a));
	assert_true(endpoint_equal(&c, &labelled));
	assert_false(endpoint_equal(&a, &b));
	assert_false(endpoint_equal(&a, &c));
	assert_false(endpoint_equal(&c, &d));
	assert_int_equal(endpoint_size(&a), sizeof(struct sockaddr_in));
	assert_int_equal(endpoint_size(&c), sizeof(struct sockaddr_in6));
	p = endpoint_addr(&a);
	assert_string_equal(prefix_format(text, &p), "192.0.2.1/32");
	p = endpoint_addr(&d);
	assert_string_equal(prefix_format(text, &p), "fe80::1/128");
	assert_string_equal(prefix_format_addr(text, &p), "fe80::1");
}

static void private_and_public_addresses_end_where_they_should(void **state)
{
	static const struct {
		const char *addr;
		bool private, public;
	} rows[] = {
		{ "9.255.255.255", false, true },   { "10.0.0.0", true, false },
		{ "10.255.255.255", true, false },  { "11.0.0.0", false, true },
		{ "172.15.255.255", false, true },  { "172.16.0.0", true, false },
		{ "172.31.255.255", true, false },  { "172.32.0.0", false, true },
		{ "192.167.255.255", false, true }, { "192.168.0.0", true, false },
		{ "192.168.255.255", true, false }, { "192.169.0.0", false, true },
		{ "0.0.0.1", false, false },        { "100.63.255.255", false, true },
		{ "100.64.0.0", false, false },     { "100.127.255.255", false, false },
		{ "100.128.0.0", false, true },     { "127.0.0.1", false, false },
		{ "169.254.1.1", false, false },    { "223.255.255.255", false, true },
		{ "224.0.0.1", false, false },      { "255.255.255.255", false, false },
		{ "1fff::1", false, false },        { "2000::", false, true },
		{ "2001:db8::1", false, true },     { "3fff:ffff::1", false, true },
		{ "4000::", false, false },         { "::1", false, false },
		{ "fd00::1", false, false },        { "fe80::1", false, false },
		{ "0a00::1", false, false },
	};
	static const struct prefix none;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct prefix p;

		assert_int_equal(
			prefix_parse(&p, (struct str){ rows[i].addr, strlen(rows[i].addr) }), 0);
		if (prefix_is_private(&p) != rows[i].private ||
		    prefix_is_public(&p) != rows[i].public)
			fail_msg("%s", rows[i].addr);
	}
	assert_false(prefix_is_private(&none));
	assert_false(prefix_is_public(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_prefixes_are_those_of_wg),
		cmocka_unit_test(lenient_prefixes_are_those_of_ip),
		cmocka_unit_test(nul_bytes_are_no_end),
		cmocka_unit_test(masking_clears_host_bits_only),
		cmocka_unit_test(containment_minds_family_and_length),
		cmocka_unit_test(order_is_family_then_address_then_length),
		cmocka_unit_test(endpoints_print_and_compare),
		cmocka_unit_test(private_and_public_addresses_end_where_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
