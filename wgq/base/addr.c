/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>

/* ADDR[/MASK] in two; the address NUL-terminated. */
struct parts {
	char addr[INET6_ADDRSTRLEN + 16];
	struct str mask; /* p NULL: no slash */
};

static int split(struct parts *out, struct str text)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	size_t n = slash ? (size_t)(slash - text.p) : text.n;

	if (!n || n >= sizeof(out->addr) || memchr(text.p, '\0', text.n))
		return -EINVAL;
	memcpy(out->addr, text.p, n);
	out->addr[n] = '\0';
	out->mask = (struct str){ NULL, 0 };
	if (slash)
		out->mask = (struct str){ slash + 1, text.n - n - 1 };
	return 0;
}

/* Decimal digits only, 0 to max; any number of leading zeros. */
static int parse_bits(uint8_t *bits, struct str text, unsigned max)
{
	unsigned value = 0;

	if (!text.n)
		return -ERANGE;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -ERANGE;
		value = value * 10 + (unsigned)(text.p[i] - '0');
		if (value > max)
			return -ERANGE;
	}
	*bits = (uint8_t)value;
	return 0;
}

int prefix_parse(struct prefix *p, struct str text)
{
	struct prefix new = { 0 };
	struct parts parts;
	int err = split(&parts, text);

	if (err)
		return err;
	new.family = strchr(parts.addr, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(new.family, parts.addr, new.addr) != 1)
		return -EINVAL;
	new.len = family_bits(new.family);
	err = parts.mask.p ? parse_bits(&new.len, parts.mask, new.len) : 0;
	if (!err)
		*p = new;
	return err;
}

/* One to four parts, each of any C base, missing ones zero at the end (get_addr_ipv4 in iproute2's
 * lib/utils.c). */
static int parse_ipv4_ip(uint8_t addr[4], const char *text)
{
	memset(addr, 0, 4);
	for (int i = 0; i < 4; i++) {
		unsigned long part;
		char *end;

		part = strtoul(text, &end, 0);
		if (end == text || part > 255)
			return -EINVAL;
		addr[i] = (uint8_t)part;
		if (!*end)
			return 0;
		if (*end != '.')
			return -EINVAL;
		text = end + 1;
	}
	return -EINVAL;
}

/* A netmask of ones followed by zeros, as "255.255.0.0"; short forms as in addresses. */
static int parse_netmask(uint8_t *bits, const char *text)
{
	uint8_t mask[4];
	uint32_t host;

	if (parse_ipv4_ip(mask, text))
		return -ERANGE;
	host = ~((uint32_t)mask[0] << 24 | (uint32_t)mask[1] << 16 | (uint32_t)mask[2] << 8 |
		 mask[3]);
	if (host & (host + 1))
		return -ERANGE;
	*bits = (uint8_t)(32 - __builtin_popcount(host));
	return 0;
}

/* iproute2 reads a length with strtoul(base 0), so that "0x10" and "020" are both 16, and only what
 * is no number as a netmask, for IPv6 too. */
static int parse_bits_ip(uint8_t *bits, const char *text, unsigned max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (end == text || *end || errno || value > UINT32_MAX)
		return parse_netmask(bits, text);
	if (value > max)
		return -ERANGE;
	*bits = (uint8_t)value;
	return 0;
}

int prefix_parse_ip(struct prefix *p, struct str text)
{
	struct prefix new = { 0 };
	struct parts parts;
	char mask[INET_ADDRSTRLEN + 8];
	int err = split(&parts, text);

	if (err)
		return err;
	new.family = memchr(text.p, ':', text.n) ? AF_INET6 : AF_INET;
	new.len = family_bits(new.family);
	if (new.family == AF_INET6 ? inet_pton(AF_INET6, parts.addr, new.addr) != 1
				   : parse_ipv4_ip(new.addr, parts.addr))
		return -EINVAL;
	if (parts.mask.p) {
		snprintf(mask, sizeof(mask), "%.*s", STR_ARGS(parts.mask));
		err = parts.mask.n >= sizeof(mask) ? -ERANGE
						   : parse_bits_ip(&new.len, mask, new.len);
	}
	if (!err)
		*p = new;
	return err;
}

const char *prefix_format_addr(char text[PREFIX_TEXT], const struct prefix *p)
{
	if (!inet_ntop(p->family, p->addr, text, PREFIX_TEXT))
		snprintf(text, PREFIX_TEXT, "(none)");
	return text;
}

