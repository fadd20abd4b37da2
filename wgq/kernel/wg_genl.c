/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WireGuard in the kernel, by its generic netlink family. */
#include "wgq/kernel/wg_backend.h"

#include <assert.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>

enum {
	/* Not in the headers of a Linux before 6.17. */
	ALLOWEDIP_A_FLAGS = 4,
	ALLOWEDIP_F_REMOVE_ME = 1,

	/* The kernel takes more, but what wg(8) sends is what every version has seen. */
	MESSAGE_MAX = 8192,
};

static size_t message_size(void)
{
	long page = sysconf(_SC_PAGESIZE);

	return page > 0 && page < MESSAGE_MAX ? (size_t)page : MESSAGE_MAX;
}

static void wipe_buffers(struct nl *nl)
{
	explicit_bzero(nl->send_buffer, NL_SEND_BUFFER);
	explicit_bzero(nl->receive_buffer, NL_RECEIVE_BUFFER);
}

/* --- the family --- */

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[CTRL_ATTR_FAMILY_ID + 1] = { [CTRL_ATTR_FAMILY_ID] = 2 };
	const struct nlattr *tb[CTRL_ATTR_FAMILY_ID + 1];

	if (nl_parse(nlh, GENL_HDRLEN, tb, least, CTRL_ATTR_FAMILY_ID) || !tb[CTRL_ATTR_FAMILY_ID])
		return MNL_CB_ERROR;
	*(uint16_t *)data = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

int wg_genl_find_family(struct wg *wg, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(&wg->genl, GENL_ID_CTRL, 0);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	struct diag own = { 0 };
	int err;

	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	err = nl_request(&wg->genl, nlh, take_family, &wg->family, &own,
			 "look for the kernel's WireGuard");
	if (err && err != -ENOENT)
		*d = own;
	return err;
}

/* --- reading --- */

static bool read_key(struct key *key, const struct nlattr *attr)
{
	if (!attr)
		return false;
	memcpy(key->b, mnl_attr_get_payload(attr), KEY_LEN);
	return !key_is_zero(key);
}

static int read_endpoint(struct wg_peer *peer, const struct nlattr *attr)
{
	union endpoint e = { 0 };
	size_t size = mnl_attr_get_payload_len(attr);

	if (size != sizeof(e.in) && size != sizeof(e.in6))
		return -EBADMSG;
	memcpy(&e, mnl_attr_get_payload(attr), size);
	if (size != (e.sa.sa_family == AF_INET ? sizeof(e.in) : sizeof(e.in6)) ||
	    (e.sa.sa_family != AF_INET && e.sa.sa_family != AF_INET6))
		return -EBADMSG;
	peer->endpoint = e;
	peer->flags |= PEER_HAS_ENDPOINT;
	return 0;
}

static void read_handshake(struct wg_peer *peer, const struct nlattr *attr)
{
	struct __kernel_timespec time;

	memcpy(&time, mnl_attr_get_payload(attr), sizeof(time));
	peer->handshake_sec = time.tv_sec;
	peer->handshake_nsec = (uint32_t)time.tv_nsec;
}

/* Where what is read goes. */
struct reading {
	struct arena *arena;
	struct wg_device *device;
	struct wg_peer *peer;
};

static int read_allowed_ip(const struct nlattr *nest, void *data)
{
	static const uint8_t least[ALLOWEDIP_A_FLAGS + 1] = { [WGALLOWEDIP_A_FAMILY] = 2,
							      [WGALLOWEDIP_A_IPADDR] = 4,
							      [WGALLOWEDIP_A_CIDR_MASK] = 1,
							      [ALLOWEDIP_A_FLAGS] = 4 };
	const struct nlattr *tb[ALLOWEDIP_A_FLAGS + 1];
	const struct reading *r = data;
	struct wg_peer *peer = r->peer;
	struct allowed_ip ip = { 0 };
	uint16_t family;

	if (nl_parse_nested(nest, tb, least, ALLOWEDIP_A_FLAGS) || !tb[WGALLOWEDIP_A_FAMILY] ||
	    !tb[WGALLOWEDIP_A_IPADDR] || !tb[WGALLOWEDIP_A_CIDR_MASK])
		return -EBADMSG;
	family = mnl_attr_get_u16(tb[WGALLOWEDIP_A_FAMILY]);
	if (family != AF_INET && family != AF_INET6)
		return 0; /* of a kernel that knows more than we do */
	ip.prefix.family = (uint8_t)family;
	ip.prefix.len = mnl_attr_get_u8(tb[WGALLOWEDIP_A_CIDR_MASK]);
	if (mnl_attr_get_payload_len(tb[WGALLOWEDIP_A_IPADDR]) != family_bytes(ip.prefix.family) ||
	    ip.prefix.len > family_bits(ip.prefix.family))
		return -EBADMSG;
	memcpy(ip.prefix.addr, mnl_attr_get_payload(tb[WGALLOWEDIP_A_IPADDR]),
	       family_bytes(ip.prefix.family));
	if (tb[ALLOWEDIP_A_FLAGS])
		ip.remove = mnl_attr_get_u32(tb[ALLOWEDIP_A_FLAGS]) & ALLOWEDIP_F_REMOVE_ME;
	*ARENA_PUSH(r->arena, peer->allowed_ips, peer->nallowed_ips,
		    peer->allowed_ips_capacity) = ip;
	return 0;
}

