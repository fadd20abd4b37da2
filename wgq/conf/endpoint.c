/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ListenPort and Endpoint: ports, service names, hosts. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>

#include "wgq/conf/parser.h"

/* The port of a UDP service, or -1. */
static int service_port(struct parser *p, const char *name)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_family = AF_INET,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
	};
	struct addrinfo *found;
	int port;

	if (p->service && !strcmp(p->service, name))
		return p->service_port;
	if (getaddrinfo(NULL, name, &hints, &found))
		return -1;
	port = ntohs(((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_port);
	freeaddrinfo(found);
	p->service = arena_strndup(p->c->arena, name, strlen(name));
	p->service_port = port;
	return port;
}

/* getaddrinfo(3) takes what strtoul(3) reads to its end for a number, and all else for a name. */
static int read_port(struct parser *p, const struct conf_key *key, struct str part,
		     const char *text)
{
	unsigned long value;
	char *end;
	int port;
	size_t i;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end || end == text) {
		port = service_port(p, text);
		if (port < 0 && !diagnose_value(p, key, p->line.value)) {
			i = parser_fault(p, FINDING_BAD_VALUE, part,
					 "this port is neither a number nor a UDP service");
			finding_help(p->f, i, "write a number in 0-65535");
		}
		return port;
	}
	if (value <= UINT16_MAX && !errno)
		return (int)value;
	i = parser_fault(p, FINDING_BAD_VALUE, part, "this port is outside 0-65535");
	if (errno || *text == '-')
		finding_help(p->f, i, "write a number in 0-65535");
	else
		finding_help(p->f, i, "write a number in 0-65535; wg would silently take %lu",
			     value % 65536);
	return -1;
}

void parse_listen_port(struct parser *p, const struct conf_key *key)
{
	char buf[SQUEEZE_SIZE];
	struct str value = p->line.value;
	int port = read_port(p, key, value, lex_squeeze(p->c->arena, buf, value).p);

	if (port < 0)
		return;
	p->c->device.listen_port = (uint16_t)port;
	p->c->device.flags |= DEVICE_HAS_LISTEN_PORT;
	p->c->listen_port_at = line_span(&p->line, value);
}

/* HOST:PORT in pieces: offsets into the squeezed text. */
struct endpoint_text {
	struct str text;
	size_t host, host_n, port;
	bool bracketed;
};

static void no_port(struct parser *p, const struct conf_key *key)
{
	struct str value = p->line.value;
	size_t i;

	if (diagnose_value(p, key, value))
		return;
	i = parser_fault(p, FINDING_BAD_VALUE, value, "this Endpoint has no port");
	finding_help(p->f, i, "write :51820 behind it, or the port that the peer listens on");
}

static bool split_bracketed(struct parser *p, const struct conf_key *key, struct endpoint_text *e)
{
	struct str value = p->line.value;
	const char *end = strchr(e->text.p, ']');
	size_t i, n;

	if (!end) {
		i = parser_fault(p, FINDING_BAD_VALUE, (struct str){ value.p, 1 },
				 "this bracket is never closed");
		finding_help(p->f, i, "write [ADDRESS]:PORT");
		return false;
	}
	n = (size_t)(end - e->text.p);
	e->host = 1;
	e->host_n = n - 1;
	e->port = n + 2;
	e->bracketed = true;
	if (end[1] == ':' && end[2])
		return true;
	if (!end[1] || !end[2]) {
		no_port(p, key);
		return false;
	}
	i = parser_fault(p, FINDING_BAD_VALUE, lex_unsqueeze(value, n + 1, e->text.n - n - 1),
			 "a ':' and the port must follow the bracket");
	finding_help(p->f, i, "write [ADDRESS]:PORT");
	return false;
}

static bool split_endpoint(struct parser *p, const struct conf_key *key, struct endpoint_text *e)
{
	const char *colon = strrchr(e->text.p, ':');

	if (*e->text.p == '[')
		return split_bracketed(p, key, e);
	if (!colon || !colon[1]) {
		no_port(p, key);
		return false;
	}
	e->host_n = (size_t)(colon - e->text.p);
	e->port = e->host_n + 1;
	return true;
}

enum host_kind { HOST_NUMERIC, HOST_NAME, HOST_BAD };

/* An address with a scope is numeric only where its interface exists. */
static enum host_kind read_scoped(union endpoint *e, const char *host)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_family = AF_INET6,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *found;

	if (getaddrinfo(host, NULL, &hints, &found))
		return HOST_NAME;
	memcpy(&e->in6, found->ai_addr, sizeof(e->in6));
	freeaddrinfo(found);
	return HOST_NUMERIC;
}

