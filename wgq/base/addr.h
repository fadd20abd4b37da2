/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses and prefixes: parse, print, mask, compare. Pure. */
#ifndef WGQ_BASE_ADDR_H
#define WGQ_BASE_ADDR_H

#include <netinet/in.h>

#include "wgq/base/util.h"

/* An IPv4 or IPv6 address, in network byte order, with the length of its network. */
struct prefix {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC: none */
	uint8_t len;    /* bits of the network: 0-32 or 0-128 */
	uint8_t addr[16];
};

/* The address of one end of a UDP flow. */
union endpoint {
	struct sockaddr sa; /* sa_family AF_UNSPEC: none */
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum { PREFIX_TEXT = INET6_ADDRSTRLEN + 4, ENDPOINT_TEXT = INET6_ADDRSTRLEN + 8 + 16 };

/* 4 or 16 bytes; 32 or 128 bits. */
static inline size_t family_bytes(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static inline uint8_t family_bits(uint8_t family)
{
	return family == AF_INET6 ? 128 : 32;
}

/*
 * Parses ADDR[/BITS] as wg(8) reads AllowedIPs: inet_pton(3), a ':' selects IPv6, no mask means a
 * whole address. Host bits are kept. Returns 0; -EINVAL for a bad address; -ERANGE for bad bits. *p
 * is untouched on error.
 */
int prefix_parse(struct prefix *p, struct str text);

/*
 * Parses what ip-address(8) takes as an address of the family that wg-quick(8) chooses (a ':' means
 * IPv6): also short ("10.1/16" is 10.1.0.0/16), octal and hex parts, and a dotted netmask. Returns
 * as prefix_parse().
 */
int prefix_parse_ip(struct prefix *p, struct str text);

/* "10.0.0.1/16"; returns text. */
const char *prefix_format(char text[PREFIX_TEXT], const struct prefix *p);

/* The same without the length: "10.0.0.1". */
const char *prefix_format_addr(char text[PREFIX_TEXT], const struct prefix *p);

/* p with its host bits cleared. */
struct prefix prefix_network(struct prefix p);
bool prefix_has_host_bits(const struct prefix *p);

/* Does the network of outer hold all of inner? False across families. */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

/* May a NAT be in front of it (RFC 1918)? Source NAT of IPv6 is rare, and such networks have public
 * addresses beside fc00::/7: never of those. */
bool prefix_is_private(const struct prefix *addr);

/* An address of the internet: neither private nor local in any other way. False without a family.
 */
bool prefix_is_public(const struct prefix *addr);

/* Total order: family (IPv4 first), then address bytes, then length. Zero means equal. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* "192.0.2.1:51820", "[2001:db8::1%2]:51820"; returns text. */
const char *endpoint_format(char text[ENDPOINT_TEXT], const union endpoint *e);
socklen_t endpoint_size(const union endpoint *e);

/* Equal address, port and scope; IPv6 flow labels do not count. */
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/* The address of an endpoint as a whole-length prefix. */
struct prefix endpoint_addr(const union endpoint *e);

#endif