static int read_peer_values(struct wg_peer *peer, const struct nlattr *const *tb)
{
	if (read_key(&peer->preshared_key, tb[WGPEER_A_PRESHARED_KEY]))
		peer->flags |= PEER_HAS_PRESHARED_KEY;
	if (tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]) {
		peer->keepalive = mnl_attr_get_u16(tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
		peer->flags |= PEER_HAS_KEEPALIVE;
	}
	if (tb[WGPEER_A_LAST_HANDSHAKE_TIME])
		read_handshake(peer, tb[WGPEER_A_LAST_HANDSHAKE_TIME]);
	if (tb[WGPEER_A_RX_BYTES])
		peer->rx_bytes = mnl_attr_get_u64(tb[WGPEER_A_RX_BYTES]);
	if (tb[WGPEER_A_TX_BYTES])
		peer->tx_bytes = mnl_attr_get_u64(tb[WGPEER_A_TX_BYTES]);
	return tb[WGPEER_A_ENDPOINT] ? read_endpoint(peer, tb[WGPEER_A_ENDPOINT]) : 0;
}

/* The peer of that key: the last one if this is a fragment of it, else a new one. */
static struct wg_peer *begin_peer(struct wg_device *device, const struct key *key, struct arena *a)
{
	struct wg_peer *peer;

	if (device->npeers) {
		peer = &device->peers[device->npeers - 1];
		if (key_equal(&peer->public_key, key))
			return peer;
	}
	peer = ARENA_PUSH(a, device->peers, device->npeers, device->peers_capacity);
	*peer = (struct wg_peer){ .public_key = *key };
	return peer;
}

static int read_peer(const struct nlattr *nest, void *data)
{
	static const uint8_t least[WGPEER_A_MAX + 1] = {
		[WGPEER_A_PUBLIC_KEY] = KEY_LEN,
		[WGPEER_A_PRESHARED_KEY] = KEY_LEN,
		[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] = 2,
		[WGPEER_A_LAST_HANDSHAKE_TIME] = sizeof(struct __kernel_timespec),
		[WGPEER_A_RX_BYTES] = 8,
		[WGPEER_A_TX_BYTES] = 8,
	};
	const struct nlattr *tb[WGPEER_A_MAX + 1];
	struct reading *r = data;
	struct key key;
	int err;

	if (nl_parse_nested(nest, tb, least, WGPEER_A_MAX) || !tb[WGPEER_A_PUBLIC_KEY])
		return -EBADMSG;
	read_key(&key, tb[WGPEER_A_PUBLIC_KEY]);
	r->peer = begin_peer(r->device, &key, r->arena);
	err = read_peer_values(r->peer, tb);
	if (!err && tb[WGPEER_A_ALLOWEDIPS])
		err = nl_each_nested(tb[WGPEER_A_ALLOWEDIPS], read_allowed_ip, r);
	return err;
}

