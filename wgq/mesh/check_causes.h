/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The causes of pairs that cannot talk: where each is at fault, and what is said of it. */
#ifndef WGQ_MESH_CHECK_CAUSES_H
#define WGQ_MESH_CHECK_CAUSES_H

#include "wgq/mesh/check_part.h"

struct cause {
	enum way_end end;
	const struct bad_pair *example;
	const struct bad_pair *const *pairs;
	size_t npairs;
	struct way
		way; /* of the example; n 0: there is none, as the two have no family in common */
	/* filled in by finding */
	size_t iface;                 /* in whose file the fault is */
	struct span at;               /* line 0: its [Interface] */
	const struct mesh_link *link; /* of iface: whose AllowedIPs lack something; NULL: none */
	bool is_unrouted;             /* AllowedIPs have it, but the host's routes do not */
	bool leaves;                  /* a packet of it leaves by another interface */
	bool is_explained;            /* by another finding */
};

void cause_find_no_route(struct check *k, struct cause *c);
void cause_find_filtered(struct check *k, struct cause *c);
void cause_find_no_initiator(struct check *k, struct cause *c);
void cause_find_loop(struct check *k, struct cause *c);
void cause_find_not_forwarded(struct check *k, struct cause *c);
void cause_find_guarded(struct check *k, struct cause *c);

/* pairs: " (2 pairs: A to B, B to A)" */
void cause_report_no_route(struct check *k, const struct cause *c, const char *pairs);
void cause_report_filtered(struct check *k, const struct cause *c, const char *pairs);
void cause_report_no_initiator(struct check *k, const struct cause *c, const char *pairs);
void cause_report_loop(struct check *k, const struct cause *c, const char *pairs);
void cause_report_not_forwarded(struct check *k, const struct cause *c, const char *pairs);
void cause_report_guarded(struct check *k, const struct cause *c, const char *pairs);

#endif
