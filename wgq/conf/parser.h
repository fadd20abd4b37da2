/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the parser share: its state, and how a value's reader reports a fault. */
#ifndef WGQ_CONF_PARSER_H
#define WGQ_CONF_PARSER_H

#include "wgq/conf/keys.h"

struct parser {
	struct config *c;
	struct findings *f;
	struct line line;
	bool in_interface;    /* as wg-quick sees it: after a line that is exactly [Interface] */
	enum section section; /* as wg sees it, blanks aside */
	struct span header;   /* of the section */
	bool has_public_key;  /* the peer at hand has one, good or bad */
	bool bad_forward;     /* the last Forward could not be read */
	/* the UDP service looked up last; files repeat it */
	const char *service;
	int service_port;
	/* and the port written last, as text */
	const char *port_text;
	int port;
};

/* The peer at hand. */
struct wg_peer *parser_peer(struct parser *p);
struct conf_peer *parser_conf_peer(struct parser *p);

/* Adds a finding about a part of the line at hand and returns its index. */
size_t parser_fault(struct parser *p, enum finding_code code, struct str part, const char *fmt, ...)
	PRINTF(4, 5);
size_t parser_warn(struct parser *p, enum finding_code code, struct str part, const char *fmt, ...)
	PRINTF(4, 5);

/*
 * Looks in a value that could not be read for what people get wrong in any value: characters that
 * only look right, quotes, ';' for a comment, a stray '='. Reports that and returns true, or false.
 */
bool diagnose_value(struct parser *p, const struct conf_key *key, struct str value);

/* Reports the first character of part that only looks right, if any. */
bool diagnose_odd_character(struct parser *p, enum finding_code code, struct str part);

/* Reports the line at hand, which neither wg-quick nor wg understands. */
void diagnose_line(struct parser *p);

/* Reports a section header that is none and returns the section that was probably meant. */
enum section diagnose_header(struct parser *p);

/* Reports why text, what follows the first skip bytes of part's squeezed form, is no ADDR[/BITS];
 * err is of prefix_parse(). */
void diagnose_prefix(struct parser *p, struct str part, size_t skip, struct str text, int err);

/* Reports why text, the squeezed value, is no key. */
void diagnose_key(struct parser *p, const struct conf_key *key, struct str value, struct str text);

/* Reports Addresses that the kernel would refuse as given twice. */
void parser_check_addresses(struct parser *p);

/* Reports what wgq's own keys ask for and cannot have together; drops prefixes given twice. */
void parser_check_own(struct parser *p);

/* Warns that part of the line at hand, read as prefix, has host bits. */
void parser_warn_host_bits(struct parser *p, struct str part, const struct prefix *prefix);

/* Readers of values: see struct conf_key. */
void parse_address(struct parser *p, const struct conf_key *key);
void parse_dns(struct parser *p, const struct conf_key *key);
void parse_mtu(struct parser *p, const struct conf_key *key);
void parse_table(struct parser *p, const struct conf_key *key);
void parse_hook(struct parser *p, const struct conf_key *key);
void parse_save_config(struct parser *p, const struct conf_key *key);
void parse_forward(struct parser *p, const struct conf_key *key);
void parse_masquerade(struct parser *p, const struct conf_key *key);
void parse_allow_from(struct parser *p, const struct conf_key *key);
void parse_firewall(struct parser *p, const struct conf_key *key);
void parse_listen_port(struct parser *p, const struct conf_key *key);
void parse_fwmark(struct parser *p, const struct conf_key *key);
void parse_private_key(struct parser *p, const struct conf_key *key);
void parse_public_key(struct parser *p, const struct conf_key *key);
void parse_preshared_key(struct parser *p, const struct conf_key *key);
void parse_allowed_ips(struct parser *p, const struct conf_key *key);
void parse_endpoint(struct parser *p, const struct conf_key *key);
void parse_keepalive(struct parser *p, const struct conf_key *key);

struct printer {
	FILE *out;
	const struct config *c;
	size_t peer; /* index of the peer being printed */
	bool secrets;
};

/* Printers of values: see struct conf_key. */
void print_address(const struct printer *p, const struct conf_key *key);
void print_dns(const struct printer *p, const struct conf_key *key);
void print_mtu(const struct printer *p, const struct conf_key *key);
void print_table(const struct printer *p, const struct conf_key *key);
void print_hook(const struct printer *p, const struct conf_key *key);
void print_save_config(const struct printer *p, const struct conf_key *key);
void print_forward(const struct printer *p, const struct conf_key *key);
void print_masquerade(const struct printer *p, const struct conf_key *key);
void print_allow_from(const struct printer *p, const struct conf_key *key);
void print_firewall(const struct printer *p, const struct conf_key *key);
void print_listen_port(const struct printer *p, const struct conf_key *key);
void print_fwmark(const struct printer *p, const struct conf_key *key);
void print_private_key(const struct printer *p, const struct conf_key *key);
void print_public_key(const struct printer *p, const struct conf_key *key);
void print_preshared_key(const struct printer *p, const struct conf_key *key);
void print_allowed_ips(const struct printer *p, const struct conf_key *key);
void print_endpoint(const struct printer *p, const struct conf_key *key);
void print_keepalive(const struct printer *p, const struct conf_key *key);

#endif
