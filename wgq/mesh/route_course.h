/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way from all nodes of a class to one node at once: after the first hop it is one way, and who
 * of the class comes through is for the tables on it to say. Pure.
 */
#ifndef WGQ_MESH_ROUTE_COURSE_H
#define WGQ_MESH_ROUTE_COURSE_H

#include "wgq/mesh/route_class.h"
#include "wgq/mesh/route_intern.h"

/* In one family. */
struct course {
	enum { COURSE_NONE, COURSE_FAILS, COURSE_LOCAL, COURSE_GOES } kind;
	bool held;              /* the class's AllowedIPs hold the target */
	uint8_t nstops;         /* receivers on the way, if it goes all the way */
	uint32_t own;           /* source: index in each node's own addresses */
	uint32_t out;           /* which of each node's interfaces it leaves by */
	struct prefix by;       /* the entry that carries it there */
	uint32_t at[WAY_MAX];   /* interfaces that receive it */
	uint32_t back[WAY_MAX]; /* and by which of their links; of the first, each node's own */
};

struct courses {
	struct course family[2];
	bool held; /* without a family in common: an address of the target is */
};

/* The way of one node of a class, not itself the target, which stands for all of them. */
void courses_chart(struct courses *c, const struct routes *r, size_t from, size_t to);

/* What courses of one class have in common if the same of it come through. */
void courses_key(struct bytes *key, const struct courses *c, const struct routes *r,
		 const struct classes *classes);

/* Does a node of the class come through? held: if not, was the target among its AllowedIPs? */
bool courses_pass(const struct courses *c, const struct routes *r, size_t node, bool *held);

#endif
