/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an address or a key cannot be read. */
#include <arpa/inet.h>
#include <errno.h>

#include "wgq/conf/parser.h"

/* A netmask's length, or -1. */
static int netmask_bits(struct str text)
{
	char form[PREFIX_TEXT];
	struct prefix p;

	snprintf(form, sizeof(form), "0/%.*s", STR_ARGS(text));
	return text.n && memchr(text.p, '.', text.n) &&
			       !prefix_parse_ip(&p, (struct str){ form, strlen(form) })
		       ? p.len
		       : -1;
}

static void report_bits(struct parser *p, struct str part, struct str bits, bool v6)
{
	unsigned max = v6 ? 128 : 32;
	int mask = netmask_bits(bits);
	size_t digits = 0, i;

	while (digits < bits.n && bits.p[digits] >= '0' && bits.p[digits] <= '9')
		digits++;
	if (!bits.n) {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "no prefix length follows the '/'");
		finding_help(p->f, i, "write one, or no '/' for the address alone");
	} else if (mask >= 0) {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "a netmask is not understood here");
		finding_help(p->f, i, "write /%d", mask);
	} else if (memchr(bits.p, '.', bits.n)) {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "this is no netmask");
		finding_help(p->f, i, "write a prefix length in 0-%u", max);
	} else if (digits == bits.n) {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "prefix length exceeds %u", max);
		finding_help(p->f, i, "write /%u for the address alone", max);
	} else {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "this prefix length is no number");
		finding_help(p->f, i, "write a number in 0-%u", max);
	}
}

static void report_address(struct parser *p, struct str part, struct str text)
{
	char full[PREFIX_TEXT];
	struct prefix prefix;
	size_t i;

	if (!prefix_parse_ip(&prefix, text)) {
		i = parser_fault(p, FINDING_BAD_VALUE, part,
				 "an IPv4 address has four decimal parts");
		finding_help(p->f, i, "write all four, without leading zeros: perhaps %s",
			     prefix_format(full, &prefix));
	} else {
		i = parser_fault(p, FINDING_BAD_VALUE, part, "this is no IP address");
		finding_help(p->f, i, "write ADDRESS or ADDRESS/BITS");
	}
}

void diagnose_prefix(struct parser *p, struct str part, size_t skip, struct str text, int err)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	size_t at = slash ? (size_t)(slash - text.p) : text.n;
	struct str bits = { text.p + at + 1, slash ? text.n - at - 1 : 0 };

	if (err == -ERANGE && slash)
		report_bits(p, lex_unsqueeze(part, skip + at, text.n - at), bits,
			    memchr(text.p, ':', at));
	else
		report_address(p, at ? lex_unsqueeze(part, skip, at) : part, text);
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdefABCDEF", s.p[i]))
			return false;
	return true;
}

static size_t base64_length(struct str s)
{
	size_t n = 0;

	while (n < s.n &&
	       strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", s.p[n]))
		n++;
	return n;
}

/* The place is told exactly, the text never. */
void diagnose_key(struct parser *p, const struct conf_key *key, struct str value, struct str text)
{
	size_t good = base64_length(text), i;
	struct str bad = lex_unsqueeze(value, good, 1);

	if (text.n > KEY_BASE64_LEN && good == KEY_BASE64_LEN - 1 && text.p[good] == '=' &&
	    text.p[good + 1] != '=') {
		bad = lex_unsqueeze(value, KEY_BASE64_LEN, text.n - KEY_BASE64_LEN);
		i = parser_fault(p, FINDING_BAD_VALUE, bad, "something follows the key");
		finding_help(p->f, i, "give it a line of its own, or put a # in front of it");
	} else if (text.n == KEY_HEX_LEN && is_hex(text)) {
		i = parser_fault(p, FINDING_BAD_VALUE, value, "this key is written in hex");
		finding_help(p->f, i, "write it in base64, as wg does");
	} else if (good < text.n && strchr("-_", text.p[good])) {
		i = parser_fault(p, FINDING_BAD_VALUE, bad,
				 "this key is written in the base64 of URLs");
		finding_help(p->f, i, "write + for - and / for _");
	} else if (good < text.n && text.p[good] != '=') {
		i = parser_fault(p, FINDING_BAD_VALUE, bad, "this character is not base64");
		finding_help(p->f, i, "a key is 43 characters of base64 and '='");
	} else if (text.n != KEY_BASE64_LEN) {
		i = parser_fault(p, FINDING_BAD_VALUE, value,
				 "%s is %zu characters long, but a key %d", key->name, text.n,
				 KEY_BASE64_LEN);
		finding_help(p->f, i, "copy it again: 43 characters of base64 and '='");
	} else if (good != KEY_BASE64_LEN - 1) {
		i = parser_fault(p, FINDING_BAD_VALUE, good < text.n ? bad : value,
				 "a key is 43 characters of base64 and one '='");
		finding_help(p->f, i, "copy it again");
	} else {
		i = parser_fault(p, FINDING_BAD_VALUE, lex_unsqueeze(value, KEY_BASE64_LEN - 2, 1),
				 "this key was changed: its last character before '=' is one that "
				 "no key has");
		finding_help(p->f, i, "copy it again");
	}
}
