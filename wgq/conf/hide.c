/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/keys.h"

enum { NAME_SHOWN = 24 };

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

struct str keys_first_word(struct str s)
{
	while (s.n && !is_word(*s.p)) {
		s.p++;
		s.n--;
	}
	for (size_t i = 0; i < s.n; i++)
		if (!is_word(s.p[i]))
			s.n = i;
	return s;
}

static bool is_one_word(struct str s)
{
	return s.n && keys_first_word(s).n == s.n;
}

bool keys_may_show_name(const struct line *line)
{
	return line->value.n && line->key.n <= NAME_SHOWN && is_one_word(line->key);
}

/* A key known exactly or nearly so, quotes and other characters around it and blanks inside aside.
 */
static const struct conf_key *meant_key(struct str name, bool *exact)
{
	struct arena none CLEANUP(arena_fini) = { 0 }; /* buf is large enough */
	char buf[SQUEEZE_SIZE];
	struct str squeezed;
	const struct conf_key *key;

	*exact = false;
	while (name.n && !is_word(*name.p)) {
		name.p++;
		name.n--;
	}
	while (name.n && !is_word(name.p[name.n - 1]))
		name.n--;
	if (name.n >= SQUEEZE_SIZE)
		return NULL;
	squeezed = lex_squeeze(&none, buf, name);
	key = keys_find(squeezed);
	*exact = key != NULL;
	return key ? key : keys_nearest(squeezed, SECTION_NONE);
}

bool keys_is_bare_header(const struct line *line)
{
	struct str rest = line->stripped, word;

	if (line->has_equals)
		return false;
	word = keys_first_word(rest);
	if (!lex_equal(word, "Interface") && !lex_equal(word, "Peer"))
		return false;
	rest.n = (size_t)(rest.p + rest.n - word.p) - word.n;
	rest.p = word.p + word.n;
	return !keys_first_word(rest).n;
}

/* Hides from p to the end of the line; a comment behind a secret may well be its other half. */
static void hide_from(const struct line *line, struct place *at, const char *p)
{
	struct str part = lex_trim((struct str){ p, (size_t)(line->text.p + line->text.n - p) });
	struct span span = line_span(line, part);

	at->hide_at = span.column - 1;
	at->hide_length = span.length;
}

/* A public key is its value's first word; what else is there may be another line's, joined. */
static void show_public_key(const struct line *line, struct place *at, struct str value)
{
	struct str word = value;
	struct span span;

	for (size_t i = 0; i < word.n; i++)
		if (lex_is_space(word.p[i]))
			word.n = i;
	span = line_span(line, word);
	at->show_at = span.column - 1;
	at->show_length = span.length;
	if (word.n < value.n)
		hide_from(line, at, word.p + word.n);
}

static void hide_value(const struct line *line, struct place *at, enum secrecy secrecy,
		       struct str value)
{
	if (secrecy == SECRECY_SECRET)
		hide_from(line, at, value.p);
	else if (secrecy == SECRECY_PUBLIC_KEY)
		show_public_key(line, at, value);
}

/* What is, or was meant as, a comment, and stands in it as KEY = VALUE. */
static void hide_comment(const struct line *line, struct place *at, struct str body,
			 bool hide_unknown)
{
	struct str value;
	const char *equals;
	const struct conf_key *key;

	while (body.n && !is_word(*body.p)) {
		body.p++;
		body.n--;
	}
	equals = body.n ? memchr(body.p, '=', body.n) : NULL;
	if (!equals)
		return;
	value = lex_trim((struct str){ equals + 1, (size_t)(body.p + body.n - equals - 1) });
	body.n = (size_t)(equals - body.p);
	key = keys_find(lex_trim(body));
	if (key)
		hide_value(line, at, key->secrecy, value);
	else if (hide_unknown)
		hide_from(line, at, value.p);
}

/* A line without '=': a name may be shown if it is a key's or nearly so, the rest only if it is. */
static void hide_bare_line(const struct line *line, struct place *at)
{
	struct str word = keys_first_word(line->stripped);
	const struct conf_key *key = keys_find(word);
	const struct conf_key *near = key ? key : keys_nearest(word, SECTION_NONE);

	if ((key && key->secrecy != SECRECY_SECRET) || keys_is_bare_header(line))
		return;
	if (key || (near && near->secrecy != SECRECY_SECRET))
		hide_from(line, at, word.p + word.n);
	else
		hide_from(line, at, line->text.p);
}

static void hide_assignment(const struct line *line, struct place *at)
{
	struct str word = keys_first_word(line->key);
	bool exact;
	const struct conf_key *key = meant_key(line->key, &exact);

	if (exact)
		hide_value(line, at, key->secrecy, line->value);
	else if (keys_find(word)) /* "PrivateKey: xyz=" */
		hide_from(line, at, word.p + word.n);
	else if (key || keys_may_show_name(line) || *line->key.p == '[')
		hide_from(line, at, line->value.p);
	else
		hide_from(line, at, line->text.p);
}

void keys_hide(const struct line *line, struct place *at)
{
	struct str stripped = lex_trim(line->stripped);
	struct str comment = { line->stripped.p + line->stripped.n,
			       line->text.n - line->stripped.n };

	if (stripped.n && (*stripped.p == ';' || (stripped.n > 1 && !memcmp(stripped.p, "//", 2))))
		hide_comment(line, at, line->text, true);
	else if (line->has_equals && line->key.n)
		hide_assignment(line, at);
	else if (line->has_equals)
		hide_from(line, at, stripped.p);
	else if (stripped.n && *stripped.p != '[')
		hide_bare_line(line, at);
	if (!at->hide_length && !at->show_length)
		hide_comment(line, at, comment, false);
}
