/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of the keys that wg(8) reads. It deletes all blanks first, inside values too. */
#include <errno.h>
#include <limits.h>

#include "wgq/conf/parser.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal, or hex after "0x"; the first character must be a digit. */
static bool parse_number(uint32_t *out, const char *text, bool hex, uint32_t max)
{
	unsigned long value;
	char *end;

	if (!is_digit(*text))
		return false;
	errno = 0;
	value = strtoul(text, &end, hex && text[0] == '0' && text[1] == 'x' && text[2] ? 16 : 10);
	if (*end || errno || value > max)
		return false;
	*out = (uint32_t)value;
	return true;
}

void parse_fwmark(struct parser *p, const struct conf_key *key)
{
	char buf[SQUEEZE_SIZE];
	struct str value = p->line.value, text = lex_squeeze(p->c->arena, buf, value);
	uint32_t mark = 0;
	size_t i;

	if (!lex_equal(text, "off") && !parse_number(&mark, text.p, true, UINT32_MAX)) {
		if (diagnose_value(p, key, value))
			return;
		i = parser_fault(p, FINDING_BAD_VALUE, value,
				 "FwMark is neither off nor a number in 0-0xffffffff");
		finding_help(p->f, i, "write a decimal number, or 0x (small x) and hex digits");
		return;
	}
	p->c->device.fwmark = mark;
	p->c->device.flags |= DEVICE_HAS_FWMARK;
	p->c->fwmark_at = line_span(&p->line, value);
}

void parse_keepalive(struct parser *p, const struct conf_key *key)
{
	char buf[SQUEEZE_SIZE];
	struct str value = p->line.value, text = lex_squeeze(p->c->arena, buf, value);
	uint32_t seconds = 0;
	size_t i;

	if (!lex_equal(text, "off") && !parse_number(&seconds, text.p, false, UINT16_MAX)) {
		if (diagnose_value(p, key, value))
			return;
		i = parser_fault(p, FINDING_BAD_VALUE, value,
				 "PersistentKeepalive is neither off nor a number in 0-65535");
		finding_help(p->f, i, "write seconds, without a unit; 25 is usual");
		return;
	}
	parser_peer(p)->keepalive = (uint16_t)seconds;
	parser_peer(p)->flags |= PEER_HAS_KEEPALIVE;
}

static bool read_key(struct parser *p, const struct conf_key *key, struct key *out)
{
	char buf[SQUEEZE_SIZE];
	struct str text = lex_squeeze(p->c->arena, buf, p->line.value);
	bool good = !key_from_base64(out, text);

	if (!good && !diagnose_value(p, key, p->line.value))
		diagnose_key(p, key, p->line.value, text);
	explicit_bzero(buf, sizeof(buf));
	return good;
}

void parse_private_key(struct parser *p, const struct conf_key *key)
{
	if (!read_key(p, key, &p->c->device.private_key))
		return;
	p->c->device.flags |= DEVICE_HAS_PRIVATE_KEY;
	p->c->private_key_at = line_span(&p->line, p->line.value);
}

void parse_public_key(struct parser *p, const struct conf_key *key)
{
	if (read_key(p, key, &parser_peer(p)->public_key))
		parser_conf_peer(p)->public_key = line_span(&p->line, p->line.value);
}

void parse_preshared_key(struct parser *p, const struct conf_key *key)
{
	if (read_key(p, key, &parser_peer(p)->preshared_key))
		parser_peer(p)->flags |= PEER_HAS_PRESHARED_KEY;
}

void parser_warn_host_bits(struct parser *p, struct str part, const struct prefix *prefix)
{
	struct prefix network = prefix_network(*prefix), host = *prefix;
	char masked[PREFIX_TEXT], single[PREFIX_TEXT];
	size_t i;

	host.len = family_bits(host.family);
	prefix_format(masked, &network);
	i = parser_warn(p, FINDING_HOST_BITS, part,
			"this prefix has host bits; the kernel takes it for %s", masked);
	finding_help(p->f, i, "write %s, or %s if one address is meant", masked,
		     prefix_format(single, &host));
}

