/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What files show together: keys, and the two ends of each link. */
#include "wgq/mesh/check_part.h"

/* --- duplicate-key --- */

struct keyed {
	const struct check *k;
	size_t iface;
};

static int by_key(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;
	int order = key_compare(&a->k->m->ifaces[a->iface].public_key,
				&b->k->m->ifaces[b->iface].public_key);

	return order ? order : (a->iface > b->iface) - (a->iface < b->iface);
}

/* Where the file says which key is its own. */
static struct place key_place(const struct check *k, size_t iface)
{
	const struct mesh_iface *i = &k->m->ifaces[iface];

	if (i->config->private_key_at.line)
		return check_place(k, iface, i->config->private_key_at);
	return check_place(k, iface, i->notes.public_key.at);
}

static void report_same_key(struct check *k, const struct keyed *run, size_t n)
{
	size_t last = run[n - 1].iface, nodes = 1, i;

	for (i = 1; i < n; i++)
		nodes += k->m->ifaces[run[i].iface].node != k->m->ifaces[run[i - 1].iface].node;
	if (nodes < 2)
		return;
	i = finding_add(k->f, FINDING_DUPLICATE_KEY, key_place(k, last),
			"%s has the private key of %s, and only one of them can be reached",
			check_iface_name(k, last), check_iface_name(k, run[0].iface));
	for (size_t j = 0; j < n - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i, key_place(k, run[j].iface), "the same key here");
	finding_help(k->f, i,
		     "give one of them a key of its own: wgq genkey prints one, and wgq pubkey "
		     "what its peers then need as PublicKey");
	for (size_t j = 0; j < n; j++)
		k->bad_nodes[k->m->ifaces[run[j].iface].node] = true;
}

void check_keys(struct check *k)
{
	struct keyed *sorted = arena_alloc(k->arena, (k->m->nifaces + 1) * sizeof(*sorted));
	size_t n = 0, run;

	for (size_t i = 0; i < k->m->nifaces; i++)
		if (k->m->ifaces[i].has_key)
			sorted[n++] = (struct keyed){ k, i };
	qsort(sorted, n, sizeof(*sorted), by_key);
	for (size_t i = 0; i < n; i += run) {
		const struct key *key = &k->m->ifaces[sorted[i].iface].public_key;

		for (run = 1; i + run < n &&
			      !key_compare(key, &k->m->ifaces[sorted[i + run].iface].public_key);)
			run++;
		report_same_key(k, sorted + i, run);
	}
}

/* --- links --- */

static void report_one_sided(struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];
	const struct mesh_iface *other = &k->m->ifaces[link->iface];
	const char *name = check_iface_name(k, iface), *allowed = "";
	char key[KEY_BASE64_LEN + 1], text[PREFIX_TEXT];
	size_t i = finding_add(k->f, FINDING_ONE_SIDED_PEER, check_link_place(k, iface, link),
			       "%s has %s as a peer, but %s does not have %s", name,
			       check_iface_name(k, link->iface), check_iface_name(k, link->iface),
			       name);

	finding_relate(k->f, i, check_interface_place(k, link->iface),
		       "no [Peer] of this file has the key of %s", name);
	key_to_base64(key, &own->public_key);
	for (size_t j = 0; j < own->config->naddrs; j++) {
		struct prefix addr = check_whole(own->config->addrs[j].prefix);

		allowed = arena_printf(k->arena, "%s%s%s", allowed,
				       j ? ", " : ", AllowedIPs = ", prefix_format(text, &addr));
	}
	finding_help(k->f, i, "write%s: [Peer], PublicKey = %s%s; or delete this [Peer]",
		     check_in_file(k->f, other->config), key, allowed);
}

static bool has_psk(const struct wg_peer *peer)
{
	return peer->flags & PEER_HAS_PRESHARED_KEY && !key_is_zero(&peer->preshared_key);
}

/* A copy that was made without its secrets says nothing of them. */
static bool keeps_secrets(const struct check *k, size_t iface)
{
	return k->m->ifaces[iface].config->device.flags & DEVICE_HAS_PRIVATE_KEY;
}

static void check_psk(struct check *k, size_t iface, const struct mesh_link *link,
		      const struct mesh_link *back)
{
	const struct wg_peer *a = check_peer(k, iface, link), *b = check_peer(k, link->iface, back);
	bool lacks = !has_psk(a);
	size_t i;

	if (has_psk(a) == has_psk(b) &&
	    (!has_psk(a) || key_equal(&a->preshared_key, &b->preshared_key)))
		return;
	if ((!has_psk(a) && !keeps_secrets(k, iface)) ||
	    (!has_psk(b) && !keeps_secrets(k, link->iface)))
		return;
	if (has_psk(a) && has_psk(b)) {
		i = finding_add(k->f, FINDING_PSK_MISMATCH, check_link_place(k, iface, link),
				"the PresharedKey of %s for %s is not that of %s for %s: no "
				"handshake",
				check_iface_name(k, iface), check_iface_name(k, link->iface),
				check_iface_name(k, link->iface), check_iface_name(k, iface));
		finding_relate(k->f, i, check_link_place(k, link->iface, back),
			       "the other one is in this [Peer]");
		finding_help(k->f, i, "write one and the same PresharedKey in both");
		return;
	}
	i = finding_add(k->f, FINDING_PSK_MISMATCH,
			lacks ? check_link_place(k, iface, link)
			      : check_link_place(k, link->iface, back),
			"%s has no PresharedKey for %s, which has one for it: no handshake",
			check_iface_name(k, lacks ? iface : link->iface),
			check_iface_name(k, lacks ? link->iface : iface));
	finding_relate(k->f, i,
		       lacks ? check_link_place(k, link->iface, back)
			     : check_link_place(k, iface, link),
		       "this [Peer] has one");
	finding_help(k->f, i,
		     "write the same line PresharedKey = ... here, or delete it from the other");
}

