/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink core, over libmnl: one socket per bus, sequence numbers, extended acknowledgements in
 * every error, dumps that restart when interrupted, and batches whose every message's fate is
 * known.
 */
#ifndef WGQ_KERNEL_NL_H
#define WGQ_KERNEL_NL_H

#include <libmnl/libmnl.h>

#include "wgq/base/diag.h"

enum {
	/*
	 * With an ACK asked for on every message only 256 fit a default receive buffer; then the
	 * kernel drops them and reports ENOBUFS although every message was applied. So a chunk
	 * holds fewer, and all are read before the next.
	 */
	NL_BATCH_MAX = 200,
	NL_SEND_BUFFER = 64 * 1024,
	NL_RECEIVE_BUFFER = 64 * 1024,
};

struct nl {
	struct mnl_socket *socket;
	uint32_t seq;
	uint32_t portid;
	char *send_buffer;    /* NL_SEND_BUFFER bytes */
	char *receive_buffer; /* NL_RECEIVE_BUFFER bytes */
};

/*
 * Opens a socket (NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_SOCK_DIAG),
 * close-on-exec, with extended and capped acknowledgements and strict checking of dump requests on,
 * and allocates both buffers: no later call on it allocates. Returns 0 or a negative errno recorded
 * in d.
 */
int nl_open(struct nl *nl, int bus, struct diag *d);
void nl_close(struct nl *nl);

/* Starts a message in the send buffer: header with type, flags (NLM_F_REQUEST is added) and a fresh
 * sequence number. */
struct nlmsghdr *nl_message(struct nl *nl, uint16_t type, uint16_t flags);

/*
 * Sends one message, with NLM_F_ACK, and reads until its acknowledgement; replies before it go to
 * reply (NULL: dropped). Returns 0 or the kernel's negative errno, recorded in d as "WHAT: strerror
 * (kernel: "extended text")".
 */
int nl_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t reply, void *data, struct diag *d,
	       const char *what);

/*
 * Sends a dump request and passes every part to reply. restart is called before each attempt, so
 * that what an interrupted dump (NLM_F_DUMP_INTR) delivered can be forgotten; it may be NULL if
 * reply is idempotent. At most 16 attempts.
 */
int nl_dump(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t reply, void (*restart)(void *data),
	    void *data, struct diag *d, const char *what);

/* Appends message number i of a batch at nlh (header not yet filled); nl_batch() adds flags and
 * sequence. */
typedef void (*nl_batch_build)(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data);

/*
 * Sends messages 0..n-1, built on the fly, in chunks of at most NL_BATCH_MAX, each with an ACK, and
 * reads every ACK of a chunk before the next is sent. Stops after the first chunk in which a
 * message failed that settle did not forgive. settle(i, err, data) is called for every message
 * whose fate is known, err being 0 or the kernel's negative errno; it returns 0 to accept, else the
 * errno to fail with. errors of refused messages are recorded in d with the extended text (first
 * one wins) but without a WHAT: the caller wraps with the object's name via *failed, the index of
 * the first one. Returns 0 or a negative errno. Allocates nothing.
 */
typedef int (*nl_batch_settle)(size_t i, int err, void *data);
int nl_batch(struct nl *nl, size_t n, nl_batch_build build, nl_batch_settle settle, void *data,
	     size_t *failed, struct diag *d);

#endif
