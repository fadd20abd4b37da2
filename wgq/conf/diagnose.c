/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a line or a value cannot be read, in the words of the one who wrote it. */
#include "wgq/base/text.h"
#include "wgq/conf/parser.h"

/* Characters that come from a word processor, a web page or another keyboard. */
static const struct {
	uint32_t code;
	const char *name;
	const char *instead; /* "": delete it */
} look_alikes[] = {
	{ 0x00a0, "no-break space", " " },
	{ 0x00ad, "soft hyphen", "" },
	{ 0x200b, "zero-width space", "" },
	{ 0x200c, "zero-width non-joiner", "" },
	{ 0x200d, "zero-width joiner", "" },
	{ 0x200e, "left-to-right mark", "" },
	{ 0x200f, "right-to-left mark", "" },
	{ 0x2010, "typographic hyphen", "-" },
	{ 0x2011, "no-break hyphen", "-" },
	{ 0x2013, "en dash", "-" },
	{ 0x2014, "em dash", "-" },
	{ 0x2018, "typographic quote", "" },
	{ 0x2019, "typographic quote", "" },
	{ 0x201c, "typographic quote", "" },
	{ 0x201d, "typographic quote", "" },
	{ 0x2028, "line separator", "" },
	{ 0x202f, "narrow no-break space", " " },
	{ 0x2060, "word joiner", "" },
	{ 0x2212, "minus sign", "-" },
	{ 0x3000, "ideographic space", " " },
	{ 0x3001, "ideographic comma", "," },
	{ 0xfeff, "byte order mark", "" },
};

/* The fullwidth forms of Chinese and Japanese keyboards stand in the order of ASCII. */
enum { FULLWIDTH_FIRST = 0xff01, FULLWIDTH_LAST = 0xff5e, FULLWIDTH_SHIFT = 0xff01 - '!' };

static void name_character(char *name, size_t size, const struct glyph *g, char instead[2])
{
	memset(instead, 0, 2);
	for (size_t i = 0; i < ARRAY_SIZE(look_alikes); i++) {
		if (look_alikes[i].code == g->code && g->valid) {
			*instead = *look_alikes[i].instead;
			snprintf(name, size, "%s", look_alikes[i].name);
			return;
		}
	}
	if (g->valid && g->code >= FULLWIDTH_FIRST && g->code <= FULLWIDTH_LAST) {
		*instead = (char)(g->code - FULLWIDTH_SHIFT);
		snprintf(name, size, "fullwidth character");
	} else if (!g->valid)
		snprintf(name, size, "byte that is no UTF-8");
	else if (g->code < 0x20 || g->code == 0x7f)
		snprintf(name, size, "control character");
	else
		snprintf(name, size, "character U+%04X", g->code);
}

static void report_character(struct parser *p, enum finding_code code, struct str at,
			     const struct glyph *g)
{
	char name[32], bytes[16] = "";
	char instead[2];
	size_t i;

	name_character(name, sizeof(name), g, instead);
	for (i = 0; i < g->bytes; i++)
		snprintf(bytes + 3 * i, sizeof(bytes) - 3 * i, " %02x", (uint8_t)at.p[i]);
	i = parser_fault(p, code, (struct str){ at.p, g->bytes }, "a%s %s (%s%s) stands here",
			 strchr("aeiou", *name) ? "n" : "", name, g->bytes > 1 ? "bytes" : "byte",
			 bytes);
	if (*instead == ' ')
		finding_help(p->f, i, "write an ordinary space");
	else if (*instead)
		finding_help(p->f, i, "write '%s'", instead);
	else
		finding_help(p->f, i, "delete it");
}

