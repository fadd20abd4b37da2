/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/lex.h"

#include <strings.h>

bool lex_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The end first: what is empty then stands right behind what came before it. */
static struct str trim(struct str s, bool (*is_cut)(char))
{
	while (s.n && is_cut(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_cut(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

struct str lex_trim(struct str s)
{
	return trim(s, lex_is_space);
}

bool lex_next_word(struct str *rest, struct str *word)
{
	while (rest->n && strchr(", \t", *rest->p)) {
		rest->p++;
		rest->n--;
	}
	*word = *rest;
	for (word->n = 0; word->n < rest->n && !strchr(", \t", rest->p[word->n]);)
		word->n++;
	rest->p += word->n;
	rest->n -= word->n;
	return word->n != 0;
}

bool lex_equal(struct str a, const char *b)
{
	return strlen(b) == a.n && !strncasecmp(a.p, b, a.n);
}

/* What stands before and after the first c; false, with all of it before, if there is none. */
static bool split(struct str s, char c, struct str *before, struct str *after)
{
	const char *found = s.n ? memchr(s.p, c, s.n) : NULL;

	*before = s;
	*after = (struct str){ s.p + s.n, 0 };
	if (!found)
		return false;
	before->n = (size_t)(found - s.p);
	*after = (struct str){ found + 1, s.n - before->n - 1 };
	return true;
}

size_t lex_bom_bytes(struct str text)
{
	if (text.n >= BOM_BYTES && !memcmp(text.p, "\xef\xbb\xbf", BOM_BYTES))
		return BOM_BYTES;
	if (text.n >= UTF16_BOM_BYTES && (!memcmp(text.p, "\xff\xfe", UTF16_BOM_BYTES) ||
					  !memcmp(text.p, "\xfe\xff", UTF16_BOM_BYTES)))
		return UTF16_BOM_BYTES;
	return 0;
}

void lexer_init(struct lexer *lexer, struct str text, size_t at, struct arena *a)
{
	*lexer = (struct lexer){ .arena = a, .text = text, .at = at };
	lexer->has_nul = text.n && memchr(text.p, '\0', text.n);
}

/* bash drops NUL bytes as it reads. */
static struct str without_nul(struct lexer *lexer, struct line *line, struct str s)
{
	char *copy;
	size_t n = 0;

	if (!lexer->has_nul || !s.n || !memchr(s.p, '\0', s.n))
		return s;
	copy = arena_alloc(lexer->arena, s.n);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			copy[n++] = s.p[i];
	line->copy = copy;
	return (struct str){ copy, n };
}

bool lexer_next(struct lexer *lexer, struct line *line)
{
	struct str rest = { lexer->text.p + lexer->at, lexer->text.n - lexer->at };
	struct str comment, after;
	bool ended;

	if (!rest.n)
		return false;
	*line = (struct line){ .number = ++lexer->number };
	ended = split(rest, '\n', &line->raw, &after);
	lexer->at += line->raw.n + ended;
	line->text = trim(without_nul(lexer, line, line->raw), is_blank);
	if (!ended && !line->text.n)
		return false;
	/* The first line has its byte order mark back: columns count from the true beginning. */
	line->start = lexer->number == 1 ? 0 : (size_t)(line->raw.p - lexer->text.p);
	line->raw.n += (size_t)(line->raw.p - lexer->text.p) - line->start;
	line->raw.p = lexer->text.p + line->start;

	split(line->text, '#', &line->stripped, &comment);
	line->has_equals = split(line->stripped, '=', &line->key, &line->value);
	split(line->text, '=', &comment, &line->raw_value);
	line->key = lex_trim(line->key);
	line->value = lex_trim(line->value);
	line->raw_value = lex_trim(line->raw_value);
	return true;
}

/* The offset in raw of a byte of the line's slices. */
static size_t raw_offset(const struct line *line, const char *p)
{
	size_t skip, i;

	if (!line->copy)
		return (size_t)(p - line->raw.p);
	skip = (size_t)(p - line->copy);
	for (i = 0; i < line->raw.n; i++)
		if (line->raw.p[i] && !skip--)
			break;
	return i;
}

struct span line_span(const struct line *line, struct str part)
{
	size_t first = raw_offset(line, part.p);
	size_t last = part.n ? raw_offset(line, part.p + part.n - 1) + 1 : first;

	return (struct span){
		.line = line->number,
		.column = (uint32_t)first + 1,
		.length = (uint32_t)(last - first),
		.line_start = (uint32_t)line->start,
	};
}

struct str lex_squeeze(struct arena *a, char buf[SQUEEZE_SIZE], struct str s)
{
	char *out = s.n < SQUEEZE_SIZE ? buf : arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (!lex_is_space(s.p[i]))
			out[n++] = s.p[i];
	out[n] = '\0';
	return (struct str){ out, n };
}

struct str lex_unsqueeze(struct str s, size_t at, size_t n)
{
	size_t first = s.n, end = s.n, seen = 0;

	for (size_t i = 0; i < s.n && seen < at + n; i++) {
		if (lex_is_space(s.p[i]))
			continue;
		if (seen++ == at)
			first = i;
		end = i + 1;
	}
	if (first == s.n)
		end = s.n;
	return (struct str){ s.p + first, end - first };
}
