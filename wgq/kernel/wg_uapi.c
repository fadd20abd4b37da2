/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A userspace WireGuard, by the text protocol of its socket (wireguard.com/xplatform). */
#include "wgq/kernel/wg_backend.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

enum {
	/* No line of the protocol comes near; an endless one is not an answer. */
	UAPI_LINE_MAX = 4096,

	/* Not a limit to the whole exchange, but to silence: then the other side hangs. */
	SILENCE_SECONDS = 60,
};

/* --- the socket --- */

const char *wg_uapi_path(char path[WG_UAPI_PATH], const char *ifname)
{
	snprintf(path, WG_UAPI_PATH, "/var/run/wireguard/%s.sock", ifname);
	return path;
}

static int connect_to(const char *path)
{
	const struct timeval silence = { .tv_sec = SILENCE_SECONDS };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd CLEANUP_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	static_assert(WG_UAPI_PATH <= sizeof(addr.sun_path), "the path of a socket fits");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence)) < 0)
		return -errno;
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return fd_take(&fd);
}

int wg_uapi_connect(const char *ifname)
{
	char path[WG_UAPI_PATH];
	struct stat st;
	int fd;

	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strchr(ifname, '/'))
		return -ENOENT;
	if (stat(wg_uapi_path(path, ifname), &st) < 0 || !S_ISSOCK(st.st_mode))
		return -ENOENT;
	fd = connect_to(path);
	if (fd != -ECONNREFUSED)
		return fd;
	unlink(path); /* of a process that died */
	return -ENOENT;
}

static ssize_t receive(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n;
}

/* --- reading --- */

static bool read_number(struct str text, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!text.n)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text.p[i] - '0';

		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

static struct wg_peer *last_peer(struct wg_uapi_reader *r)
{
	return &r->device->peers[r->device->npeers - 1];
}

static bool read_private_key(struct wg_uapi_reader *r, struct str value)
{
	if (key_from_hex(&r->device->private_key, value))
		return false;
	if (!key_is_zero(&r->device->private_key))
		r->device->flags |= DEVICE_HAS_PRIVATE_KEY;
	return true;
}

static bool read_listen_port(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, UINT16_MAX, &n))
		return false;
	r->device->listen_port = (uint16_t)n;
	return true;
}

static bool read_fwmark(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, UINT32_MAX, &n))
		return false;
	r->device->fwmark = (uint32_t)n;
	return true;
}

static bool read_public_key(struct wg_uapi_reader *r, struct str value)
{
	struct wg_device *device = r->device;
	struct key key;

	if (key_from_hex(&key, value))
		return false;
	*ARENA_PUSH(r->arena, device->peers, device->npeers, device->peers_capacity) =
		(struct wg_peer){ .public_key = key, .flags = PEER_HAS_KEEPALIVE };
	return true;
}

static bool read_preshared_key(struct wg_uapi_reader *r, struct str value)
{
	struct wg_peer *peer = last_peer(r);

	if (key_from_hex(&peer->preshared_key, value))
		return false;
	if (!key_is_zero(&peer->preshared_key))
		peer->flags |= PEER_HAS_PRESHARED_KEY;
	return true;
}

static bool read_scope(uint32_t *scope, const char *name)
{
	struct str text = { name, strlen(name) };
	uint64_t n;

	if (!read_number(text, UINT32_MAX, &n))
		n = if_nametoindex(name);
	*scope = (uint32_t)n;
	return n != 0;
}

/* "[ADDR%SCOPE]:PORT" or "ADDR:PORT" */
static bool read_endpoint(struct wg_uapi_reader *r, struct str value)
{
	bool v6 = value.n && value.p[0] == '[';
	char host[INET6_ADDRSTRLEN + IFNAMSIZ + 1], *scope;
	const char *colon = value.n ? memrchr(value.p, ':', value.n) : NULL;
	struct str text = { value.p + v6, colon ? (size_t)(colon - value.p) - v6 : 0 };
	union endpoint e = { .in6 = { .sin6_family = v6 ? AF_INET6 : AF_INET } };
	uint64_t port;

	if (!text.n || (v6 && text.p[--text.n] != ']') || text.n >= sizeof(host) ||
	    memchr(text.p, '\0', text.n) ||
	    !read_number((struct str){ colon + 1, (size_t)(value.p + value.n - colon - 1) },
			 UINT16_MAX, &port))
		return false;
	memcpy(host, text.p, text.n);
	host[text.n] = '\0';
	scope = v6 ? strchr(host, '%') : NULL;
	if (scope) {
		*scope++ = '\0';
		if (!read_scope(&e.in6.sin6_scope_id, scope))
			return false;
	}
	e.in.sin_port = htons((uint16_t)port); /* where IPv6 has it too */
	if (inet_pton(e.sa.sa_family, host,
		      v6 ? (void *)&e.in6.sin6_addr : (void *)&e.in.sin_addr) != 1)
		return false;
	last_peer(r)->endpoint = e;
	last_peer(r)->flags |= PEER_HAS_ENDPOINT;
	return true;
}