int wg_genl_read(const struct nlmsghdr *nlh, struct wg_device *device, struct arena *a)
{
	static const uint8_t least[WGDEVICE_A_MAX + 1] = { [WGDEVICE_A_PRIVATE_KEY] = KEY_LEN,
							   [WGDEVICE_A_LISTEN_PORT] = 2,
							   [WGDEVICE_A_FWMARK] = 4 };
	const struct nlattr *tb[WGDEVICE_A_MAX + 1];
	struct reading r = { .arena = a, .device = device };
	int err = nl_parse(nlh, GENL_HDRLEN, tb, least, WGDEVICE_A_MAX);

	if (err)
		return err;
	if (read_key(&device->private_key, tb[WGDEVICE_A_PRIVATE_KEY]))
		device->flags |= DEVICE_HAS_PRIVATE_KEY;
	if (tb[WGDEVICE_A_LISTEN_PORT]) {
		device->listen_port = mnl_attr_get_u16(tb[WGDEVICE_A_LISTEN_PORT]);
		device->flags |= DEVICE_HAS_LISTEN_PORT;
	}
	if (tb[WGDEVICE_A_FWMARK]) {
		device->fwmark = mnl_attr_get_u32(tb[WGDEVICE_A_FWMARK]);
		device->flags |= DEVICE_HAS_FWMARK;
	}
	return tb[WGDEVICE_A_PEERS] ? nl_each_nested(tb[WGDEVICE_A_PEERS], read_peer, &r) : 0;
}

struct get {
	struct wg_device *device;
	struct arena *arena;
};

static int take_part(const struct nlmsghdr *nlh, void *data)
{
	struct get *get = data;
	int err = wg_genl_read(nlh, get->device, get->arena);

	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static void forget_parts(void *data)
{
	struct get *get = data;

	*get->device = (struct wg_device){ 0 };
}

static struct nlmsghdr *put_command(struct wg *wg, uint8_t cmd)
{
	struct nlmsghdr *nlh = nl_message(&wg->genl, wg->family, 0);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = cmd;
	genl->version = WG_GENL_VERSION;
	return nlh;
}

int wg_genl_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
		struct diag *d)
{
	struct nlmsghdr *nlh = put_command(wg, WG_CMD_GET_DEVICE);
	struct get get = { .device = device, .arena = a };
	char what[64];
	int err;

	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, ifname);
	snprintf(what, sizeof(what), "read WireGuard device %s", ifname);
	err = nl_dump(&wg->genl, nlh, take_part, forget_parts, &get, d, what);
	wipe_buffers(&wg->genl);
	return err;
}

/* --- writing: every put is bounded, and what does not fit begins the next message --- */

static bool put(struct nlmsghdr *nlh, size_t size, uint16_t type, size_t length, const void *value)
{
	return mnl_attr_put_check(nlh, size, type, length, value);
}

static bool put_u32(struct nlmsghdr *nlh, size_t size, uint16_t type, uint32_t value)
{
	return put(nlh, size, type, sizeof(value), &value);
}

static bool put_device_values(struct nlmsghdr *nlh, size_t size, const struct wg_device *device)
{
	uint32_t flags = device->flags & DEVICE_REPLACE_PEERS ? WGDEVICE_F_REPLACE_PEERS : 0;

	if (device->flags & DEVICE_HAS_PRIVATE_KEY &&
	    !put(nlh, size, WGDEVICE_A_PRIVATE_KEY, KEY_LEN, device->private_key.b))
		return false;
	if (device->flags & DEVICE_HAS_LISTEN_PORT &&
	    !put(nlh, size, WGDEVICE_A_LISTEN_PORT, sizeof(device->listen_port),
		 &device->listen_port))
		return false;
	if (device->flags & DEVICE_HAS_FWMARK &&
	    !put_u32(nlh, size, WGDEVICE_A_FWMARK, device->fwmark))
		return false;
	return !flags || put_u32(nlh, size, WGDEVICE_A_FLAGS, flags);
}