const char *prefix_format(char text[PREFIX_TEXT], const struct prefix *p)
{
	char *end = text + strlen(prefix_format_addr(text, p));

	/* by hand: ten thousand routes are written down this way */
	*end++ = '/';
	if (p->len >= 100)
		*end++ = (char)('0' + p->len / 100);
	if (p->len >= 10)
		*end++ = (char)('0' + p->len / 10 % 10);
	*end++ = (char)('0' + p->len % 10);
	*end = '\0';
	return text;
}

struct prefix prefix_network(struct prefix p)
{
	size_t whole = p.len / 8;

	if (p.len % 8)
		p.addr[whole++] &= (uint8_t)(0xff << (8 - p.len % 8));
	memset(p.addr + whole, 0, sizeof(p.addr) - whole);
	return p;
}

bool prefix_has_host_bits(const struct prefix *p)
{
	struct prefix network = prefix_network(*p);

	return memcmp(network.addr, p->addr, sizeof(p->addr)) != 0;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	struct prefix a = prefix_network(*outer), b = *inner;

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	b.len = outer->len;
	b = prefix_network(b);
	return memcmp(a.addr, b.addr, sizeof(a.addr)) == 0;
}

/* A network by the first bytes of its addresses, none longer than those. */
struct block {
	uint8_t family;
	uint16_t value, mask;
};

static const struct block private_blocks[] = {
	{ AF_INET, 10 << 8, 0xff00 },
	{ AF_INET, 172 << 8 | 16, 0xfff0 },
	{ AF_INET, 192 << 8 | 168, 0xffff },
};

/* This network, shared (RFC 6598), loopback, link-local, multicast and above; of IPv6 all that is
 * not global unicast. */
static const struct block local_blocks[] = {
	{ AF_INET, 0, 0xff00 },        { AF_INET, 100 << 8 | 64, 0xffc0 },
	{ AF_INET, 127 << 8, 0xff00 }, { AF_INET, 169 << 8 | 254, 0xffff },
	{ AF_INET, 224 << 8, 0xe000 }, { AF_INET6, 0, 0xe000 },
	{ AF_INET6, 0x4000, 0xc000 },  { AF_INET6, 0x8000, 0x8000 },
};

static bool is_in(const struct prefix *addr, const struct block *blocks, size_t n)
{
	unsigned first = (unsigned)addr->addr[0] << 8 | addr->addr[1];

	for (size_t i = 0; i < n; i++)
		if (blocks[i].family == addr->family && (first & blocks[i].mask) == blocks[i].value)
			return true;
	return false;
}

bool prefix_is_private(const struct prefix *addr)
{
	return is_in(addr, private_blocks, ARRAY_SIZE(private_blocks));
}

bool prefix_is_public(const struct prefix *addr)
{
	return addr->family && !prefix_is_private(addr) &&
	       !is_in(addr, local_blocks, ARRAY_SIZE(local_blocks));
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->addr, b->addr, sizeof(a->addr));
	return order ? order : (int)a->len - (int)b->len;
}

socklen_t endpoint_size(const union endpoint *e)
{
	return e->sa.sa_family == AF_INET6 ? sizeof(e->in6) : sizeof(e->in);
}

struct prefix endpoint_addr(const union endpoint *e)
{
	struct prefix p = { .family = (uint8_t)e->sa.sa_family };

	p.len = family_bits(p.family);
	if (p.family == AF_INET6)
		memcpy(p.addr, &e->in6.sin6_addr, 16);
	else
		memcpy(p.addr, &e->in.sin_addr, 4);
	return p;
}

const char *endpoint_format(char text[ENDPOINT_TEXT], const union endpoint *e)
{
	char host[INET6_ADDRSTRLEN], scope[16] = "";

	if (e->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &e->in.sin_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT, "%s:%u", host, ntohs(e->in.sin_port));
	} else if (e->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &e->in6.sin6_addr, host, sizeof(host));
		if (e->in6.sin6_scope_id)
			snprintf(scope, sizeof(scope), "%%%u", e->in6.sin6_scope_id);
		snprintf(text, ENDPOINT_TEXT, "[%s%s]:%u", host, scope, ntohs(e->in6.sin6_port));
	} else {
		snprintf(text, ENDPOINT_TEXT, "(none)");
	}
	return text;
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr));
}
