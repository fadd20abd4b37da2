/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/json.h"

#include <errno.h>
#include <jansson.h>

/* A value that could not be had makes the whole document fail. */
struct writer {
	struct arena *a;
	bool failed;
};

static void set(struct writer *w, json_t *object, const char *key, json_t *value)
{
	w->failed |= json_object_set_new(object, key, value) != 0;
}

static void push(struct writer *w, json_t *array, json_t *value)
{
	w->failed |= json_array_append_new(array, value) != 0;
}

static json_t *text(struct writer *w, const char *s)
{
	return s ? json_string(trace_escape(w->a, s)) : json_null();
}

static json_t *number(size_t n)
{
	return json_integer((json_int_t)n);
}

/* 0: there is none */
static json_t *position(uint32_t n)
{
	return n ? json_integer(n) : json_null();
}

static int finish(struct writer *w, FILE *out, json_t *document)
{
	int err = w->failed || !document ? -ENOMEM : 0;

	if (!err && (json_dumpf(document, out, JSON_INDENT(1)) || fputc('\n', out) < 0))
		err = -EIO;
	json_decref(document);
	return err;
}

static json_t *new_document(struct writer *w)
{
	json_t *document = json_object();

	set(w, document, "version", json_integer(1));
	return document;
}

/* --- findings --- */

static void set_place(struct writer *w, json_t *object, const struct place *at)
{
	set(w, object, "file", text(w, at->file));
	set(w, object, "line", position(at->line));
	set(w, object, "column", position(at->line ? at->column : 0));
}

static json_t *related(struct writer *w, const struct finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->nrelated; i++) {
		json_t *object = json_object();

		set_place(w, object, &finding->related[i].at);
		set(w, object, "message", text(w, finding->related[i].message));
		push(w, array, object);
	}
	return array;
}

static json_t *findings(struct writer *w, const struct findings *f)
{
	static const char *const severities[] = { "note", "warning", "error" };
	json_t *array = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *finding = &f->v[i];
		json_t *object = json_object();

		set(w, object, "code", text(w, finding_code_name(finding->code)));
		set(w, object, "severity", text(w, severities[finding->severity]));
		set_place(w, object, &finding->at);
		set(w, object, "message", text(w, finding->message));
		set(w, object, "help", text(w, finding->help));
		set(w, object, "related", related(w, finding));
		push(w, array, object);
	}
	return array;
}

/* --- nodes --- */

static json_t *interface(struct writer *w, const struct mesh_iface *iface)
{
	char key[KEY_BASE64_LEN + 1];
	json_t *object = json_object();

	if (iface->has_key)
		key_to_base64(key, &iface->public_key);
	set(w, object, "name", text(w, iface->name));
	set(w, object, "file", text(w, iface->file));
	set(w, object, "public_key", text(w, iface->has_key ? key : NULL));
	return object;
}

static json_t *node(struct writer *w, const struct mesh *m, size_t i)
{
	json_t *object = json_object(), *interfaces = json_array();

	for (size_t j = 0; j < m->nodes[i].nifaces; j++)
		push(w, interfaces, interface(w, &m->ifaces[m->nodes[i].ifaces[j]]));
	set(w, object, "name", text(w, m->nodes[i].name));
	set(w, object, "interfaces", interfaces);
	return object;
}

static json_t *nodes(struct writer *w, const struct mesh *m)
{
	json_t *array = json_array();

	for (size_t i = 0; m && i < m->nnodes; i++)
		push(w, array, node(w, m, i));
	return array;
}

/* --- pairs --- */

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "ipv4" : family == AF_INET6 ? "ipv6" : NULL;
}

static json_t *pair_object(struct writer *w, const struct mesh *m, size_t from, size_t to,
			   const struct pair *pair)
{
	json_t *object = json_object(), *path = json_array();

	for (size_t i = 0; i < pair->n; i++)
		push(w, path, text(w, m->nodes[pair->path[i]].name));
	set(w, object, "from", text(w, m->nodes[from].name));
	set(w, object, "to", text(w, m->nodes[to].name));
	set(w, object, "ok", json_boolean(pair->ok));
	set(w, object, "path", path);
	if (pair->bad) {
		set(w, object, "code", text(w, pairs_code(pair->bad->end)));
		set(w, object, "at", text(w, m->nodes[pair->bad->at].name));
		if (pair->bad->family)
			set(w, object, "family", text(w, family_name(pair->bad->family)));
	}
	return object;
}

static void set_reachability(struct writer *w, json_t *document, const struct checked *c)
{
	json_t *array = json_array();
	size_t n = c->mesh ? c->mesh->nnodes : 0;

	for (size_t i = 0; c->pairs && i < n * n; i++)
		if (i / n != i % n)
			push(w, array, pair_object(w, c->mesh, i / n, i % n, &c->pairs[i]));
	for (size_t i = 0; n && !c->pairs && i < c->reach->nbad && i < PAIRS_BAD; i++) {
		struct pair pair = pairs_bad(w->a, c->routes, &c->reach->bad[i]);

		push(w, array, pair_object(w, c->mesh, pair.bad->from, pair.bad->to, &pair));
	}
	set(w, document, "reachability", array);
	if (n && !c->pairs)
		set(w, document, "truncated", json_true());
}