/* wg-quick's users also separate by blanks, as in Address; wg deletes those. */
static bool report_blank_list(struct parser *p, struct str entry)
{
	for (size_t i = 0; i < entry.n; i++) {
		if (!lex_is_space(entry.p[i]))
			continue;
		i = parser_fault(p, FINDING_BAD_VALUE, entry,
				 "this is read as one prefix, because blanks do not count");
		finding_help(p->f, i, "separate prefixes by commas");
		return true;
	}
	return false;
}

/* Points at a comma, before the missing element or behind it. */
static void report_empty(struct parser *p, const struct conf_key *key, struct str entry)
{
	struct str comma = { entry.p - (entry.p > p->line.value.p), 1 };
	size_t i = parser_fault(p, FINDING_BAD_VALUE, comma, "%s has an empty entry", key->name);

	finding_help(p->f, i, "delete the superfluous comma");
}

/* One element of the list. */
static void add_allowed_ip(struct parser *p, const struct conf_key *key, struct str entry)
{
	char buf[SQUEEZE_SIZE];
	struct str text = lex_squeeze(p->c->arena, buf, entry);
	struct wg_peer *peer = parser_peer(p);
	struct conf_peer *conf = parser_conf_peer(p);
	struct allowed_ip ip = { 0 };
	size_t skip = 0;
	int err;

	if (text.n && (*text.p == '+' || *text.p == '-')) {
		ip.remove = *text.p++ == '-';
		text.n--;
		skip = 1;
		peer->flags &= (uint16_t)~PEER_REPLACE_ALLOWED_IPS;
	}
	err = prefix_parse(&ip.prefix, text);
	if (err) {
		if (!diagnose_value(p, key, entry) && !report_blank_list(p, entry))
			diagnose_prefix(p, entry, skip, text, err);
		return;
	}
	if (prefix_has_host_bits(&ip.prefix))
		parser_warn_host_bits(p, entry, &ip.prefix);
	ip.prefix = prefix_network(ip.prefix);
	*ARENA_PUSH(p->c->arena, peer->allowed_ips, peer->nallowed_ips,
		    peer->allowed_ips_capacity) = ip;
	*ARENA_PUSH(p->c->arena, conf->allowed_ip, conf->nallowed_ip,
		    conf->allowed_ip_capacity) = line_span(&p->line, entry);
}

/* Most peers have one line of few prefixes: room for these and no more. */
static void reserve_allowed_ips(struct parser *p)
{
	struct wg_peer *peer = parser_peer(p);
	struct conf_peer *conf = parser_conf_peer(p);
	struct str value = p->line.value;
	size_t n = 1;

	if (peer->allowed_ips_capacity)
		return;
	for (size_t i = 0; i < value.n; i++)
		n += value.p[i] == ',';
	peer->allowed_ips = arena_alloc(p->c->arena, n * sizeof(*peer->allowed_ips));
	conf->allowed_ip = arena_alloc(p->c->arena, n * sizeof(*conf->allowed_ip));
	peer->allowed_ips_capacity = conf->allowed_ip_capacity = n;
}

/* Each line wants the peer's list replaced, until it has an entry with a sign: the last line
 * decides. */
void parse_allowed_ips(struct parser *p, const struct conf_key *key)
{
	struct str rest = p->line.value;
	const char *comma;

	parser_peer(p)->flags |= PEER_REPLACE_ALLOWED_IPS;
	reserve_allowed_ips(p);
	do {
		struct str entry = rest;

		comma = rest.n ? memchr(rest.p, ',', rest.n) : NULL;
		if (comma) {
			entry.n = (size_t)(comma - rest.p);
			rest.p += entry.n + 1;
			rest.n -= entry.n + 1;
		}
		entry = lex_trim(entry);
		if (entry.n)
			add_allowed_ip(p, key, entry);
		else
			report_empty(p, key, entry);
	} while (comma);
}
