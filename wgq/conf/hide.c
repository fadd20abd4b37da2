/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/keys.h"

enum { NAME_SHOWN = 24 };

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static struct str first_word(struct str s)
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
	return s.n && first_word(s).n == s.n;
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

/* A line that is, or was meant as, a comment: what stands in it as KEY = VALUE. */
static void hide_comment(const struct line *line, struct place *at, bool hide_unknown)
{
	struct str body = line->text, value;
	const char *equals;
	const struct conf_key *key;

	while (body.n && (!is_word(*body.p) || lex_is_space(*body.p))) {
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

/* A line without '=': a name may be shown if it is nearly a key's, the rest only if it is one. */
static void hide_bare_line(const struct line *line, struct place *at)
{
	struct str word = first_word(line->stripped);
	const struct conf_key *key = keys_find(word);

	if (key && key->secrecy != SECRECY_SECRET)
		return;
	if (key || lex_equal(word, "Interface") || lex_equal(word, "Peer") ||
	    keys_nearest(word, SECTION_NONE))
		hide_from(line, at, word.p + word.n);
	else
		hide_from(line, at, line->text.p);
}

static void hide_assignment(const struct line *line, struct place *at)
{
	struct str word = first_word(line->key);
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

	if (!stripped.n)
		hide_comment(line, at, false);
	else if (*stripped.p == ';' || (stripped.n > 1 && !memcmp(stripped.p, "//", 2)))
		hide_comment(line, at, true);
	else if (line->has_equals && line->key.n)
		hide_assignment(line, at);
	else if (line->has_equals)
		hide_from(line, at, stripped.p);
	else if (*stripped.p != '[')
		hide_bare_line(line, at);
}
