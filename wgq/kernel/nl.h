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
	 * Only 256 refusals fit a default receive buffer; then the kernel drops them and reports
	 * ENOBUFS although it went on with every message. So a chunk holds fewer.
	 */
	NL_BATCH_MAX = 200,
	/* A query's answer is a whole message, not an acknowledgement of 36 bytes: fewer of them.
	 */
	NL_QUERY_MAX = 100,
	NL_SEND_BUFFER = 64 * 1024,
	NL_RECEIVE_BUFFER = 64 * 1024,
	/* What one message of a batch may take at most. */
	NL_MESSAGE_MAX = 2048,
};

struct nl {
	struct mnl_socket *socket;
	uint32_t seq;
	uint32_t portid;
	bool stale;        /* the last exchange was broken off: its answers may still be queued */
	char *send_buffer; /* NL_SEND_BUFFER bytes */
	char *receive_buffer; /* NL_RECEIVE_BUFFER bytes */
};

/*
 * Opens a socket (NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_SOCK_DIAG),
 * close-on-exec, with extended and capped acknowledgements and strict checking of dump requests on,
 * and allocates both buffers: no later call on it allocates. Returns 0 or a negative errno recorded
 * in d.
 */
int nl_open(struct nl *nl, int bus, struct diag *d);

/* Wipes and frees the buffers and closes the socket; nothing happens to a zeroed struct. */
void nl_close(struct nl *nl);

/* Starts a message in the send buffer: header with type, flags (NLM_F_REQUEST is added) and a fresh
 * sequence number. */
struct nlmsghdr *nl_message(struct nl *nl, uint16_t type, uint16_t flags);

/*
 * Sends one message, with NLM_F_ACK, and reads until its acknowledgement; replies before it go to
 * reply (NULL: dropped). Returns 0 or the kernel's negative errno, recorded in d as "WHAT: strerror
 * (kernel: "extended text")".
 *
 * Here and in nl_dump(): the message that reply gets lies wholly in the buffer, its family header
 * and attributes are for reply to check (nl_parse()). It returns MNL_CB_OK, MNL_CB_STOP to be
 * passed no more, or MNL_CB_ERROR with errno set, which then is the call's error. It must not use
 * nl.
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

/* Appends message number i of a batch at nlh (header not yet filled), at most NL_MESSAGE_MAX bytes;
 * nl_batch() adds NLM_F_REQUEST and the sequence number, and NLM_F_ACK to the last of a chunk. */
typedef void (*nl_batch_build)(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data);

/*
 * Sends messages 0..n-1, built on the fly, in chunks of at most NL_BATCH_MAX. The kernel takes them
 * in order and answers refusals and, by its ACK, the last; so the fate of all of a chunk is known
 * before the next is sent. Stops after the first chunk in which a
 * message failed that settle did not forgive. settle(i, err, data) is called for every message
 * whose fate is known, err being 0 or the kernel's negative errno; it returns 0 to accept, else the
 * errno to fail with. errors of refused messages are recorded in d with the extended text (first
 * one wins) but without a WHAT: the caller wraps with the object's name via *failed, the index of
 * the first one. Returns 0 or a negative errno. Allocates nothing.
 */
typedef int (*nl_batch_settle)(size_t i, int err, void *data);
int nl_batch(struct nl *nl, size_t n, nl_batch_build build, nl_batch_settle settle, void *data,
	     size_t *failed, struct diag *d);

/*
 * Asks n questions in the same way, but without acknowledgements: each has exactly one answer, a
 * message or a refusal. answer(i, reply, err, data) is called for each, reply being NULL if the
 * kernel refused with err, a negative errno. A refusal is no error of the call. answer must not use
 * nl. Returns 0 or a negative errno recorded in d as "WHAT: strerror".
 */
typedef void (*nl_query_answer)(size_t i, const struct nlmsghdr *reply, int err, void *data);
int nl_query(struct nl *nl, size_t n, nl_batch_build build, nl_query_answer answer, void *data,
	     struct diag *d, const char *what);

/*
 * Sorts the attributes behind a family header of that many bytes into tb[0..max], NULL where there
 * is none; unknown ones are left out. least[type] is the payload that a type must have at least.
 * Returns 0, or -EBADMSG if the message or an attribute is too short or goes beyond the end.
 */
int nl_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
	     const uint8_t *least, uint16_t max);

/* The same for the attributes inside an attribute. */
int nl_parse_nested(const struct nlattr *nest, const struct nlattr **tb, const uint8_t *least,
		    uint16_t max);

/* Calls each for every attribute inside an attribute until it returns other than 0, and returns
 * that; -EBADMSG if one goes beyond the end. */
int nl_each_nested(const struct nlattr *nest, int (*each)(const struct nlattr *attr, void *data),
		   void *data);

/* The kernel's verdict on a request. */
struct nl_verdict {
	int err;         /* 0 or a negative errno */
	struct str text; /* its own words, in the receive buffer; empty: none */
	uint32_t offset; /* of the attribute at fault in the request; 0: not told */
};

/* Reads an NLMSG_ERROR or NLMSG_DONE message that lies wholly in a buffer. Returns 0 or -EBADMSG.
 */
int nl_read_verdict(struct nl_verdict *v, const struct nlmsghdr *nlh);

#endif