/* As getaddrinfo(3) with a host would see it, without asking anybody. */
static enum host_kind read_host(union endpoint *e, const char *host)
{
	memset(e, 0, sizeof(*e));
	if (strchr(host, ':')) {
		if (strchr(host, '%'))
			return read_scoped(e, host);
		e->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
		return inet_pton(AF_INET6, host, &e->in6.sin6_addr) == 1 ? HOST_NUMERIC : HOST_BAD;
	}
	e->in = (struct sockaddr_in){ .sin_family = AF_INET };
	if (inet_aton(host, &e->in.sin_addr)) /* "127.1" too */
		return HOST_NUMERIC;
	e->sa.sa_family = AF_UNSPEC;
	if (!host[strspn(host, "0123456789.")] || /* all of it, or no host at all */
	    strpbrk(host, "/\\\"'`<>[](){},;@|&$*?!"))
		return HOST_BAD;
	return HOST_NAME;
}

static void report_host(struct parser *p, const struct conf_key *key, const struct endpoint_text *e,
			const char *host)
{
	struct str part = lex_unsqueeze(p->line.value, e->host, e->host_n);
	struct in6_addr addr;
	size_t i;

	if (diagnose_value(p, key, p->line.value))
		return;
	if (!*host)
		i = parser_fault(p, FINDING_BAD_VALUE, lex_unsqueeze(p->line.value, e->host, 1),
				 "this Endpoint has no host");
	else if (strstr(host, "//"))
		i = parser_fault(p, FINDING_BAD_VALUE, part, "an Endpoint is no URL");
	else if (!e->bracketed && inet_pton(AF_INET6, e->text.p, &addr) == 1)
		i = parser_fault(p, FINDING_BAD_VALUE, p->line.value, "this Endpoint has no port");
	else if (strchr(host, ','))
		i = parser_fault(p, FINDING_BAD_VALUE, part, "a peer has one Endpoint, not a list");
	else
		i = parser_fault(p, FINDING_BAD_VALUE, part,
				 "this is neither an address nor a name");
	finding_help(p->f, i, "write HOST:PORT, or [ADDRESS]:PORT for IPv6");
}

static void warn_no_brackets(struct parser *p, const char *host, const char *service)
{
	size_t i = parser_warn(p, FINDING_BAD_VALUE, p->line.value,
			       "an IPv6 address without brackets; its last part is the port");

	finding_help(p->f, i, "write [%s]:%s", host, service);
}

/* Files repeat it; they share the text. */
static const char *port_text(struct parser *p, int port)
{
	if (!p->port_text || p->port != port)
		p->port_text = arena_printf(p->c->arena, "%d", port);
	p->port = port;
	return p->port_text;
}

/* What the file says now holds; an earlier Endpoint of the peer is forgotten. */
static void set_endpoint(struct parser *p, enum host_kind kind, const union endpoint *address,
			 const char *host, const char *service, int port)
{
	struct wg_peer *peer = parser_peer(p);
	struct conf_peer *conf = parser_conf_peer(p);
	bool numeric = strspn(service, "+-0123456789") == strlen(service);

	conf->host = host;
	conf->service = numeric ? port_text(p, port)
				: arena_strndup(p->c->arena, service, strlen(service));
	conf->endpoint = line_span(&p->line, p->line.value);
	peer->endpoint = *address;
	peer->flags &= (uint16_t)~PEER_HAS_ENDPOINT;
	if (kind != HOST_NUMERIC)
		return;
	peer->flags |= PEER_HAS_ENDPOINT;
	if (address->sa.sa_family == AF_INET)
		peer->endpoint.in.sin_port = htons((uint16_t)port);
	else
		peer->endpoint.in6.sin6_port = htons((uint16_t)port);
}

void parse_endpoint(struct parser *p, const struct conf_key *key)
{
	char buf[SQUEEZE_SIZE];
	struct str value = p->line.value;
	struct endpoint_text e = { .text = lex_squeeze(p->c->arena, buf, value) };
	union endpoint address;
	const char *host, *service;
	enum host_kind kind;
	int port;

	if (!split_endpoint(p, key, &e))
		return;
	host = arena_strndup(p->c->arena, e.text.p + e.host, e.host_n);
	service = e.text.p + e.port;
	kind = read_host(&address, host);
	if (kind == HOST_BAD) {
		report_host(p, key, &e, host);
		return;
	}
	port = read_port(p, key, lex_unsqueeze(value, e.port, strlen(service)), service);
	if (port < 0)
		return;
	set_endpoint(p, kind, &address, host, service, port);
	if (!e.bracketed && strchr(host, ':'))
		warn_no_brackets(p, host, parser_conf_peer(p)->service);
}
