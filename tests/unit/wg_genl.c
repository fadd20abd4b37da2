/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of generic netlink, without a kernel: what is read has the form of what is written.
 */
#include "wgq/kernel/wg_backend.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "tests/unit/wg_device.h"

static struct nlmsghdr *begin_message(void *buffer)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

/* Writes the device in messages of at most size bytes and reads it from them; returns how many. */
static size_t copy_device(struct wg_device *copy, const struct wg_device *device, size_t size)
{
	struct wg_genl_writer w = { .ifname = "fifteen-letters", .device = device };
	char *buffer = arena_alloc(&arena, size + 64);
	size_t n = 0;
	bool more = true;

	*copy = (struct wg_device){ 0 };
	for (; more; n++) {
		struct nlmsghdr *nlh = begin_message(buffer);

		memset(buffer + size, 0x55, 64);
		more = wg_genl_write(&w, nlh, size);
		assert_true(nlh->nlmsg_len <= size);
		for (size_t i = 0; i < 64; i++)
			assert_int_equal(buffer[size + i], 0x55);
		assert_int_equal(wg_genl_read(nlh, copy, &arena), 0);
	}
	return n;
}

static void device_is_cut_into_messages_of_any_size_and_put_together(void **state)
{
	struct wg_device device = new_device(3, 0), copy;

	(void)state;
	add_allowed_ips(add_peer(&device, 0), 4, 0);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 5, 1);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 1000, 40);
	add_allowed_ips(add_peer(&device, PEER_HAS_KEEPALIVE), 2000, 20);
	for (size_t size = 512; size < 4096; size += 4) {
		size_t n = copy_device(&copy, &device, size);

		assert_device_equal(&device, &copy);
		assert_true(n >= 1 && n < 20);
	}
	assert_int_equal(copy_device(&copy, &device, 8192), 1);
}

static void flags_that_replace_are_sent_once(void **state)
{
	struct wg_device device = new_device(0, 0);
	struct wg_genl_writer w = { .ifname = "wg0", .device = &device };
	char buffer[512];
	size_t messages = 0, replacing_peers = 0, replacing_ips = 0;
	bool more = true;

	(void)state;
	add_allowed_ips(add_peer(&device, PEER_REPLACE_ALLOWED_IPS), 0, 100);
	for (; more; messages++) {
		const struct nlattr *attr, *peer, *value;
		struct nlmsghdr *nlh = begin_message(buffer);

		more = wg_genl_write(&w, nlh, sizeof(buffer));
		mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		{
			replacing_peers += mnl_attr_get_type(attr) == WGDEVICE_A_FLAGS;
			if (mnl_attr_get_type(attr) != WGDEVICE_A_PEERS)
				continue;
			mnl_attr_for_each_nested(peer, attr)
			{
				mnl_attr_for_each_nested(value, peer)
				{
					replacing_ips += mnl_attr_get_type(value) == WGPEER_A_FLAGS;
				}
			}
		}
	}
	assert_true(messages > 5);
	assert_int_equal(replacing_peers, 1);
	assert_int_equal(replacing_ips, 1);
}

static void removals_are_flagged_and_bare(void **state)
{
	struct wg_device device = { 0 }, copy;

	(void)state;
	add_allowed_ips(add_peer(&device, 0), 0, 3);
	device.peers[0].allowed_ips[1].remove = true;
	add_allowed_ips(add_peer(&device, ALL_OF_PEER | PEER_REMOVE), 7, 3);
	copy_device(&copy, &device, 4096);
	assert_false(copy.peers[0].allowed_ips[0].remove);
	assert_true(copy.peers[0].allowed_ips[1].remove);
	assert_int_equal(copy.peers[1].nallowed_ips, 0);
	assert_int_equal(copy.peers[1].flags, 0);
}

static void mutilated_messages_are_refused_or_read_in_part(void **state)
{
	struct wg_device device = new_device(2, 3), copy;
	struct wg_genl_writer w = { .ifname = "wg0", .device = &device };
	char buffer[4096], *whole;
	struct nlmsghdr *nlh = begin_message(buffer);
	size_t refused = 0;

	(void)state;
	assert_false(wg_genl_write(&w, nlh, sizeof(buffer)));
	whole = arena_alloc(&arena, nlh->nlmsg_len);
	memcpy(whole, buffer, nlh->nlmsg_len);
	/* any length of the message and any value of any byte: never beyond the end of it */
	for (uint32_t n = NLMSG_HDRLEN; n < ((struct nlmsghdr *)whole)->nlmsg_len; n++) {
		char *exact = malloc(n);

		assert_non_null(exact);
		memcpy(exact, whole, n);
		((struct nlmsghdr *)exact)->nlmsg_len = n;
		copy = (struct wg_device){ 0 };
		refused += wg_genl_read((struct nlmsghdr *)exact, &copy, &arena) != 0;
		free(exact);
	}
	for (uint32_t i = NLMSG_HDRLEN; i < nlh->nlmsg_len; i++) {
		buffer[i] = (char)~buffer[i];
		copy = (struct wg_device){ 0 };
		refused += wg_genl_read(nlh, &copy, &arena) != 0;
		buffer[i] = (char)~buffer[i];
	}
	assert_true(refused > 100);
}

int main(void)
{
#define W(test) cmocka_unit_test_setup_teardown(test, open_wg, close_wg)
	const struct CMUnitTest tests[] = {
		W(device_is_cut_into_messages_of_any_size_and_put_together),
		W(flags_that_replace_are_sent_once),
		W(removals_are_flagged_and_bare),
		W(mutilated_messages_are_refused_or_read_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
