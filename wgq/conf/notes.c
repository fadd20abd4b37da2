/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/notes.h"

#include "wgq/base/text.h"
#include "wgq/conf/keys.h"

enum { NAME_MAX_BYTES = 64, ENDPOINT_MAX_BYTES = 300 };

/* A line of the file, as much of it as comments and headers need. */
struct text_line {
	uint32_t number;
	size_t start;    /* offset in the source */
	struct str text; /* trimmed */
};

/* What says a name, the weakest first. */
enum name_rank { NAME_NONE, NAME_LONE_COMMENT, NAME_FRIENDLY, NAME_SAID };

struct note_reader {
	const struct config *config;
	struct notes *interface;
	struct note *peers;
	size_t at;     /* offset of the next line */
	size_t npeers; /* begun so far */
	struct text_line line;
	bool had_interface;
	enum section section;     /* SECTION_UNKNOWN: nothing here is of interest */
	struct note *name;        /* the section's; NULL: it takes none */
	enum name_rank rank;      /* of what it has */
	struct text_line comment; /* the line above, if it is one */
	size_t ncomments;         /* lines of comments right above */
};

static bool next_line(struct note_reader *r)
{
	struct str text = r->config->source.text;
	const char *p = text.p + r->at, *end;
	size_t left = text.n - r->at;

	if (!left)
		return false;
	end = memchr(p, '\n', left);
	r->line.number++;
	/* columns of the first line count from the true beginning, as the lexer has it */
	r->line.start = r->line.number == 1 ? 0 : r->at;
	r->line.text = lex_trim((struct str){ p, end ? (size_t)(end - p) : left });
	r->at += end ? (size_t)(end - p) + 1 : left;
	return true;
}

/* --- values --- */

static bool is_printable(struct str s)
{
	while (s.n) {
		struct glyph g = text_glyph(s);

		if (!g.plain)
			return false;
		s.p += g.bytes;
		s.n -= g.bytes;
	}
	return true;
}

static bool is_name(struct str s)
{
	return s.n && s.n <= NAME_MAX_BYTES && !memchr(s.p, '=', s.n) && is_printable(s);
}

static bool is_port(struct str s)
{
	unsigned port = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || i == 5)
			return false;
		port = 10 * port + (unsigned)(s.p[i] - '0');
	}
	return port && port <= UINT16_MAX;
}

static bool is_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], small = (char)(c | 0x20);

		if (!(small >= 'a' && small <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && strchr(others, c)))
			return false;
	}
	return s.n != 0;
}

/* host:port or [address]:port */
static bool is_endpoint(struct str s)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	struct str host = { s.p, colon ? (size_t)(colon - s.p) : 0 };

	if (!colon || s.n > ENDPOINT_MAX_BYTES ||
	    !is_port((struct str){ colon + 1, s.n - host.n - 1 }))
		return false;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return is_of((struct str){ host.p + 1, host.n - 2 }, ":.%-_");
	return is_of(host, ".-_");
}

static bool is_public_key(struct str s)
{
	struct key key;

	return !key_from_base64(&key, s);
}

static bool is_yes_or_no(struct str s)
{
	return lex_equal(s, "yes") || lex_equal(s, "no");
}

/* --- notes --- */

static void take(const struct note_reader *r, struct note *note, const struct text_line *line,
		 struct str value)
{
	const char *text = r->config->source.text.p;

	note->text = arena_strndup(r->config->arena, value.p, value.n);
	note->at = (struct span){
		.line = line->number,
		.column = (uint32_t)(value.p - text - line->start) + 1,
		.length = (uint32_t)value.n,
		.line_start = (uint32_t)line->start,
	};
}

static void take_name(struct note_reader *r, enum name_rank rank, const struct text_line *line,
		      struct str value)
{
	if (!r->name || rank <= r->rank || !is_name(value))
		return;
	take(r, r->name, line, value);
	r->rank = rank;
	if (r->section == SECTION_INTERFACE)
		r->interface->name_is_comment = rank == NAME_LONE_COMMENT;
}