static void check_mtu(struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct config *a = k->m->ifaces[iface].config;
	const struct config *b = k->m->ifaces[link->iface].config;
	size_t large = a->mtu > b->mtu ? iface : link->iface;
	size_t small = large == iface ? link->iface : iface, i;

	if (!a->mtu || !b->mtu || a->mtu == b->mtu)
		return;
	a = k->m->ifaces[large].config;
	b = k->m->ifaces[small].config;
	i = finding_add(k->f, FINDING_MTU_MISMATCH, check_place(k, large, a->mtu_at),
			"%s has an MTU of %u, and its peer %s one of %u: large packets may get "
			"lost one way",
			check_iface_name(k, large), a->mtu, check_iface_name(k, small), b->mtu);
	finding_relate(k->f, i, check_place(k, small, b->mtu_at), "the smaller one");
	finding_help(k->f, i, "write MTU = %u here, or the right one in both", b->mtu);
}

static void check_link(struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];

	if (link->iface == MESH_NONE) {
		finding_add(k->f, FINDING_UNKNOWN_PEER, check_link_place(k, iface, link),
			    "%s has this peer, and no file given has its key",
			    check_iface_name(k, iface));
		return;
	}
	if (link->iface == iface)
		return;
	if (link->back == MESH_NONE) {
		/* whether it is listed cannot be told where its key is not known, or is another's
		 * too, or a fault hides the [Peer] */
		if (own->has_key && !k->bad_nodes[own->node] && !k->is_broken[link->iface])
			report_one_sided(k, iface, link);
		return;
	}
	if (iface > link->iface) /* once for both ends */
		return;
	check_psk(k, iface, link, &k->m->ifaces[link->iface].links[link->back]);
	check_mtu(k, iface, link);
}

void check_links(struct check *k)
{
	for (size_t i = 0; i < k->m->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[i].nlinks; j++)
			check_link(k, i, &k->m->ifaces[i].links[j]);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files that could not be read as they stand. */
static void find_broken(struct check *k)
{
	const char **paths = arena_alloc(k->arena, (k->f->n + 1) * sizeof(*paths));
	size_t n = 0;

	for (size_t i = 0; i < k->f->n; i++) {
		const struct finding *f = &k->f->v[i];

		if (f->code <= FINDING_MISSING_KEY && f->severity == SEV_ERROR && f->at.file)
			paths[n++] = f->at.file;
	}
	qsort(paths, n, sizeof(*paths), by_path);
	k->is_broken = arena_alloc(k->arena, k->m->nifaces + 1);
	for (size_t i = 0; i < k->m->nifaces; i++)
		k->is_broken[i] = bsearch(&k->m->ifaces[i].config->source.path, paths, n,
					  sizeof(*paths), by_path) != NULL;
}

static void find_public(struct check *k)
{
	const struct mesh *m = k->m;

	k->is_public = arena_alloc(k->arena, m->nifaces + 1);
	for (size_t i = 0; i < m->nifaces; i++) {
		k->is_public[i] |= m->ifaces[i].notes.endpoint.text != NULL;
		for (size_t j = 0; j < m->ifaces[i].nlinks; j++) {
			const struct mesh_link *link = &m->ifaces[i].links[j];

			if (link->iface != MESH_NONE &&
			    check_leads_outside(check_peer(k, i, link),
						check_conf_peer(k, i, link)))
				k->is_public[link->iface] = true;
		}
	}
}

void check_mesh(struct findings *f, const struct mesh *m, const struct routes *r,
		const struct reach *reach)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct check k = { .arena = &scratch, .f = f, .m = m, .r = r, .reach = reach };
	size_t links = 0;

	k.offset = arena_alloc(&scratch, (m->nifaces + 1) * sizeof(*k.offset));
	for (size_t i = 0; i < m->nifaces; i++) {
		k.offset[i] = links;
		links += m->ifaces[i].nlinks;
	}
	k.bad_links = arena_alloc(&scratch, links + 1);
	k.bad_nodes = arena_alloc(&scratch, m->nnodes + 1);
	find_broken(&k);
	find_public(&k);
	check_keys(&k);
	check_addresses(&k);
	check_links(&k);
	check_ports(&k);
	check_nat(&k);
	check_keepalive(&k);
	check_pairs(&k);
}
