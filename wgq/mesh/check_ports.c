/* SPDX-License-Identifier: GPL-2.0-or-later */
/* endpoint-port-mismatch: an Endpoint that leads to a port on which nobody listens. */
#include "wgq/mesh/check_part.h"

struct named {
	size_t target; /* interface */
	uint16_t port;
	size_t iface; /* whose file has the Endpoint */
	const struct mesh_link *link;
};

static int by_target(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->iface > b->iface) - (a->iface < b->iface);
}

static uint16_t listen_port(const struct config *c)
{
	return c->device.flags & DEVICE_HAS_LISTEN_PORT ? c->device.listen_port : 0;
}

static bool is_right(const struct check *k, const struct named *n)
{
	const struct mesh_iface *target = &k->m->ifaces[n->target];
	const char *host;
	uint16_t port;

	if (n->port == listen_port(target->config))
		return true;
	return target->notes.endpoint.text &&
	       check_split_endpoint(k->arena, target->notes.endpoint.text, &host, &port) &&
	       port == n->port;
}

/* "192.0.2.1:51820", as it is written in a file */
static const char *write_endpoint(const struct check *k, const char *host, uint16_t port)
{
	const char *shown = check_shown(k->f, host);
	bool bare = strchr(host, ':') != NULL;

	return arena_printf(k->f->arena, "%s%s%s:%u", bare ? "[" : "", shown, bare ? "]" : "",
			    port);
}

static void help(struct check *k, size_t finding, const struct named *n, uint16_t listens)
{
	const char *host = check_conf_peer(k, n->iface, n->link)->host;
	const char *in = check_in_file(k->f, k->m->ifaces[n->target].config);

	if (listens)
		finding_help(k->f, finding,
			     "write Endpoint = %s; or, where a port is forwarded to it, the "
			     "comment # Endpoint = %s%s",
			     write_endpoint(k, host, listens), write_endpoint(k, host, n->port),
			     in);
	else
		finding_help(k->f, finding,
			     "write ListenPort = %u%s; or, where a port is forwarded to it, the "
			     "comment # Endpoint = %s",
			     n->port, in, write_endpoint(k, host, n->port));
}

static void report(struct check *k, const struct named *run, size_t n)
{
	const struct config *target = k->m->ifaces[run->target].config;
	const char *name = check_iface_name(k, run->target);
	uint16_t listens = listen_port(target);
	struct place at = check_place(k, run->iface,
				      check_conf_peer(k, run->iface, run->link)->endpoint);
	size_t i;

	if (listens)
		i = finding_add(k->f, FINDING_ENDPOINT_PORT_MISMATCH, at,
				"this Endpoint has port %u, and %s listens on %u", run->port, name,
				listens);
	else
		i = finding_add(k->f, FINDING_ENDPOINT_PORT_MISMATCH, at,
				"this Endpoint has port %u, and %s has no ListenPort: it takes any "
				"port that is free",
				run->port, name);
	for (size_t j = 1; j < n && j <= CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i,
			       check_place(k, run[j].iface,
					   check_conf_peer(k, run[j].iface, run[j].link)->endpoint),
			       n - 1 > CHECK_RELATED_MAX ? "the same here, and in more files"
							 : "the same here");
	if (listens)
		finding_relate(k->f, i, check_place(k, run->target, target->listen_port_at),
			       "the port of %s", name);
	help(k, i, run, listens);
}

void check_ports(struct check *k)
{
	struct named *named = NULL;
	size_t n = 0, capacity = 0, run;

	for (size_t i = 0; i < k->m->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[i].nlinks; j++) {
			const struct mesh_link *link = &k->m->ifaces[i].links[j];
			struct named new = { link->iface,
					     check_endpoint_port(check_conf_peer(k, i, link)), i,
					     link };

			if (link->iface != MESH_NONE && new.port && !is_right(k, &new))
				*ARENA_PUSH(k->arena, named, n, capacity) = new;
		}
	if (n)
		qsort(named, n, sizeof(*named), by_target);
	for (size_t i = 0; i < n; i += run) {
		for (run = 1; i + run < n && named[i].target == named[i + run].target &&
			      named[i].port == named[i + run].port;)
			run++;
		report(k, named + i, run);
	}
}
