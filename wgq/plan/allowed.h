/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device makes of a list of peers: which prefixes it will hold in the end, and which
 * endpoints. Pure. */
#ifndef WGQ_PLAN_ALLOWED_H
#define WGQ_PLAN_ALLOWED_H

#include "wgq/base/arena.h"
#include "wgq/base/model.h"

struct prefixes {
	struct arena *arena;
	struct prefix *v;
	size_t n, capacity;
};

/*
 * The allowed IPs that the device will have after set was sent to it, masked, sorted
 * (prefix_compare()) and each once: a later block of one key replaces an earlier, a prefix belongs
 * to whoever took it last, and a peer with the device's own key is ignored. live is what the device
 * has before, or NULL. n log n.
 */
void allowed_prefixes(struct prefixes *out, const struct wg_device *live,
		      const struct wg_device *set);

/* The addresses of the endpoints that the device will have, sorted and each once; link-local ones
 * with a scope left out. */
void allowed_endpoints(struct prefixes *out, const struct wg_device *live,
		       const struct wg_device *set);

/* A set of networks that is asked what lies in it. */
struct cover {
	const struct prefixes *sorted; /* borrowed */
	uint8_t len[2][129];           /* IPv4, IPv6: the lengths there are */
	size_t nlens[2];
};

/* Normalises p and makes it the set; p must outlive it. */
void cover_init(struct cover *c, struct prefixes *p);

/* Does a network of the set contain p? */
bool cover_holds(const struct cover *c, const struct prefix *p);

/* Sorts and removes what is there twice. */
void prefixes_normalise(struct prefixes *p);

/* Sorts and removes what lies in another. */
void prefixes_reduce(struct prefixes *p);

#endif
