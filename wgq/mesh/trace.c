/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/trace.h"

#include <errno.h>

#include "wgq/base/text.h"
#include "wgq/mesh/pairs.h"

const char *trace_escape(struct arena *a, const char *s)
{
	size_t n = strlen(s);
	char *out = arena_alloc(a, 4 * n + 1);

	return text_escape(out, 4 * n + 1, (struct str){ s, n });
}

/* --- what is asked --- */

/* One end of a query: a node, an address, or both. */
struct end {
	size_t node;
	struct prefix addr; /* family 0: the node's own */
};

static int read_end(struct end *end, const struct mesh *m, const char *word, struct diag *d)
{
	char shown[320];
	struct prefix addr;

	*end = (struct end){ .node = mesh_find_node(m, word) };
	if (!prefix_parse(&addr, (struct str){ word, strlen(word) }) &&
	    addr.len == family_bits(addr.family) &&
	    (end->node == MESH_NONE || strcmp(m->nodes[end->node].name, word) != 0))
		end->addr = addr;
	if (end->node == MESH_NONE && !end->addr.family)
		return diag_set(
			d, ENOENT, "no node is called '%s', and it is no address",
			text_escape(shown, sizeof(shown), (struct str){ word, strlen(word) }));
	return 0;
}

static void add_query(struct queries *q, const struct routes *r, const struct end *from,
		      const struct end *to, uint8_t family)
{
	struct query *new = &q->v[q->n];

	*new = (struct query){ .from = from->node, .to = to->node, .target = to->addr };
	if (!to->addr.family)
		new->target = routes_target(r, from->node, to->node, family);
	if (new->target.family != family)
		return;
	new->source = from->addr.family ? from->addr : routes_source(r, from->node, new->target);
	if (new->source.family == family)
		q->n++;
}

int queries_make(struct queries *q, const struct mesh *m, const struct routes *r, const char *from,
		 const char *to, struct diag *d)
{
	struct end ends[2];
	int err = read_end(&ends[0], m, from, d);

	q->n = 0;
	if (!err)
		err = read_end(&ends[1], m, to, d);
	if (err)
		return err;
	if (ends[0].node == MESH_NONE)
		return diag_set(d, ENOENT,
				"no node has the address %s: a packet has to start at one", from);
	if (ends[0].node == ends[1].node)
		return diag_set(d, EINVAL, "a packet to the node itself stays there");
	add_query(q, r, &ends[0], &ends[1], AF_INET);
	add_query(q, r, &ends[0], &ends[1], AF_INET6);
	if (!q->n)
		return diag_set(d, EINVAL, "the two have no addresses of one family");
	return 0;
}

struct query query_back(const struct query *q, const struct way *way)
{
	struct query back = {
		.from = q->to, .to = q->from, .source = q->target, .target = q->source
	};

	if (back.from == MESH_NONE && way->end == WAY_ARRIVES)
		back.from = way->hops[way->n - 1].node;
	return back;
}

/* --- its steps --- */

struct maker {
	struct trace *t;
	struct arena *a;
	const struct mesh *m;
	const struct query *q;
	const struct way *way;
};

static void add_step(struct maker *k, const struct mesh_iface *iface, struct span at,
		     const char *what)
{
	struct trace_step *step = ARENA_PUSH(k->a, k->t->v, k->t->n, k->t->capacity);

	*step = (struct trace_step){ .what = what, .iface = iface, .at = at };
}

static const char *name_of(const struct maker *k, size_t hop)
{
	return trace_escape(k->a, k->m->nodes[k->way->hops[hop].node].name);
}

/* To whom hop sends it: the next hop's node, or what its own file calls the peer. */
static const char *next_name(const struct maker *k, size_t hop)
{
	const struct way_hop *h = &k->way->hops[hop];
	const struct mesh_iface *out;

	if (hop + 1 < k->way->n)
		return name_of(k, hop + 1);
	out = &k->m->ifaces[h->out];
	return trace_escape(k->a, mesh_link_name(k->m, out, &out->links[h->link], k->a));
}

static bool is_sent(const struct way_hop *h)
{
	return h->out != MESH_NONE && h->link != MESH_NONE;
}

static void add_hop(struct maker *k, size_t i)
{
	const struct way_hop *h = &k->way->hops[i];
	bool last = i + 1 == k->way->n;
	const char *verb = last ? "would send" : i ? "passes" : "sends";

	if (i && !(last && k->way->end == WAY_SOURCE_FILTERED))
		add_step(k, &k->m->ifaces[h->in], h->taken_by,
			 arena_printf(k->a, "%s takes it from %s", name_of(k, i),
				      name_of(k, i - 1)));
	if (is_sent(h) && !(last && k->way->end == WAY_LOOP))
		add_step(
			k, &k->m->ifaces[h->out], h->by,
			arena_printf(k->a, "%s %s it to %s", name_of(k, i), verb, next_name(k, i)));
}