static bool read_keepalive(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, UINT16_MAX, &n))
		return false;
	last_peer(r)->keepalive = (uint16_t)n;
	return true;
}

static bool read_allowed_ip(struct wg_uapi_reader *r, struct str value)
{
	struct wg_peer *peer = last_peer(r);
	struct allowed_ip ip = { 0 };

	if (prefix_parse(&ip.prefix, value))
		return false;
	*ARENA_PUSH(r->arena, peer->allowed_ips, peer->nallowed_ips,
		    peer->allowed_ips_capacity) = ip;
	return true;
}

static bool read_handshake_sec(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, INT64_MAX, &n))
		return false;
	last_peer(r)->handshake_sec = (int64_t)n;
	return true;
}

static bool read_handshake_nsec(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, UINT32_MAX, &n))
		return false;
	last_peer(r)->handshake_nsec = (uint32_t)n;
	return true;
}

static bool read_rx_bytes(struct wg_uapi_reader *r, struct str value)
{
	return read_number(value, UINT64_MAX, &last_peer(r)->rx_bytes);
}

static bool read_tx_bytes(struct wg_uapi_reader *r, struct str value)
{
	return read_number(value, UINT64_MAX, &last_peer(r)->tx_bytes);
}

static bool read_errno(struct wg_uapi_reader *r, struct str value)
{
	uint64_t n;

	if (!read_number(value, INT32_MAX, &n))
		return false;
	r->error = -(int)n;
	return true;
}

static const struct uapi_key {
	const char *name;
	bool of_peer; /* makes sense after a public_key only */
	bool (*read)(struct wg_uapi_reader *r, struct str value);
} uapi_keys[] = {
	{ "allowed_ip", true, read_allowed_ip },
	{ "public_key", false, read_public_key },
	{ "preshared_key", true, read_preshared_key },
	{ "endpoint", true, read_endpoint },
	{ "last_handshake_time_sec", true, read_handshake_sec },
	{ "last_handshake_time_nsec", true, read_handshake_nsec },
	{ "tx_bytes", true, read_tx_bytes },
	{ "rx_bytes", true, read_rx_bytes },
	{ "persistent_keepalive_interval", true, read_keepalive },
	{ "private_key", false, read_private_key },
	{ "listen_port", false, read_listen_port },
	{ "fwmark", false, read_fwmark },
	{ "errno", false, read_errno },
};

static bool read_line(struct wg_uapi_reader *r, struct str line)
{
	const char *equals = memchr(line.p, '=', line.n);
	size_t n = equals ? (size_t)(equals - line.p) : 0;
	struct str value = { line.p + n + 1, line.n - n - 1 };

	if (!equals)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(uapi_keys); i++) {
		const struct uapi_key *key = &uapi_keys[i];

		if (n == strlen(key->name) && !memcmp(line.p, key->name, n))
			return (!key->of_peer || r->device->npeers) && key->read(r, value);
	}
	return true; /* of a newer version */
}

ssize_t wg_uapi_read(struct wg_uapi_reader *r, struct str text)
{
	size_t used = 0;

	while (!r->done && used < text.n) {
		const char *begin = text.p + used;
		const char *end = memchr(begin, '\n', text.n - used);
		struct str line = { begin, end ? (size_t)(end - begin) : text.n - used };

		if (line.n > UAPI_LINE_MAX)
			return -EPROTO;
		if (!end)
			break;
		r->done = !line.n;
		if (line.n && !read_line(r, line))
			return -EPROTO;
		used += line.n + 1;
	}
	return (ssize_t)used;
}

static int read_answer(struct wg *wg, struct wg_uapi_reader *r, int fd)
{
	size_t have = 0;

	while (!r->done) {
		ssize_t n = receive(fd, wg->buffer + have, wg->buffer_size - have), used;

		if (n <= 0)
			return n ? (int)n : -EPROTO;
		have += (size_t)n;
		used = wg_uapi_read(r, (struct str){ wg->buffer, have });
		if (used < 0)
			return (int)used;
		have -= (size_t)used;
		memmove(wg->buffer, wg->buffer + used, have);
	}
	return r->error;
}

/* Sends all of it. The other side may be gone: that is an errno, not a signal. */
static int send_whole(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int wg_uapi_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
		int fd, struct diag *d)
{
	static const char request[] = "get=1\n\n";
	struct wg_uapi_reader r = { .arena = a, .device = device };
	int err;

	*device = (struct wg_device){ .flags = DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK };
	err = send_whole(fd, request, sizeof(request) - 1);
	if (!err)
		err = read_answer(wg, &r, fd);
	explicit_bzero(wg->buffer, wg->buffer_size);
	return err ? diag_sys(d, -err, "read WireGuard device %s from its userspace process",
			      ifname)
		   : 0;
}

/* --- writing: through the buffer, which goes out whenever it is nearly full --- */

struct uapi_writer {
	int fd;
	char *buffer;
	size_t size, used;
	int error; /* the first one; after it nothing is sent */
};