static json_t *summary(struct writer *w, const struct checked *c)
{
	static const char *const names[] = { "notes", "warnings", "errors" };
	json_t *object = json_object();

	for (int severity = SEV_ERROR; c->findings && severity >= SEV_NOTE; severity--)
		set(w, object, names[severity],
		    number(findings_count(c->findings, (enum severity)severity)));
	set(w, object, "nodes", number(c->mesh ? c->mesh->nnodes : 0));
	set(w, object, "pairs", number(c->mesh ? c->reach->pairs : 0));
	set(w, object, "reachable", number(c->mesh ? c->reach->reachable : 0));
	return object;
}

int json_check(FILE *out, const struct checked *c)
{
	struct writer w = { .a = c->arena };
	json_t *document = new_document(&w);

	set(&w, document, "findings", findings(&w, c->findings));
	set(&w, document, "nodes", nodes(&w, c->mesh));
	set_reachability(&w, document, c);
	set(&w, document, "summary", summary(&w, c));
	return finish(&w, out, document);
}

/* --- the map --- */

static json_t *words(struct writer *w, const struct words *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		push(w, array, text(w, list->v[i]));
	return array;
}

static json_t *drawn_node(struct writer *w, const struct picture *p, size_t i)
{
	const struct picture_node *drawn = &p->nodes[i];
	json_t *object = node(w, p->mesh, i);

	set(w, object, "addresses", words(w, &drawn->addresses));
	set(w, object, "endpoints", words(w, &drawn->endpoints));
	set(w, object, "site", drawn->site == MESH_NONE ? json_null() : number(drawn->site));
	set(w, object, "relay", json_boolean(drawn->is_relay));
	return object;
}

static json_t *drawn_link(struct writer *w, const struct picture *p,
			  const struct picture_link *link)
{
	static const char *const states[] = {
		[LINK_OPEN] = "open",
		[LINK_ONE_SIDED] = "one-sided",
		[LINK_DEAD] = "dead",
	};
	json_t *object = json_object(), *ends = json_array();

	for (size_t i = 0; i < 2; i++) {
		json_t *end = json_object();

		set(w, end, "node", text(w, p->nodes[link->node[i]].name));
		set(w, end, "interface", text(w, p->mesh->ifaces[link->iface[i]].name));
		set(w, end, "endpoint", text(w, link->endpoint[i]));
		push(w, ends, end);
	}
	set(w, object, "state", text(w, states[link->state]));
	set(w, object, "ends", ends);
	return object;
}

int json_map(FILE *out, const struct picture *p, const struct routes *r)
{
	struct writer w = { .a = p->arena };
	struct checked c = { .mesh = p->mesh, .routes = r, .reach = p->reach, .pairs = p->pairs };
	json_t *document = new_document(&w);
	json_t *nodes_drawn = json_array(), *sites = json_array(), *links = json_array();

	for (size_t i = 0; i < p->mesh->nnodes; i++)
		push(&w, nodes_drawn, drawn_node(&w, p, i));
	for (size_t i = 0; i < p->nsites; i++)
		push(&w, sites, text(&w, p->sites[i].name));
	for (size_t i = 0; i < p->nlinks; i++)
		push(&w, links, drawn_link(&w, p, &p->links[i]));
	set(&w, document, "nodes", nodes_drawn);
	set(&w, document, "sites", sites);
	set(&w, document, "links", links);
	set_reachability(&w, document, &c);
	set(&w, document, "summary", summary(&w, &c));
	return finish(&w, out, document);
}

/* --- ways --- */

static json_t *steps(struct writer *w, const struct mesh *m, const struct query *q,
		     const struct way *way)
{
	json_t *array = json_array();
	struct trace t;

	trace_make(&t, w->a, m, q, way);
	for (size_t i = 0; i < t.n; i++) {
		json_t *object = json_object();
		const struct trace_step *step = &t.v[i];
		bool has_rule = step->at.line != 0;

		set(w, object, "what", text(w, step->what));
		set(w, object, "file", text(w, has_rule ? step->iface->file : NULL));
		set(w, object, "line", position(step->at.line));
		set(w, object, "column", position(has_rule ? step->at.column : 0));
		set(w, object, "rule", text(w, has_rule ? trace_rule(w->a, step) : NULL));
		push(w, array, object);
	}
	return array;
}

static json_t *way_object(struct writer *w, const struct mesh *m, const struct query *q,
			  const struct way *way)
{
	json_t *object = json_object(), *path = json_array();
	char source[PREFIX_TEXT], target[PREFIX_TEXT];

	for (size_t i = 0; i < way->n; i++)
		push(w, path, text(w, m->nodes[way->hops[i].node].name));
	set(w, object, "from", text(w, m->nodes[q->from].name));
	set(w, object, "to", text(w, q->to == MESH_NONE ? NULL : m->nodes[q->to].name));
	set(w, object, "source", text(w, prefix_format_addr(source, &q->source)));
	set(w, object, "target", text(w, prefix_format_addr(target, &q->target)));
	set(w, object, "ok", json_boolean(way->end == WAY_ARRIVES));
	set(w, object, "path", path);
	if (way->end != WAY_ARRIVES) {
		set(w, object, "code", text(w, pairs_code(way->end)));
		set(w, object, "at", text(w, m->nodes[way->hops[way->n - 1].node].name));
	}
	set(w, object, "steps", steps(w, m, q, way));
	return object;
}

int json_trace(FILE *out, struct arena *a, const struct mesh *m, const struct query *queries,
	       const struct way *ways, size_t n)
{
	struct writer w = { .a = a };
	json_t *document = new_document(&w), *array = json_array();

	for (size_t i = 0; i < n; i++)
		push(&w, array, way_object(&w, m, &queries[i], &ways[i]));
	set(&w, document, "ways", array);
	return finish(&w, out, document);
}
