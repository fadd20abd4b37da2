/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Meshes out of texts, without files. */
#ifndef TESTS_ROUTE_MESH_H
#define TESTS_ROUTE_MESH_H

#include "wgq/mesh/mesh_part.h"
#include "wgq/mesh/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct net {
	struct arena arena;
	struct findings f;
	struct mesh m;
};

static inline void net_fini(struct net *x)
{
	arena_fini(&x->arena);
}

/* The key of the interface with that number. */
static inline struct key net_key(size_t i)
{
	struct key key = { { 1 } };

	memcpy(key.b + 1, &i, sizeof(i));
	return key;
}

/* Adds an interface to a node (one more than there are: a new one). The caller says its key and
 * whether it forwards by Forward =. */
static inline void net_add_text(struct net *x, size_t node, const char *name, const char *text,
				size_t key)
{
	struct source source = { .path = name, .text = { text, strlen(text) } };
	struct mesh_iface *iface;
	struct mesh_node *n;

	x->m.arena = x->f.arena = &x->arena;
	iface = ARENA_PUSH(&x->arena, x->m.ifaces, x->m.nifaces, x->m.ifaces_capacity);
	iface->config = config_parse(&x->arena, &source, &x->f);
	if (findings_count(&x->f, SEV_ERROR))
		findings_print(stderr, &x->f);
	assert_int_equal(findings_count(&x->f, SEV_ERROR), 0);
	iface->node = node;
	iface->file = name;
	snprintf(iface->name, sizeof(iface->name), "%s", name);
	iface->public_key = net_key(key);
	iface->has_key = true;
	for (size_t k = 0; k < 2; k++) {
		iface->forwards[k] = iface->config->forward.mode == FORWARD_YES;
		iface->forwards_in[k] = iface->config->forward.mode != FORWARD_NO;
	}
	if (node == x->m.nnodes)
		(void)ARENA_PUSH(&x->arena, x->m.nodes, x->m.nnodes, x->m.nodes_capacity);
	n = &x->m.nodes[node];
	*ARENA_PUSH(&x->arena, n->ifaces, n->nifaces, n->ifaces_capacity) = x->m.nifaces - 1;
}

#endif