static void flush(struct uapi_writer *w)
{
	if (!w->error)
		w->error = send_whole(w->fd, w->buffer, w->used);
	explicit_bzero(w->buffer, w->used);
	w->used = 0;
}

/* Room for one line, the longest of which is a key. */
static char *room(struct uapi_writer *w)
{
	enum { LONGEST = 256 };

	if (w->size - w->used < LONGEST)
		flush(w);
	return w->buffer + w->used;
}

static void put_text(struct uapi_writer *w, const char *key, const char *value)
{
	char *at = room(w);
	int n = snprintf(at, w->size - w->used, "%s=%s\n", key, value);

	assert(n > 0 && (size_t)n < w->size - w->used);
	w->used += (size_t)n;
}

static void put_number(struct uapi_writer *w, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	put_text(w, key, text);
}

/* Straight into the buffer: no second copy to wipe. */
static void put_key(struct uapi_writer *w, const char *name, const struct key *key)
{
	char *at = room(w);
	int n = snprintf(at, w->size - w->used, "%s=", name);

	key_to_hex(at + n, key);
	at[n + KEY_HEX_LEN] = '\n';
	w->used += (size_t)n + KEY_HEX_LEN + 1;
}

static void put_allowed_ip(struct uapi_writer *w, const struct allowed_ip *ip)
{
	char text[PREFIX_TEXT + 1] = "-";

	prefix_format(text + 1, &ip->prefix);
	put_text(w, "allowed_ip", ip->remove ? text : text + 1);
}

static void put_peer(struct uapi_writer *w, const struct wg_peer *peer)
{
	char endpoint[ENDPOINT_TEXT];

	put_key(w, "public_key", &peer->public_key);
	if (peer->flags & PEER_REMOVE) {
		put_text(w, "remove", "true");
		return;
	}
	if (peer->flags & PEER_HAS_PRESHARED_KEY)
		put_key(w, "preshared_key", &peer->preshared_key);
	if (peer->flags & PEER_HAS_ENDPOINT && peer->endpoint.sa.sa_family != AF_UNSPEC)
		put_text(w, "endpoint", endpoint_format(endpoint, &peer->endpoint));
	if (peer->flags & PEER_HAS_KEEPALIVE)
		put_number(w, "persistent_keepalive_interval", peer->keepalive);
	if (peer->flags & PEER_REPLACE_ALLOWED_IPS)
		put_text(w, "replace_allowed_ips", "true");
	for (size_t i = 0; i < peer->nallowed_ips; i++)
		put_allowed_ip(w, &peer->allowed_ips[i]);
}

static void put_device(struct uapi_writer *w, const struct wg_device *device)
{
	put_text(w, "set", "1");
	if (device->flags & DEVICE_HAS_PRIVATE_KEY)
		put_key(w, "private_key", &device->private_key);
	if (device->flags & DEVICE_HAS_LISTEN_PORT)
		put_number(w, "listen_port", device->listen_port);
	if (device->flags & DEVICE_HAS_FWMARK)
		put_number(w, "fwmark", device->fwmark);
	if (device->flags & DEVICE_REPLACE_PEERS)
		put_text(w, "replace_peers", "true");
	for (size_t i = 0; i < device->npeers && !w->error; i++)
		put_peer(w, &device->peers[i]);
	*room(w) = '\n';
	w->used++;
	flush(w);
}

/* "errno=-22": the sign is the implementation's choice. *result is 0 or a negative errno. */
static bool read_result(const char *text, int *result)
{
	const char *at = strstr(text, "errno=");
	char *end;
	long n;

	if (!at || (at != text && at[-1] != '\n'))
		return false;
	n = strtol(at + strlen("errno="), &end, 10);
	*result = n > 0 && n < 4096 ? -(int)n : n < 0 && n > -4096 ? (int)n : n ? -EPROTO : 0;
	return *end == '\n';
}

static int read_set_answer(struct wg *wg, int fd)
{
	size_t have = 0;
	int result;

	do {
		ssize_t n;

		if (have + 1 >= UAPI_LINE_MAX)
			return -EPROTO;
		n = receive(fd, wg->buffer + have, UAPI_LINE_MAX - 1 - have);
		if (n <= 0)
			return n ? (int)n : -EPROTO;
		have += (size_t)n;
		wg->buffer[have] = '\0';
	} while (!strstr(wg->buffer, "\n\n"));
	return read_result(wg->buffer, &result) ? result : -EPROTO;
}

int wg_uapi_set(struct wg *wg, const char *ifname, const struct wg_device *device, int fd,
		struct diag *d)
{
	struct uapi_writer w = { .fd = fd, .buffer = wg->buffer, .size = wg->buffer_size };
	int err;

	put_device(&w, device);
	err = w.error;
	/* one that refuses a line says so and hangs up: what it said is still there to read */
	if (!w.error || w.error == -EPIPE || w.error == -ECONNRESET)
		err = read_set_answer(wg, fd);
	if (w.error && (!err || err == -EPROTO || err == -ECONNRESET))
		err = w.error;
	return err ? diag_sys(d, -err, "configure WireGuard device %s by its userspace process",
			      ifname)
		   : 0;
}
