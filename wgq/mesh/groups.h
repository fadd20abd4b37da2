/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Things that belong together: disjoint sets of indices. Pure. */
#ifndef WGQ_MESH_GROUPS_H
#define WGQ_MESH_GROUPS_H

#include "wgq/base/arena.h"

/* n indices, each a group of its own. */
size_t *groups_new(struct arena *a, size_t n);

/* The least index of i's group. */
size_t groups_leader(size_t *groups, size_t i);

/* Makes one group of a's and b's. */
void groups_join(size_t *groups, size_t a, size_t b);

#endif
