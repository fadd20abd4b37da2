/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/shell_words.h"

/* A longer text is a program, which nobody would understand. */
enum { TEXT_MAX = 65536 };

struct splitter {
	struct arena *arena;
	const char *p;
	const char *ifname;
	struct shell_script *out;
	struct shell_command command; /* the one being read */
	struct shell_command empty;   /* what the next one starts as */
	unsigned depth;               /* of groups, conditions and loops */
	bool broken;
	/* the word being read */
	char *word;
	size_t length;
	bool opaque;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_end_of_word(char c)
{
	return !c || is_blank(c) || strchr("\n;&|()<>", c);
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Takes the next character as it is; %i is replaced before bash sees anything. */
static void take_char(struct splitter *s)
{
	if (s->p[0] == '%' && s->p[1] == 'i') {
		size_t n = strlen(s->ifname);

		memcpy(s->word + s->length, s->ifname, n);
		s->length += n;
		s->p += 2;
	} else if (*s->p) {
		s->word[s->length++] = *s->p++;
	}
}

/* Goes behind the next unescaped c. */
static void skip_to(struct splitter *s, char c)
{
	while (*s->p && *s->p != c)
		s->p += *s->p == '\\' && s->p[1] ? 2 : 1;
	if (*s->p)
		s->p++;
	else
		s->broken = true;
}

static void skip_single_quoted(struct splitter *s)
{
	const char *end = strchr(s->p, '\'');

	s->broken |= !end;
	s->p = end ? end + 1 : s->p + strlen(s->p);
}

/* Goes behind the bracket that closes the one before p. What quotes and brackets hold inside is
 * nothing to us. */
static void skip_bracketed(struct splitter *s, char open, char close)
{
	unsigned depth = 1;

	while (*s->p && depth) {
		char c = *s->p++;

		if (c == '\\' && *s->p)
			s->p++;
		else if (c == '\'')
			skip_single_quoted(s);
		else if (c == '"' || c == '`')
			skip_to(s, c);
		else if (c == open)
			depth++;
		else if (c == close)
			depth--;
	}
	s->broken |= depth > 0;
}

/* At '$' or '`'. */
static void take_expansion(struct splitter *s)
{
	char c = s->p[*s->p != '`'];

	if (c != '`' && c != '(' && c != '{' && c != '\'' && !is_name(c) &&
	    !(c && strchr("@*#?$!-", c))) {
		take_char(s);
		return;
	}
	s->opaque = true;
	s->p += c == '`' ? 1 : 2;
	if (c == '(')
		skip_bracketed(s, '(', ')');
	else if (c == '{')
		skip_bracketed(s, '{', '}');
	else if (c == '`' || c == '\'')
		skip_to(s, c);
}

static void take_double_quoted(struct splitter *s)
{
	s->p++;
	while (*s->p && *s->p != '"') {
		if (*s->p == '$' || *s->p == '`') {
			take_expansion(s);
			continue;
		}
		if (*s->p == '\\' && s->p[1] && strchr("$`\"\\", s->p[1]))
			s->p++;
		take_char(s);
	}
	s->broken |= !*s->p;
	s->p += *s->p != '\0';
}

static void take_single_quoted(struct splitter *s)
{
	s->p++;
	while (*s->p && *s->p != '\'')
		take_char(s);
	s->broken |= !*s->p;
	s->p += *s->p != '\0';
}

/* A pattern or an alternative may become several words, or none. */
static void take_plain(struct splitter *s, const char *start)
{
	bool alone = s->p == start && is_end_of_word(s->p[1]);

	s->opaque |= strchr("*?", *s->p) || (*s->p == '{' && !alone) ||
		     (*s->p == '~' && s->p == start);
	if (*s->p == '\\')
		s->p++;
	take_char(s);
}

static struct shell_word read_word(struct splitter *s)
{
	const char *start = s->p;

	s->length = 0;
	s->opaque = false;
	while (!is_end_of_word(*s->p)) {
		if (*s->p == '\'')
			take_single_quoted(s);
		else if (*s->p == '"')
			take_double_quoted(s);
		else if (*s->p == '$' || *s->p == '`')
			take_expansion(s);
		else
			take_plain(s, start);
	}
	return (struct shell_word){ .text = arena_strndup(s->arena, s->word, s->length),
				    .raw = { start, (size_t)(s->p - start) },
				    .opaque = s->opaque };
}

static void add_word(struct splitter *s, struct shell_word word)
{
	struct shell_command *c = &s->command;

	if (!c->raw.p)
		c->raw.p = word.raw.p;
	c->raw.n = (size_t)(word.raw.p + word.raw.n - c->raw.p);
	*ARENA_PUSH(s->arena, c->words, c->n, c->capacity) = word;
}

static void skip_blanks(struct splitter *s)
{
	while (is_blank(*s->p))
		s->p++;
}

/* At '<' or '>', or at the '&' of "&>". Here-documents have no place in one line. */
static void take_redirection(struct splitter *s, bool is_output)
{
	const char *start = s->p;
	struct shell_word target;
	bool duplicates;

	if (s->p[1] == '(') { /* the name of a pipe, as a word */
		s->p += 2;
		skip_bracketed(s, '(', ')');
		add_word(s, (struct shell_word){ .text = "",
						 .raw = { start, (size_t)(s->p - start) },
						 .opaque = true });
		return;
	}
	s->broken |= s->p[0] == '<' && s->p[1] == '<' && s->p[2] != '<';
	while (*s->p && strchr("<>&|", *s->p))
		s->p++;
	duplicates = s->p[-1] == '&';
	skip_blanks(s);
	target = read_word(s);
	if (s->command.n)
		s->command.raw.n = (size_t)(s->p - s->command.raw.p);
	if (is_output && !duplicates && !target.opaque)
		s->command.output = target.text;
}

/* A number right before '<' or '>' says what is redirected. */
static bool take_numbered_redirection(struct splitter *s)
{
	size_t digits = strspn(s->p, "0123456789");
	bool is_output = digits == 1 && *s->p == '1' && s->p[1] == '>';

	if (!digits || (s->p[digits] != '<' && s->p[digits] != '>'))
		return false;
	s->p += digits;
	take_redirection(s, is_output);
	return true;
}

static void drop_words(struct shell_command *c, size_t n)
{
	c->words += n;
	c->n -= n;
	c->capacity -= n;
}

static const struct {
	const char *word;
	int depth;      /* what it adds to the depth */
	bool takes_all; /* the words behind it are no command */
} reserved[] = {
	{ "if", 1, false },   { "then", 0, false },  { "elif", 0, false },  { "else", 0, false },
	{ "fi", -1, true },   { "while", 1, false }, { "until", 1, false }, { "do", 0, false },
	{ "done", -1, true }, { "for", 1, true },    { "select", 1, true }, { "{", 1, false },
	{ "}", -1, true },    { "time", 0, false },
};

/* These make a text that this cannot follow. */
static bool is_too_much(struct str raw)
{
	static const char *const words[] = { "case", "function", "coproc", "eval" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (raw.n == strlen(words[i]) && !memcmp(raw.p, words[i], raw.n))
			return true;
	return false;
}

/* Takes one reserved word off the front. */
static bool drop_reserved(struct splitter *s)
{
	struct shell_command *c = &s->command;
	struct str raw = c->words->raw;

	if (raw.n == 1 && *raw.p == '!') {
		c->compound = true;
		drop_words(c, 1);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (raw.n != strlen(reserved[i].word) ||
		    memcmp(raw.p, reserved[i].word, raw.n) != 0)
			continue;
		if (reserved[i].depth < 0 && !s->depth)
			s->broken = true;
		else
			s->depth += (unsigned)reserved[i].depth;
		drop_words(c, reserved[i].takes_all ? c->n : 1);
		return true;
	}
	return false;
}

static bool is_assignment(struct str raw)
{
	size_t n = 0;

	while (n < raw.n && is_name(raw.p[n]))
		n++;
	return n && n < raw.n && raw.p[n] == '=';
}

/* Takes what only introduces the command off its front: X=1, sudo, command. */
static bool drop_prefix(struct shell_command *c)
{
	const char *text = c->words->text;
	bool introduces = c->n > 1 && (!strcmp(text, "sudo") || !strcmp(text, "command"));
	size_t n = 1;

	if (!strcmp(text, "sudo"))
		while (n < c->n &&
		       (!strcmp(c->words[n].text, "-n") || !strcmp(c->words[n].text, "-E")))
			n++;
	if (!is_assignment(c->words->raw) && (!introduces || n == c->n || *c->words[n].text == '-'))
		return false;
	drop_words(c, n);
	return true;
}

static void end_command(struct splitter *s, enum shell_joint joint)
{
	struct shell_command *c = &s->command;

	while (c->n && drop_reserved(s))
		;
	while (c->n && drop_prefix(c))
		;
	s->broken |= c->n && is_too_much(c->words->raw);
	c->compound |= s->depth > 0;
	for (size_t i = 0; i < c->n; i++)
		c->opaque |= c->words[i].opaque;
	if (c->n)
		*ARENA_PUSH(s->arena, s->out->v, s->out->n, s->out->capacity) = *c;
	*c = s->empty;
	c->joint = joint;
}

/* ( opens a group where a command may begin; behind a word it makes a function or a pattern. */
static void take_bracket(struct splitter *s)
{
	bool opens = *s->p++ == '(';

	if (opens) {
		s->broken |= s->command.n || *s->p == '(';
		s->depth++;
		return;
	}
	end_command(s, SHELL_NEXT);
	s->broken |= !s->depth;
	s->depth -= s->depth > 0;
}

static const struct {
	const char *text;
	enum shell_joint joint;
} separators[] = {
	{ "&&", SHELL_AND }, { "||", SHELL_OR },   { "|&", SHELL_PIPE }, { "|", SHELL_PIPE },
	{ ";", SHELL_NEXT }, { "\n", SHELL_NEXT }, { "&", SHELL_NEXT },
};

static bool take_separator(struct splitter *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(separators); i++) {
		size_t n = strlen(separators[i].text);

		if (strncmp(s->p, separators[i].text, n) != 0)
			continue;
		s->p += n;
		end_command(s, separators[i].joint);
		return true;
	}
	return false;
}

static void take_token(struct splitter *s)
{
	if (*s->p == '#')
		s->p += strcspn(s->p, "\n");
	else if (*s->p == '(' || *s->p == ')')
		take_bracket(s);
	else if (*s->p == '<' || *s->p == '>')
		take_redirection(s, *s->p == '>');
	else if (s->p[0] == '&' && s->p[1] == '>')
		take_redirection(s, true);
	else if (!take_numbered_redirection(s) && !take_separator(s))
		add_word(s, read_word(s));
}

void shell_split(struct shell_script *out, struct arena *a, const char *text, const char *ifname)
{
	struct splitter s = { .arena = a, .p = text, .ifname = ifname, .out = out };

	*out = (struct shell_script){ 0 };
	if (strlen(text) > TEXT_MAX)
		return;
	/* each %i may grow to a whole name */
	s.word = arena_alloc(a, strlen(text) * (strlen(ifname) / 2 + 1) + 1);
	for (skip_blanks(&s); *s.p && !s.broken; skip_blanks(&s))
		take_token(&s);
	end_command(&s, SHELL_NEXT);
	out->understood = !s.broken && !s.depth;
}