static bool put_peer_values(struct nlmsghdr *nlh, size_t size, const struct wg_peer *peer)
{
	uint32_t flags = 0;

	if (peer->flags & PEER_REMOVE)
		return put_u32(nlh, size, WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
	if (peer->flags & PEER_REPLACE_ALLOWED_IPS)
		flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
	if (flags && !put_u32(nlh, size, WGPEER_A_FLAGS, flags))
		return false;
	if (peer->flags & PEER_HAS_PRESHARED_KEY &&
	    !put(nlh, size, WGPEER_A_PRESHARED_KEY, KEY_LEN, peer->preshared_key.b))
		return false;
	if (peer->flags & PEER_HAS_ENDPOINT && peer->endpoint.sa.sa_family != AF_UNSPEC &&
	    !put(nlh, size, WGPEER_A_ENDPOINT, endpoint_size(&peer->endpoint), &peer->endpoint))
		return false;
	return !(peer->flags & PEER_HAS_KEEPALIVE) ||
	       put(nlh, size, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, sizeof(peer->keepalive),
		   &peer->keepalive);
}

static bool put_allowed_ip(struct nlmsghdr *nlh, size_t size, const struct allowed_ip *ip)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, 0);
	uint16_t family = ip->prefix.family;

	if (!nest)
		return false;
	if (!put(nlh, size, WGALLOWEDIP_A_FAMILY, sizeof(family), &family) ||
	    !put(nlh, size, WGALLOWEDIP_A_IPADDR, family_bytes(ip->prefix.family),
		 ip->prefix.addr) ||
	    !put(nlh, size, WGALLOWEDIP_A_CIDR_MASK, sizeof(ip->prefix.len), &ip->prefix.len) ||
	    /* an older kernel refuses the attribute, so it is there only where it is needed */
	    (ip->remove && !put_u32(nlh, size, ALLOWEDIP_A_FLAGS, ALLOWEDIP_F_REMOVE_ME))) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	mnl_attr_nest_end(nlh, nest);
	return true;
}

/* As many as fit; true if those were the last. */
static bool put_allowed_ips(struct wg_genl_writer *w, struct nlmsghdr *nlh, size_t size)
{
	const struct wg_peer *peer = &w->device->peers[w->peer];
	size_t begin = w->allowed_ip;
	struct nlattr *nest;

	if (peer->flags & PEER_REMOVE || w->allowed_ip == peer->nallowed_ips)
		return true;
	nest = mnl_attr_nest_start_check(nlh, size, WGPEER_A_ALLOWEDIPS);
	if (!nest)
		return false;
	while (w->allowed_ip < peer->nallowed_ips &&
	       put_allowed_ip(nlh, size, &peer->allowed_ips[w->allowed_ip]))
		w->allowed_ip++;
	if (w->allowed_ip == begin)
		mnl_attr_nest_cancel(nlh, nest);
	else
		mnl_attr_nest_end(nlh, nest);
	return w->allowed_ip == peer->nallowed_ips;
}

/* The next peer, or as much of it as fits; true if that was all of it. */
static bool put_peer(struct wg_genl_writer *w, struct nlmsghdr *nlh, size_t size)
{
	const struct wg_peer *peer = &w->device->peers[w->peer];
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, 0);
	bool whole;

	if (!nest)
		return false;
	if (!put(nlh, size, WGPEER_A_PUBLIC_KEY, KEY_LEN, peer->public_key.b) ||
	    (!w->peer_has_begun && !put_peer_values(nlh, size, peer))) {
		mnl_attr_nest_cancel(nlh, nest);
		return false;
	}
	w->peer_has_begun = true;
	whole = put_allowed_ips(w, nlh, size);
	mnl_attr_nest_end(nlh, nest);
	if (whole) {
		w->peer++;
		w->allowed_ip = 0;
		w->peer_has_begun = false;
	}
	return whole;
}

bool wg_genl_write(struct wg_genl_writer *w, struct nlmsghdr *nlh, size_t size)
{
	struct nlattr *nest;
	bool fits = put(nlh, size, WGDEVICE_A_IFNAME, strlen(w->ifname) + 1, w->ifname) &&
		    (w->has_begun || put_device_values(nlh, size, w->device));

	assert(fits);
	w->has_begun = true;
	if (w->peer == w->device->npeers)
		return false;
	nest = mnl_attr_nest_start_check(nlh, size, WGDEVICE_A_PEERS);
	assert(nest);
	while (w->peer < w->device->npeers && put_peer(w, nlh, size))
		;
	mnl_attr_nest_end(nlh, nest);
	return w->peer < w->device->npeers;
}

int wg_genl_set(struct wg *wg, const char *ifname, const struct wg_device *device, struct diag *d)
{
	struct wg_genl_writer w = { .ifname = ifname, .device = device };
	bool more = true;
	char what[64];
	int err = 0;

	snprintf(what, sizeof(what), "configure WireGuard device %s", ifname);
	while (more && !err) {
		struct nlmsghdr *nlh = put_command(wg, WG_CMD_SET_DEVICE);

		more = wg_genl_write(&w, nlh, message_size());
		err = nl_request(&wg->genl, nlh, NULL, NULL, d, what);
	}
	wipe_buffers(&wg->genl);
	return err;
}
