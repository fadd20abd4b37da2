/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices to set, compare and look for in buffers, for the tests of both ways to a device. */
#ifndef WGQ_TESTS_UNIT_WG_DEVICE_H
#define WGQ_TESTS_UNIT_WG_DEVICE_H

#include <arpa/inet.h>

#include "tests/unit/netns.h"
#include "wgq/kernel/wg_backend.h"

static struct wg wg;
static struct arena arena;
static struct diag d;

/* --- devices to set --- */

static inline struct key key_number(uint8_t kind, uint32_t number)
{
	struct key key = { .b = { [0] = 8, [1] = kind, [10] = 1, [31] = 64 } };

	memcpy(key.b + 4, &number, sizeof(number));
	return key;
}

static inline struct wg_peer *add_peer(struct wg_device *device, uint16_t flags)
{
	struct wg_peer *peer = ARENA_PUSH(&arena, device->peers, device->npeers,
					  device->peers_capacity);
	uint32_t n = (uint32_t)device->npeers;

	*peer = (struct wg_peer){ .public_key = key_number(1, n), .flags = flags };
	if (flags & PEER_HAS_PRESHARED_KEY)
		peer->preshared_key = key_number(2, n);
	if (flags & PEER_HAS_KEEPALIVE)
		peer->keepalive = (uint16_t)(n % 65536);
	if (flags & PEER_HAS_ENDPOINT && n % 2) {
		peer->endpoint.in.sin_family = AF_INET;
		peer->endpoint.in.sin_addr.s_addr = htonl(0xc0000200 + n);
		peer->endpoint.in.sin_port = htons((uint16_t)(n % 65536));
	} else if (flags & PEER_HAS_ENDPOINT) {
		peer->endpoint.in6.sin6_family = AF_INET6;
		inet_pton(AF_INET6, "2001:db8::77", &peer->endpoint.in6.sin6_addr);
		peer->endpoint.in6.sin6_port = htons((uint16_t)(n % 65536));
	}
	return peer;
}

/* Every address of it is of no other peer's. */
static inline void add_allowed_ips(struct wg_peer *peer, uint32_t number, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct allowed_ip *ip = ARENA_PUSH(&arena, peer->allowed_ips, peer->nallowed_ips,
						   peer->allowed_ips_capacity);
		uint32_t v4 = htonl(0x0a000000 + number * 64 + i),
			 v6[2] = { htonl(number), htonl(i) };

		*ip = (struct allowed_ip){ .prefix = { .family = AF_INET, .len = 32 } };
		memcpy(ip->prefix.addr, &v4, sizeof(v4));
		if (i % 3) {
			ip->prefix =
				(struct prefix){ .family = AF_INET6, .len = 128, .addr = { 0xfd } };
			memcpy(ip->prefix.addr + 8, v6, sizeof(v6));
		}
	}
}

enum {
	ALL_OF_PEER = PEER_HAS_PRESHARED_KEY | PEER_HAS_ENDPOINT | PEER_HAS_KEEPALIVE |
		      PEER_REPLACE_ALLOWED_IPS,
	ALL_OF_DEVICE = DEVICE_HAS_PRIVATE_KEY | DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK |
			DEVICE_REPLACE_PEERS,
};

static inline struct wg_device new_device(size_t npeers, size_t allowed_ips_each)
{
	struct wg_device device = { .private_key = key_number(3, 1),
				    .flags = ALL_OF_DEVICE,
				    .listen_port = 4711,
				    .fwmark = 51820 };

	for (uint32_t i = 0; i < npeers; i++)
		add_allowed_ips(add_peer(&device, ALL_OF_PEER), i, allowed_ips_each);
	return device;
}

/* --- comparing --- */

static inline int by_key(const void *a, const void *b)
{
	return key_compare(&((const struct wg_peer *)a)->public_key,
			   &((const struct wg_peer *)b)->public_key);
}

static inline int by_prefix(const void *a, const void *b)
{
	return prefix_compare(&((const struct allowed_ip *)a)->prefix,
			      &((const struct allowed_ip *)b)->prefix);
}

/* Userspace delivers peers in any order. */
static inline void sort(struct wg_device *device)
{
	if (device->npeers)
		qsort(device->peers, device->npeers, sizeof(*device->peers), by_key);
	for (size_t i = 0; i < device->npeers; i++) {
		struct wg_peer *peer = &device->peers[i];

		if (peer->nallowed_ips)
			qsort(peer->allowed_ips, peer->nallowed_ips, sizeof(*peer->allowed_ips),
			      by_prefix);
	}
}

static inline void assert_peer_equal(const struct wg_peer *a, const struct wg_peer *b)
{
	assert_true(key_equal(&a->public_key, &b->public_key));
	assert_true(key_equal(&a->preshared_key, &b->preshared_key));
	assert_true(endpoint_equal(&a->endpoint, &b->endpoint));
	assert_int_equal(a->keepalive, b->keepalive);
	assert_int_equal(a->nallowed_ips, b->nallowed_ips);
	for (size_t i = 0; i < a->nallowed_ips; i++) {
		assert_int_equal(
			prefix_compare(&a->allowed_ips[i].prefix, &b->allowed_ips[i].prefix), 0);
		assert_int_equal(a->allowed_ips[i].remove, b->allowed_ips[i].remove);
	}
}

static inline void assert_device_equal(struct wg_device *a, struct wg_device *b)
{
	assert_true(key_equal(&a->private_key, &b->private_key));
	assert_int_equal(a->listen_port, b->listen_port);
	assert_int_equal(a->fwmark, b->fwmark);
	assert_int_equal(a->npeers, b->npeers);
	sort(a);
	sort(b);
	for (size_t i = 0; i < a->npeers; i++)
		assert_peer_equal(&a->peers[i], &b->peers[i]);
}

/* No key may stay behind in a buffer. */
static inline void assert_wiped(const char *buffer, size_t size, const struct key *key)
{
	char hex[KEY_HEX_LEN + 1];

	key_to_hex(hex, key);
	if (!buffer || key_is_zero(key))
		return;
	assert_null(memmem(buffer, size, key->b, KEY_LEN));
	assert_null(memmem(buffer, size, hex, KEY_HEX_LEN));
}

static inline void assert_all_wiped(const struct wg_device *device)
{
	assert_wiped(wg.buffer, wg.buffer_size, &device->private_key);
	assert_wiped(wg.genl.send_buffer, NL_SEND_BUFFER, &device->private_key);
	assert_wiped(wg.genl.receive_buffer, NL_RECEIVE_BUFFER, &device->private_key);
	for (size_t i = 0; i < device->npeers && i < 3; i++) {
		assert_wiped(wg.buffer, wg.buffer_size, &device->peers[i].preshared_key);
		assert_wiped(wg.genl.send_buffer, NL_SEND_BUFFER, &device->peers[i].preshared_key);
		assert_wiped(wg.genl.receive_buffer, NL_RECEIVE_BUFFER,
			     &device->peers[i].preshared_key);
	}
}

static inline int open_wg(void **state)
{
	(void)state;
	d = (struct diag){ 0 };
	arena_init(&arena);
	return wg_open(&wg, &d);
}

static inline int close_wg(void **state)
{
	(void)state;
	wg_close(&wg);
	arena_fini(&arena);
	return 0;
}

#endif
