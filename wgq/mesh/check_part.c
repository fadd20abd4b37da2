/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/check_part.h"

#include <arpa/inet.h>

#include "wgq/base/text.h"
#include "wgq/conf/lex.h"

/* --- names --- */

const char *check_shown(struct findings *f, const char *text)
{
	enum { ESCAPED = 4 }; /* \xNN */
	size_t n = strlen(text), size = ESCAPED * n + 1;

	return text_escape(arena_alloc(f->arena, size), size, (struct str){ text, n });
}

const char *check_node_name(const struct check *k, size_t node)
{
	return check_shown(k->f, k->m->nodes[node].name);
}

const char *check_iface_name(const struct check *k, size_t iface)
{
	const struct mesh_iface *i = &k->m->ifaces[iface];
	const char *node = check_node_name(k, i->node);

	if (k->m->nodes[i->node].nifaces == 1)
		return node;
	return arena_printf(k->f->arena, "%s (%s)", node, check_shown(k->f, i->name));
}

const char *check_link_name(const struct check *k, size_t iface, const struct mesh_link *link)
{
	if (link->iface != MESH_NONE)
		return check_iface_name(k, link->iface);
	return check_shown(k->f, mesh_link_name(k->m, &k->m->ifaces[iface], link, k->arena));
}

const char *check_in_file(struct findings *f, const struct config *c)
{
	return arena_printf(f->arena, " in %s", check_shown(f, c->source.path));
}

/* --- places --- */

const struct wg_peer *check_peer(const struct check *k, size_t iface, const struct mesh_link *link)
{
	return &k->m->ifaces[iface].config->device.peers[link->peer];
}

const struct conf_peer *check_conf_peer(const struct check *k, size_t iface,
					const struct mesh_link *link)
{
	return &k->m->ifaces[iface].config->peers[link->peer];
}

struct place check_place(const struct check *k, size_t iface, struct span at)
{
	return source_place(&k->m->ifaces[iface].config->source, at);
}

struct place check_interface_place(const struct check *k, size_t iface)
{
	const struct source *source = &k->m->ifaces[iface].config->source;
	struct span at = { 0 };
	char buf[SQUEEZE_SIZE];
	struct lexer lexer;
	struct line line;

	lexer_init(&lexer, source->text, lex_bom_bytes(source->text), k->arena);
	while (!at.line && lexer_next(&lexer, &line))
		if (lex_equal(lex_squeeze(k->arena, buf, line.stripped), "[Interface]"))
			at = line_span(&line, line.stripped);
	return source_place(source, at);
}

struct place check_link_place(const struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct conf_peer *conf = check_conf_peer(k, iface, link);

	return check_place(k, iface, conf->public_key.line ? conf->public_key : conf->at);
}

struct place check_allowed_place(const struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct conf_peer *conf = check_conf_peer(k, iface, link);

	if (!conf->nallowed_ip)
		return check_link_place(k, iface, link);
	return check_place(k, iface, conf->allowed_ip[conf->nallowed_ip - 1]);
}

/* --- lines to write --- */

/* The entries of a line but one, and one more; NULL: too many to be written out. */
static const char *write_line(struct arena *a, const struct config *c, size_t peer, uint32_t line,
			      size_t less, const struct prefix *more)
{
	const struct wg_peer *p = &c->device.peers[peer];
	const char *text = "AllowedIPs =";
	char buf[PREFIX_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < p->nallowed_ips; i++) {
		if (c->peers[peer].allowed_ip[i].line != line || i == less)
			continue;
		if (n == CHECK_ENTRIES_MAX)
			return NULL;
		text = arena_printf(a, "%s%s%s%s", text, n++ ? ", " : " ",
				    p->allowed_ips[i].remove ? "-" : "",
				    prefix_format(buf, &p->allowed_ips[i].prefix));
	}
	if (more) {
		text = arena_printf(a, "%s%s%s", text, n++ ? ", " : " ", prefix_format(buf, more));
	}
	return n ? text : "";
}

const char *check_line_less(struct arena *a, const struct config *c, size_t peer, size_t entry)
{
	const char *line = write_line(a, c, peer, c->peers[peer].allowed_ip[entry].line, entry,
				      NULL);
	char text[PREFIX_TEXT];

	if (line && *line)
		return arena_printf(a, "write %s", line);
	if (line)
		return "delete the line";
	return arena_printf(a, "take %s out",
			    prefix_format(text, &c->device.peers[peer].allowed_ips[entry].prefix));
}

const char *check_line_more(struct arena *a, const struct config *c, size_t peer,
			    const struct prefix *more)
{
	const struct conf_peer *conf = &c->peers[peer];
	uint32_t last = conf->nallowed_ip ? conf->allowed_ip[conf->nallowed_ip - 1].line : 0;
	const char *line = write_line(a, c, peer, last, SIZE_MAX, more);
	char text[PREFIX_TEXT];

	if (line)
		return arena_printf(a, "write %s", line);
	return arena_printf(a, "add %s to this line", prefix_format(text, more));
}

/* --- addresses and ports --- */

struct prefix check_whole(struct prefix p)
{
	p.len = family_bits(p.family);
	return p;
}

bool check_allows(const struct wg_peer *peer, const struct prefix *p)
{
	for (size_t i = 0; i < peer->nallowed_ips; i++)
		if (!peer->allowed_ips[i].remove &&
		    prefix_contains(&peer->allowed_ips[i].prefix, p))
			return true;
	return false;
}

uint16_t check_port(const char *digits)
{
	enum { DIGITS_MAX = 5 };
	size_t n = strspn(digits, "0123456789");
	unsigned long port;

	if (!n || n > DIGITS_MAX || digits[n])
		return 0;
	port = strtoul(digits, NULL, 10);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool check_split_endpoint(struct arena *a, const char *text, const char **host, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	struct str name = { text, colon ? (size_t)(colon - text) : 0 };

	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = (struct str){ name.p + 1, name.n - 2 };
	if (!name.n)
		return false;
	*host = arena_strndup(a, name.p, name.n);
	*port = check_port(colon + 1);
	return *port != 0;
}

uint16_t check_endpoint_port(const struct conf_peer *peer)
{
	return peer->host && peer->service ? check_port(peer->service) : 0;
}

struct prefix check_endpoint_addr(const struct wg_peer *peer)
{
	struct prefix none = { 0 };

	return peer->flags & PEER_HAS_ENDPOINT ? endpoint_addr(&peer->endpoint) : none;
}

bool check_leads_outside(const struct wg_peer *peer, const struct conf_peer *conf)
{
	struct prefix addr = check_endpoint_addr(peer);

	return addr.family ? prefix_is_public(&addr) : conf->host != NULL;
}

/* --- sets --- */

void check_sets_init(size_t *sets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sets[i] = i;
}

size_t check_set_of(size_t *sets, size_t i)
{
	while (sets[i] != i) {
		sets[i] = sets[sets[i]]; /* halves the way for the next one */
		i = sets[i];
	}
	return i;
}

void check_sets_join(size_t *sets, size_t i, size_t j)
{
	i = check_set_of(sets, i);
	j = check_set_of(sets, j);
	if (i < j)
		sets[j] = i;
	else
		sets[i] = j;
}