bool diagnose_odd_character(struct parser *p, enum finding_code code, struct str part)
{
	while (part.n) {
		struct glyph g = text_glyph(part);

		if ((g.code >= 0x7f || g.code < 0x20) && !lex_is_space(*part.p)) {
			report_character(p, code, part, &g);
			return true;
		}
		part.p += g.bytes;
		part.n -= g.bytes;
	}
	return false;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

bool diagnose_value(struct parser *p, const struct conf_key *key, struct str value)
{
	const char *semicolon = value.n ? memchr(value.p, ';', value.n) : NULL;
	struct str first = { value.p, 1 };
	size_t i;

	if (!value.n)
		return false;
	if (diagnose_odd_character(p, FINDING_BAD_VALUE, value))
		return true;
	if (is_quote(*value.p) || is_quote(value.p[value.n - 1])) {
		first.p = is_quote(*value.p) ? value.p : value.p + value.n - 1;
		i = parser_fault(p, FINDING_BAD_VALUE, first, "%s's value stands in quotes",
				 key->name);
		finding_help(p->f, i, "write it without quotes");
		return true;
	}
	if (*value.p == '=') {
		i = parser_fault(p, FINDING_BAD_VALUE, first, "a stray '=' before %s's value",
				 key->name);
		finding_help(p->f, i, "write one '=' only");
		return true;
	}
	if (semicolon) {
		first.p = semicolon;
		i = parser_fault(p, FINDING_BAD_VALUE, first,
				 "';' does not begin a comment; it is taken as part of the value");
		finding_help(p->f, i, "begin comments with #");
		return true;
	}
	return false;
}

/* The section whose name this is, or nearly is. */
static enum section nearest_section(struct str name)
{
	static const struct {
		const char *name;
		enum section section;
	} sections[] = { { "Interface", SECTION_INTERFACE }, { "Peer", SECTION_PEER } };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (3 * keys_distance(name, sections[i].name) <= strlen(sections[i].name))
			return sections[i].section;
	return SECTION_UNKNOWN;
}

enum section diagnose_header(struct parser *p)
{
	struct str all = lex_trim(p->line.stripped), name = keys_first_word(all);
	const struct foreign_word *foreign = keys_find_foreign(name);
	enum section meant = nearest_section(name);
	size_t i;

	if (diagnose_odd_character(p, FINDING_SYNTAX, all))
		return meant;
	if (meant != SECTION_UNKNOWN) {
		i = parser_fault(p, FINDING_SYNTAX, all, "this is no section header");
		finding_help(p->f, i, "write %s, and nothing else on the line but a # comment",
			     section_header(meant));
	} else if (foreign) {
		i = parser_fault(p, FINDING_SYNTAX, all, "this is %s", foreign->owner);
		finding_help(p->f, i, "%s", foreign->help);
	} else {
		i = parser_fault(p, FINDING_SYNTAX, all, "there is no such section");
		finding_help(p->f, i, "the sections are [Interface] and [Peer]");
	}
	return meant;
}

/* A key in the section of another, or a wg-quick key where wg-quick does not look. */
static void report_misplaced(struct parser *p, const struct conf_key *key)
{
	struct str name = p->line.key;
	size_t i;

	if (p->section == SECTION_NONE) {
		i = parser_fault(p, FINDING_SYNTAX, name, "%s stands before any section",
				 key->name);
		finding_help(p->f, i, "write %s above it", section_header(key->section));
		p->section = key->section;
		p->in_interface = key->section == SECTION_INTERFACE;
	} else if (p->section != key->section) {
		i = parser_fault(p, FINDING_UNKNOWN_KEY, name, "%s does not belong in %s",
				 key->name, section_header(p->section));
		finding_help(p->f, i, "move it to %s", section_header(key->section));
	} else if (p->in_interface) {
		i = parser_fault(p, FINDING_SYNTAX, name, "there are blanks inside the key %s",
				 key->name);
		finding_help(p->f, i, "write %s", key->name);
	} else {
		i = parser_fault(
			p, FINDING_SYNTAX, name,
			"wg-quick does not read %s in a section whose header has blanks inside",
			key->name);
		finding_relate(p->f, i, source_place(&p->c->source, p->header), "this header");
		finding_help(p->f, i, "write the header as [Interface]");
		p->in_interface = true;
	}
}

/* "Address : 10.0.0.1", "PrivateKey xyz": the word of a key without its '='. */
static bool report_no_equals(struct parser *p)
{
	struct str rest = lex_trim(p->line.stripped), word = rest;
	const struct conf_key *key;
	size_t i;

	for (word.n = 0; word.n < rest.n; word.n++)
		if (strchr(":=(", rest.p[word.n]) || lex_is_space(rest.p[word.n]))
			break;
	rest.p += word.n;
	rest.n -= word.n;
	rest = lex_trim(rest);
	key = keys_find(word);
	if (!key || (rest.n && *rest.p == '='))
		return false;
	if (!rest.n)
		rest = (struct str){ word.p + word.n, 0 };
	else
		rest.n = 1;
	i = parser_fault(p, FINDING_SYNTAX, rest, "there is no '=' after %s", key->name);
	finding_help(p->f, i, "write %s = VALUE", key->name);
	return true;
}

static bool report_other_comment(struct parser *p)
{
	struct str all = lex_trim(p->line.stripped);
	size_t n = *all.p == ';' ? 1 : all.n > 1 && !memcmp(all.p, "//", 2) ? 2 : 0, i;

	if (!n)
		return false;
	i = parser_fault(p, FINDING_SYNTAX, (struct str){ all.p, n },
			 "'%.*s' does not begin a comment", (int)n, all.p);
	finding_help(p->f, i, "begin comments with #");
	return true;
}

/* "the keys of [Peer] are ..." */
static void help_with_keys(struct parser *p, size_t i)
{
	enum section section = p->section == SECTION_PEER ? SECTION_PEER : SECTION_INTERFACE;
	const char *list = "", *separator = "";

	for (const struct conf_key *k = conf_keys; k->name; k++) {
		if (k->section != section)
			continue;
		list = arena_printf(p->f->arena, "%s%s%s", list, separator, k->name);
		separator = ", ";
	}
	finding_help(p->f, i, "the keys of %s are %s", section_header(section), list);
}

static void report_unknown(struct parser *p, struct str squeezed)
{
	struct str name = p->line.key;
	const struct foreign_word *foreign = keys_find_foreign(squeezed);
	const struct conf_key *near = keys_nearest(squeezed, p->section);
	size_t i;

	if (foreign) {
		i = parser_fault(p, FINDING_UNKNOWN_KEY, name, "%s is %s", foreign->name,
				 foreign->owner);
		finding_help(p->f, i, "%s", foreign->help);
		return;
	}
	if (keys_may_show_name(&p->line))
		i = parser_fault(p, FINDING_UNKNOWN_KEY, name, "there is no key %.*s",
				 STR_ARGS(p->line.key));
	else
		i = parser_fault(p, FINDING_UNKNOWN_KEY, name, "there is no such key");
	if (!near)
		help_with_keys(p, i);
	else if (near->section == p->section || p->section == SECTION_NONE)
		finding_help(p->f, i, "did you mean %s?", near->name);
	else
		finding_help(p->f, i, "did you mean %s? It belongs in %s", near->name,
			     section_header(near->section));
}

/* Neither a key nor a value can be told apart in it. */
static bool report_shapeless(struct parser *p, struct str squeezed)
{
	size_t i;

	if (p->line.has_equals && p->line.key.n)
		return false;
	if (p->line.has_equals) {
		i = parser_fault(p, FINDING_SYNTAX, lex_trim(p->line.stripped),
				 "no key stands before the '='");
	} else if (!keys_nearest(squeezed, p->section) && !keys_find_foreign(squeezed)) {
		i = parser_fault(p, FINDING_SYNTAX, lex_trim(p->line.stripped),
				 "this is neither a section, nor KEY = VALUE, nor a comment");
	} else {
		return false;
	}
	finding_help(p->f, i, "write KEY = VALUE, or put a # in front");
	return true;
}

/* A key in quotes or with other characters around it is still that key. */
static struct str core_of(struct str name)
{
	while (name.n && is_quote(*name.p)) {
		name.p++;
		name.n--;
	}
	while (name.n && is_quote(name.p[name.n - 1]))
		name.n--;
	return name;
}

void diagnose_line(struct parser *p)
{
	char buf[SQUEEZE_SIZE];
	struct line *line = &p->line;
	struct str squeezed = lex_squeeze(p->c->arena, buf, core_of(line->key));
	const struct conf_key *key = keys_find(squeezed);

	if (report_other_comment(p))
		return;
	if (diagnose_odd_character(p, FINDING_SYNTAX,
				   line->has_equals ? line->key : lex_trim(line->stripped)))
		return;
	if (line->has_equals && key && core_of(line->key).n != line->key.n) {
		size_t i = parser_fault(p, FINDING_SYNTAX, line->key, "the key %s stands in quotes",
					key->name);

		finding_help(p->f, i, "write it without quotes");
	} else if (line->has_equals && key) {
		report_misplaced(p, key);
	} else if (!report_no_equals(p) && !report_shapeless(p, squeezed)) {
		report_unknown(p, squeezed);
	}
}