/* "# KEY = VALUE" of [Interface], names aside. */
static const struct note_key {
	const char *name;
	size_t note; /* offset in struct notes */
	bool (*is_valid)(struct str value);
} note_keys[] = {
	{ "Site", offsetof(struct notes, site), is_name },
	{ "PublicKey", offsetof(struct notes, public_key), is_public_key },
	{ "Endpoint", offsetof(struct notes, endpoint), is_endpoint },
	{ "Forwards", offsetof(struct notes, forwards), is_yes_or_no },
};

static void take_interface_note(struct note_reader *r, struct str key, struct str value)
{
	for (size_t i = 0; i < ARRAY_SIZE(note_keys); i++) {
		struct note *note = (void *)((char *)r->interface + note_keys[i].note);

		if (lex_equal(key, note_keys[i].name) && !note->text &&
		    note_keys[i].is_valid(value))
			take(r, note, &r->line, value);
	}
}

/* A comment inside a section. */
static void read_comment(struct note_reader *r)
{
	struct str body = { r->line.text.p + 1, r->line.text.n - 1 }, key = body, value;
	const char *equals = body.n ? memchr(body.p, '=', body.n) : NULL;

	if (!equals || !r->name)
		return;
	key.n = (size_t)(equals - body.p);
	value = lex_trim((struct str){ equals + 1, body.n - key.n - 1 });
	key = lex_trim(key);
	if (lex_equal(key, "Name"))
		take_name(r, NAME_SAID, &r->line, value);
	else if (r->section == SECTION_PEER && lex_equal(key, "friendly_name"))
		take_name(r, NAME_FRIENDLY, &r->line, value);
	else if (r->section == SECTION_INTERFACE)
		take_interface_note(r, key, value);
}

/* --- sections --- */

/* What a comment calls the section below it, less the '#' around it; a line of '#', '-' or the like
 * calls nothing. */
static struct str lone_name(struct str text)
{
	bool has_word = false;

	while (text.n && *text.p == '#') {
		text.p++;
		text.n--;
	}
	while (text.n && text.p[text.n - 1] == '#')
		text.n--;
	for (size_t i = 0; i < text.n; i++)
		has_word |= is_of((struct str){ text.p + i, 1 }, "") || (text.p[i] & 0x80);
	if (!has_word)
		text.n = 0;
	return lex_trim(text);
}

static bool is_peer(const struct note_reader *r)
{
	return r->npeers < r->config->device.npeers &&
	       r->config->peers[r->npeers].at.line == r->line.number;
}

/* "[Interface]", however it is written. */
static bool is_interface(const struct note_reader *r)
{
	struct str text = r->line.text;
	char buf[SQUEEZE_SIZE];

	return *text.p == '[' &&
	       lex_equal(keys_first_word(lex_squeeze(r->config->arena, buf, text)), "Interface");
}

static void begin_section(struct note_reader *r)
{
	r->section = SECTION_UNKNOWN;
	r->name = NULL;
	r->rank = NAME_NONE;
	if (is_peer(r)) {
		r->section = SECTION_PEER;
		r->name = &r->peers[r->npeers++];
	} else if (is_interface(r) && !r->had_interface) {
		r->section = SECTION_INTERFACE;
		r->name = &r->interface->name;
		r->had_interface = true;
	}
	if (r->ncomments == 1)
		take_name(r, NAME_LONE_COMMENT, &r->comment, lone_name(r->comment.text));
}

static void read_line(struct note_reader *r)
{
	bool is_comment = r->line.text.n && *r->line.text.p == '#';

	if (is_comment) {
		read_comment(r);
		r->comment = r->line;
		r->ncomments++;
		return;
	}
	if (r->line.text.n && (*r->line.text.p == '[' || is_peer(r)))
		begin_section(r);
	r->ncomments = 0;
}

void notes_read(struct notes *interface, struct note *peers, const struct config *c)
{
	struct note_reader r = { .config = c, .interface = interface, .peers = peers };

	*interface = (struct notes){ 0 };
	for (size_t i = 0; i < c->device.npeers; i++)
		peers[i] = (struct note){ 0 };
	r.at = lex_bom_bytes(c->source.text);
	while (next_line(&r))
		read_line(&r);
	interface->says_forwards = interface->forwards.text &&
				   (interface->forwards.text[0] | 0x20) == 'y';
}