/* The two ends of the link at which it ends. */
static void last_link(const struct maker *k, const char **sender, const char **receiver)
{
	size_t last = k->way->n - 1;

	if (k->way->end != WAY_SOURCE_FILTERED && is_sent(&k->way->hops[last])) {
		*sender = name_of(k, last);
		*receiver = next_name(k, last);
	} else {
		*sender = last ? name_of(k, last - 1) : "the sender";
		*receiver = name_of(k, last);
	}
}

static const char *describe_end(const struct maker *k)
{
	const char *at = name_of(k, k->way->n - 1), *sender, *receiver;
	char source[PREFIX_TEXT], target[PREFIX_TEXT];

	prefix_format_addr(source, &k->q->source);
	prefix_format_addr(target, &k->q->target);
	last_link(k, &sender, &receiver);
	switch (k->way->end) {
	case WAY_ARRIVES:
		return "it arrives";
	case WAY_NO_ROUTE:
		return arena_printf(k->a, "%s has no peer whose AllowedIPs hold %s", at, target);
	case WAY_STRANGER:
		return arena_printf(k->a, "the file of %s is not here", receiver);
	case WAY_SOURCE_FILTERED:
		return arena_printf(k->a, "%s drops it: from %s it takes no packet of %s", receiver,
				    sender, source);
	case WAY_NOT_MUTUAL:
		return arena_printf(k->a, "%s drops it: it does not have %s as a peer", receiver,
				    sender);
	case WAY_NO_INITIATOR:
		return arena_printf(k->a, "neither %s nor %s has an Endpoint for the other", sender,
				    receiver);
	case WAY_LOOP:
		return arena_printf(k->a, "it comes to %s again: it circles", at);
	case WAY_NOT_FORWARDED:
		return arena_printf(k->a, "%s does not forward it", at);
	case WAY_GUARDED:
		return arena_printf(k->a,
				    "%s drops it: %s is of an interface with a default route, and "
				    "guarded against what comes by another",
				    at, target);
	}
	return "";
}

/* The rule that ends it: who else has the source there. */
static void add_end(struct maker *k)
{
	const struct way_hop *last = &k->way->hops[k->way->n - 1];
	const struct mesh_iface *iface = NULL;
	struct span at = { 0 };
	const char *what = describe_end(k), *code = pairs_code(k->way->end);

	if (k->way->end == WAY_SOURCE_FILTERED && last->in != MESH_NONE) {
		iface = &k->m->ifaces[last->in];
		at = last->taken_by;
	}
	add_step(k, iface, at, code ? arena_printf(k->a, "%s [%s]", what, code) : what);
}

void trace_make(struct trace *t, struct arena *a, const struct mesh *m, const struct query *q,
		const struct way *way)
{
	struct maker k = { .t = t, .a = a, .m = m, .q = q, .way = way };

	*t = (struct trace){ 0 };
	for (size_t i = 0; i < way->n; i++)
		add_hop(&k, i);
	add_end(&k);
}

/* --- printing --- */

const char *trace_rule(struct arena *a, const struct trace_step *step)
{
	const struct str *text = &step->iface->config->source.text;
	size_t at = step->at.line_start + step->at.column - 1;

	return arena_printf(a, "AllowedIPs = %s",
			    trace_escape(a, arena_strndup(a, text->p + at, step->at.length)));
}

/* The last one tells the end; it may be long, and has nothing below it to be in line with. */
static size_t widest_step(const struct trace *t)
{
	size_t widest = 0;

	for (size_t i = 0; i + 1 < t->n; i++) {
		size_t columns = text_columns((struct str){ t->v[i].what, strlen(t->v[i].what) });

		widest = columns > widest ? columns : widest;
	}
	return widest;
}

static void print_step(FILE *out, struct arena *a, const struct trace_step *step, size_t width)
{
	size_t columns = text_columns((struct str){ step->what, strlen(step->what) });

	fprintf(out, "  %s", step->what);
	if (step->at.line)
		fprintf(out, "%*s  %s:%u:%u: %s", columns < width ? (int)(width - columns) : 0, "",
			trace_escape(a, step->iface->file), step->at.line, step->at.column,
			trace_rule(a, step));
	fputc('\n', out);
}

void trace_print(FILE *out, struct arena *a, const struct mesh *m, const struct query *q,
		 const struct way *way)
{
	char source[PREFIX_TEXT], target[PREFIX_TEXT];
	struct trace t;

	trace_make(&t, a, m, q, way);
	prefix_format_addr(source, &q->source);
	prefix_format_addr(target, &q->target);
	fprintf(out, "%s (%s) to ", trace_escape(a, m->nodes[q->from].name), source);
	if (q->to == MESH_NONE)
		fprintf(out, "%s:\n", target);
	else
		fprintf(out, "%s (%s):\n", trace_escape(a, m->nodes[q->to].name), target);
	for (size_t i = 0; i < t.n; i++)
		print_step(out, a, &t.v[i], widest_step(&t));
}
