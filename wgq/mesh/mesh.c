/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/mesh_part.h"

#include <errno.h>

enum { KEY_SHOWN = 8 };

/* --- one file --- */

static void set_name(struct mesh_iface *iface)
{
	struct str stem = mesh_stem(iface->file);

	memcpy(iface->name, stem.p, stem.n < IFNAMSIZ ? stem.n : IFNAMSIZ - 1);
}

/* A copy without the private key says the public one in a comment. */
static void set_key(struct mesh_iface *iface)
{
	const struct wg_device *device = &iface->config->device;
	const char *noted = iface->notes.public_key.text;

	if (!key_is_zero(&device->private_key)) {
		key_public(&iface->public_key, &device->private_key);
		iface->has_key = true;
	} else if (noted) {
		iface->has_key = !key_from_base64(&iface->public_key,
						  (struct str){ noted, strlen(noted) });
	}
}

/* Without a rule that filters, the kernel's own policy holds, which is to accept. */
static bool hooks_forward(const struct shell_facts *hooks, size_t k)
{
	return hooks->accepts_forward[k] ||
	       (hooks->switches_on[k] && !hooks->accepts_mesh[k] && !hooks->filters_forward[k]);
}

/* What the file itself says. Forward = mesh drops what the hooks or anybody else would accept. */
static void set_forwarding(struct mesh_iface *iface)
{
	enum forward_mode mode = iface->config->forward.mode;

	for (size_t k = 0; k < 2; k++) {
		iface->forwards[k] = mode == FORWARD_YES ||
				     (mode == FORWARD_NO && (iface->notes.says_forwards ||
							     hooks_forward(&iface->hooks, k)));
		iface->forwards_in[k] = iface->forwards[k] || mode == FORWARD_MESH ||
					iface->hooks.accepts_mesh[k];
	}
}

static int read_file(struct mesh *m, const struct mesh_file *file, struct findings *f,
		     struct diag *d)
{
	struct source source;
	struct mesh_iface *iface;
	struct note *names;
	int err = source_read(&source, m->arena, file->path, d);

	if (err)
		return err;
	iface = ARENA_PUSH(m->arena, m->ifaces, m->nifaces, m->ifaces_capacity);
	iface->file = source.path;
	iface->config = config_parse(m->arena, &source, f);
	names = arena_alloc(m->arena, iface->config->device.npeers * sizeof(*names));
	notes_read(&iface->notes, names, iface->config);
	iface->peer_names = names;
	set_name(iface);
	set_key(iface);
	shell_read(&iface->hooks, iface->config, iface->name);
	set_forwarding(iface);
	return 0;
}

/* --- all files --- */

/* Hooks that switch the whole host and filter nothing make it forward for its other interfaces
 * too. */
static bool host_forwards(const struct mesh *m, const struct mesh_node *node, size_t k)
{
	for (size_t i = 0; i < node->nifaces; i++) {
		const struct shell_facts *hooks = &m->ifaces[node->ifaces[i]].hooks;

		if (hooks->switches_host[k] && !hooks->accepts_mesh[k] &&
		    !hooks->filters_forward[k])
			return true;
	}
	return false;
}

static void spread_forwarding(struct mesh *m, const struct mesh_node *node)
{
	for (size_t k = 0; k < 2; k++) {
		if (!host_forwards(m, node, k))
			continue;
		for (size_t i = 0; i < node->nifaces; i++) {
			struct mesh_iface *iface = &m->ifaces[node->ifaces[i]];

			if (iface->config->forward.mode == FORWARD_NO &&
			    !iface->hooks.accepts_mesh[k] && !iface->hooks.filters_forward[k])
				iface->forwards[k] = iface->forwards_in[k] = true;
		}
	}
}

int mesh_read(struct mesh *m, struct arena *a, char *const *paths, size_t n, struct findings *f,
	      struct diag *d)
{
	struct mesh_files files = { .arena = a };
	int err = mesh_files_list(&files, paths, n, d);

	*m = (struct mesh){ .arena = a };
	for (size_t i = 0; !err && i < files.n; i++)
		err = read_file(m, &files.v[i], f, d);
	if (err)
		return err;
	mesh_link(m);
	mesh_make_nodes(m, &files);
	for (size_t i = 0; i < m->nnodes; i++)
		spread_forwarding(m, &m->nodes[i]);
	return 0;
}

/* --- questions --- */

static bool has_address(const struct mesh_iface *iface, const struct prefix *address)
{
	for (size_t i = 0; i < iface->config->naddrs; i++) {
		const struct prefix *own = &iface->config->addrs[i].prefix;

		if (own->family == address->family &&
		    !memcmp(own->addr, address->addr, family_bytes(own->family)))
			return true;
	}
	return false;
}

size_t mesh_find_node(const struct mesh *m, const char *name_or_address)
{
	struct prefix address;

	for (size_t i = 0; i < m->nnodes; i++)
		if (!strcmp(m->nodes[i].name, name_or_address))
			return i;
	if (prefix_parse(&address, (struct str){ name_or_address, strlen(name_or_address) }))
		return MESH_NONE;
	for (size_t i = 0; i < m->nifaces; i++)
		if (has_address(&m->ifaces[i], &address))
			return m->ifaces[i].node;
	return MESH_NONE;
}

const char *mesh_link_name(const struct mesh *m, const struct mesh_iface *iface,
			   const struct mesh_link *link, struct arena *a)
{
	char key[KEY_BASE64_LEN + 1];

	if (link->iface != MESH_NONE)
		return m->nodes[m->ifaces[link->iface].node].name;
	if (iface->peer_names[link->peer].text)
		return iface->peer_names[link->peer].text;
	key_to_base64(key, &iface->config->device.peers[link->peer].public_key);
	return arena_printf(a, "%.*s...", KEY_SHOWN, key);
}
