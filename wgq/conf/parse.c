/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two programs read a file one after the other. wg-quick takes its own keys out of sections whose
 * header is exactly [Interface]; wg then reads what is left, all blanks deleted. Both are followed
 * here at once, line by line: parser.in_interface is wg-quick's state, parser.section wg's.
 */
#include "wgq/conf/parser.h"

struct wg_peer *parser_peer(struct parser *p)
{
	return &p->c->device.peers[p->c->device.npeers - 1];
}

struct conf_peer *parser_conf_peer(struct parser *p)
{
	return &p->c->peers[p->c->device.npeers - 1];
}

static size_t add_fault(struct parser *p, enum severity severity, enum finding_code code,
			struct str part, const char *fmt, va_list ap) PRINTF(5, 0);

static size_t add_fault(struct parser *p, enum severity severity, enum finding_code code,
			struct str part, const char *fmt, va_list ap)
{
	struct place at = source_line_place(&p->c->source, &p->line, part);

	return finding_add_as(p->f, severity, code, at, "%s", arena_vprintf(p->f->arena, fmt, ap));
}

size_t parser_fault(struct parser *p, enum finding_code code, struct str part, const char *fmt, ...)
{
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	i = add_fault(p, SEV_ERROR, code, part, fmt, ap);
	va_end(ap);
	return i;
}

size_t parser_warn(struct parser *p, enum finding_code code, struct str part, const char *fmt, ...)
{
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	i = add_fault(p, SEV_WARNING, code, part, fmt, ap);
	va_end(ap);
	return i;
}

static void end_peer(struct parser *p)
{
	size_t i;

	if (p->section != SECTION_PEER || p->has_public_key || !p->c->device.npeers)
		return;
	i = finding_add(p->f, FINDING_MISSING_KEY,
			source_place(&p->c->source, parser_conf_peer(p)->at),
			"this peer has no PublicKey");
	finding_help(p->f, i,
		     "write PublicKey = KEY below it, as the peer's `wg pubkey` prints it");
}

static void begin_peer(struct parser *p)
{
	struct wg_device *device = &p->c->device;
	size_t nconf = device->npeers;
	struct conf_peer *conf = ARENA_PUSH(p->c->arena, p->c->peers, nconf, p->c->peers_capacity);
	struct wg_peer *peer = ARENA_PUSH(p->c->arena, device->peers, device->npeers,
					  device->peers_capacity);

	conf->at = p->header;
	peer->flags = PEER_REPLACE_ALLOWED_IPS;
	p->has_public_key = false;
}

/* wg's view of a header, which may have blanks inside. */
static enum section find_section(struct parser *p)
{
	char buf[SQUEEZE_SIZE];
	struct str header = lex_squeeze(p->c->arena, buf, p->line.stripped);

	if (lex_equal(header, "[Interface]"))
		return SECTION_INTERFACE;
	return lex_equal(header, "[Peer]") ? SECTION_PEER : SECTION_UNKNOWN;
}

static void begin_section(struct parser *p)
{
	enum section section = find_section(p);

	end_peer(p);
	p->in_interface = lex_equal(p->line.key, "[Interface]");
	if (section == SECTION_UNKNOWN) {
		section = diagnose_header(p);
		p->in_interface = section == SECTION_INTERFACE;
	}
	p->section = section;
	p->header = line_span(&p->line, lex_trim(p->line.stripped));
	if (section == SECTION_PEER)
		begin_peer(p);
}

/* The row that reads this line, in whichever program; NULL: none does. */
static const struct conf_key *find_reader(struct parser *p)
{
	char buf[SQUEEZE_SIZE];
	const struct conf_key *key = keys_find(p->line.key);

	if (p->in_interface && key && key->reader != READ_BY_WG)
		return key;
	if (!key) /* the longest key has 19 letters: what does not fit buf is none, blanks aside */
		key = keys_find(lex_squeeze(p->c->arena, buf, p->line.key));
	return key && key->reader == READ_BY_WG && key->section == p->section ? key : NULL;
}

/* wg takes no key without a value; for wg-quick's an empty value means something. */
static bool lacks_value(struct parser *p, const struct conf_key *key)
{
	size_t i;

	if (key->reader != READ_BY_WG || p->line.value.n)
		return false;
	i = parser_fault(p, FINDING_BAD_VALUE, p->line.value, "%s has no value", key->name);
	finding_help(p->f, i, "write a value, or delete the line");
	return true;
}

static void read_line(struct parser *p)
{
	const struct conf_key *key;

	if (!lex_trim(p->line.stripped).n)
		return;
	if ((p->line.key.n && *p->line.key.p == '[') || keys_is_bare_header(&p->line)) {
		begin_section(p);
		return;
	}
	if (p->section == SECTION_UNKNOWN)
		return;
	key = find_reader(p);
	if (!key || !p->line.has_equals)
		diagnose_line(p);
	else if (!lacks_value(p, key))
		key->parse(p, key);
	/* a bad key is there all the same: one fault is enough */
	p->has_public_key |= p->section == SECTION_PEER && key &&
			     key->secrecy == SECRECY_PUBLIC_KEY;
}

/* bash drops NUL bytes, so that UTF-16 is nearly readable; but nobody means that. */
static void report_utf16(struct parser *p)
{
	size_t i = finding_add(p->f, FINDING_SYNTAX,
			       source_place(&p->c->source, (struct span){ .line = 1, .column = 1 }),
			       "the file is written in UTF-16");

	finding_help(p->f, i, "save it as UTF-8 without BOM");
}

static void warn_bom(struct parser *p)
{
	struct place at = source_place(
		&p->c->source, (struct span){ .line = 1, .column = 1, .length = BOM_BYTES });
	size_t i = finding_add_as(p->f, SEV_WARNING, FINDING_SYNTAX, at,
				  "the file begins with a byte order mark, which wg-quick refuses");

	finding_help(p->f, i, "save the file as UTF-8 without BOM");
}

/* Arrays that double would take the room of a large file's peers twice. */
static void reserve_peers(struct config *c)
{
	struct str rest = c->source.text;
	size_t n = 0;

	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t length = end ? (size_t)(end - rest.p) + 1 : rest.n;

		n += *rest.p == '[' && length >= strlen("[Peer]") &&
		     lex_equal((struct str){ rest.p, 6 }, "[Peer]");
		rest.p += length;
		rest.n -= length;
	}
	if (!n)
		return;
	c->peers = arena_alloc(c->arena, n * sizeof(*c->peers));
	c->device.peers = arena_alloc(c->arena, n * sizeof(*c->device.peers));
	c->peers_capacity = c->device.peers_capacity = n;
}

struct config *config_parse(struct arena *a, const struct source *source, struct findings *f)
{
	struct config *c = arena_alloc(a, sizeof(*c));
	struct parser p = { .c = c, .f = f };
	size_t first = f->n;
	struct lexer lexer;
	size_t bom = lex_bom_bytes(source->text);

	c->arena = a;
	c->source = *source;
	reserve_peers(c);
	if (bom == UTF16_BOM_BYTES)
		report_utf16(&p);
	else if (bom)
		warn_bom(&p);
	lexer_init(&lexer, source->text, bom, a);
	while (lexer_next(&lexer, &p.line))
		read_line(&p);
	end_peer(&p);
	parser_check_addresses(&p);
	parser_check_own(&p);
	findings_sort(f, first);
	return c;
}
