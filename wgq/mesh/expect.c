/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/expect.h"

#include "wgq/base/text.h"
#include "wgq/mesh/pairs.h"
#include "wgq/mesh/trace.h"

enum { WORDS = 5 };

enum verb { REACH, DIRECT, DENY, VERBS };

static const char *const verbs[VERBS] = {
	[REACH] = "reach",
	[DIRECT] = "direct",
	[DENY] = "deny",
};

struct word {
	const char *text;
	size_t at, length; /* in the line; quotes included */
};

struct line {
	const struct source *source;
	uint32_t number;
	struct str text;
	struct word words[WORDS];
	size_t n;     /* may be more than there is room for */
	bool is_open; /* a quote without its end */
};

struct judge {
	struct findings *f;
	const struct mesh *m;
	const struct routes *r;
	const struct line *line;
	enum verb verb;
	size_t via; /* MESH_NONE: not asked for */
	struct queries queries;
};

/* Of a word, or w NULL: of all words. */
static struct place place_of(const struct line *l, const struct word *w)
{
	const struct word *last = &l->words[(l->n < WORDS ? l->n : WORDS) - 1];
	const struct word all = { .at = l->words[0].at,
				  .length = last->at + last->length - l->words[0].at };

	w = w ? w : &all;
	return (struct place){
		.file = l->source->path,
		.line = l->number,
		.column = (uint32_t)w->at + 1,
		.length = (uint32_t)w->length,
		.text = l->text,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Length of the word that begins at i, quotes included. */
static size_t word_length(struct line *l, size_t i)
{
	size_t end = i + 1;

	if (l->text.p[i] == '"') {
		while (end < l->text.n && l->text.p[end] != '"')
			end++;
		l->is_open |= end == l->text.n;
		return (end < l->text.n ? end + 1 : end) - i;
	}
	while (end < l->text.n && !is_blank(l->text.p[end]) && l->text.p[end] != '#')
		end++;
	return end - i;
}

static void split(struct line *l, struct arena *a)
{
	size_t i = 0;

	for (;;) {
		struct word w;

		while (i < l->text.n && is_blank(l->text.p[i]))
			i++;
		if (i == l->text.n || l->text.p[i] == '#')
			return;
		w = (struct word){ .at = i, .length = word_length(l, i) };
		i += w.length;
		if (l->n++ >= WORDS)
			continue;
		w.text = l->text.p[w.at] == '"'
				 ? arena_strndup(a, l->text.p + w.at + 1, w.length - 2 + l->is_open)
				 : arena_strndup(a, l->text.p + w.at, w.length);
		l->words[l->n - 1] = w;
	}
}

static void fault(struct judge *j, const struct word *w, const char *message, const char *help)
{
	size_t i = finding_add(j->f, FINDING_SYNTAX, place_of(j->line, w), "%s", message);

	finding_help(j->f, i, "%s", help);
}

static const char usage[] = "write reach FROM TO, reach FROM TO via NODE, direct FROM TO, or deny "
			    "FROM TO";

static bool read_verb(struct judge *j)
{
	const struct line *l = j->line;

	for (j->verb = 0; j->verb < VERBS; j->verb++)
		if (!strcmp(l->words[0].text, verbs[j->verb]))
			break;
	if (l->is_open)
		fault(j, NULL, "a quote is not closed", "put a \" behind the name");
	else if (j->verb == VERBS)
		fault(j, &l->words[0], "no expectation begins with this word", usage);
	else if (l->n < 3)
		fault(j, NULL, "two nodes are needed", usage);
	else if (l->n > 3 &&
		 (j->verb != REACH || l->n != 5 || strcmp(l->words[3].text, "via") != 0))
		fault(j, &l->words[3], "this word means nothing here", usage);
	else
		return true;
	return false;
}

static bool read_line(struct judge *j)
{
	const struct line *l = j->line;
	struct diag d;

	if (!read_verb(j))
		return false;
	if (queries_make(&j->queries, j->m, j->r, l->words[1].text, l->words[2].text, &d)) {
		bool first = mesh_find_node(j->m, l->words[1].text) == MESH_NONE;

		fault(j, &l->words[first ? 1 : 2], d.text,
		      "names are as `wgq map` shows them; one with blanks stands in quotes");
		return false;
	}
	j->via = l->n == 5 ? mesh_find_node(j->m, l->words[4].text) : MESH_NONE;
	if (l->n == 5 && j->via == MESH_NONE) {
		fault(j, &l->words[4], "no node is called so", "names are as `wgq map` shows them");
		return false;
	}
	return true;
}

static const char *name_of(const struct judge *j, size_t node)
{
	return trace_escape(j->f->arena, j->m->nodes[node].name);
}

static const char *target_of(const struct judge *j, const struct query *q)
{
	char text[PREFIX_TEXT];

	if (q->to != MESH_NONE)
		return name_of(j, q->to);
	prefix_format_addr(text, &q->target);
	return arena_strndup(j->f->arena, text, strlen(text));
}

/* "A > C > D" */
static const char *path_of(const struct judge *j, const struct way *way)
{
	const char *path = name_of(j, way->hops[0].node);

	for (size_t i = 1; i < way->n; i++)
		path = arena_printf(j->f->arena, "%s > %s", path, name_of(j, way->hops[i].node));
	return path;
}

static void relate_trace(struct judge *j, size_t finding, const struct query *q,
			 const struct way *way)
{
	struct trace t;

	trace_make(&t, j->f->arena, j->m, q, way);
	for (size_t i = 0; i < t.n; i++) {
		const struct trace_step *step = &t.v[i];
		struct place at = { 0 };

		if (step->at.line)
			at = source_place(&step->iface->config->source, step->at);
		finding_relate(j->f, finding, at, "%s", step->what);
	}
}

static bool passes(const struct way *way, size_t node)
{
	for (size_t i = 1; i + 1 < way->n; i++)
		if (way->hops[i].node == node)
			return true;
	return false;
}

/* What is wrong with the way, given the line; NULL: nothing. */
static const char *complaint(const struct judge *j, const struct query *q, const struct way *way)
{
	struct arena *a = j->f->arena;
	const char *from = name_of(j, q->from), *to = target_of(j, q);
	bool arrives = way->end == WAY_ARRIVES;

	if (j->verb == DENY)
		return arrives ? arena_printf(a, "%s reaches %s: %s", from, to, path_of(j, way))
			       : NULL;
	if (!arrives)
		return arena_printf(a, "%s does not reach %s: %s", from, to, path_of(j, way));
	if (j->verb == DIRECT && way->n > 2)
		return arena_printf(a, "%s is not direct with %s: %s", from, to, path_of(j, way));
	if (j->via != MESH_NONE && !passes(way, j->via))
		return arena_printf(a, "%s reaches %s, but not via %s: %s", from, to,
				    name_of(j, j->via), path_of(j, way));
	return NULL;
}

static void judge_query(struct judge *j, const struct query *q)
{
	struct way way = { 0 };
	const char *message;
	size_t i;

	routes_trace(j->r, &way, q->from, q->source, q->target);
	message = complaint(j, q, &way);
	if (!message)
		return;
	i = finding_add_as(j->f, SEV_ERROR,
			   way.end == WAY_ARRIVES ? FINDING_BAD_VALUE : pairs_finding(way.end),
			   place_of(j->line, NULL), "%s", message);
	relate_trace(j, i, q, &way);
}

static void judge_line(struct findings *f, const struct mesh *m, const struct routes *r,
		       struct line *l)
{
	struct judge j = { .f = f, .m = m, .r = r, .line = l };

	split(l, f->arena);
	if (!l->n || !read_line(&j))
		return;
	for (size_t i = 0; i < j.queries.n; i++)
		judge_query(&j, &j.queries.v[i]);
}

void expect_check(struct findings *f, const struct mesh *m, const struct routes *r,
		  const struct source *expectations)
{
	struct str rest = expectations->text;
	uint32_t number = 1;

	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		struct line l = { .source = expectations, .number = number, .text = { rest.p, n } };

		judge_line(f, m, r, &l);
		number++;
		n += end != NULL;
		rest.p += n;
		rest.n -= n;
	}
}
