/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets of this network namespace: who has a port, whether it can be had, and from where a
 * packet would leave. */
#ifndef WGQ_KERNEL_SOCKS_H
#define WGQ_KERNEL_SOCKS_H

#include <sys/types.h>

#include "wgq/base/addr.h"
#include "wgq/base/arena.h"
#include "wgq/base/diag.h"

/* A process that has a socket open. */
struct sock_holder {
	pid_t pid;
	const char *name; /* as /proc/PID/comm has it: any bytes */
	const char *wg;   /* the interface, where it is a userspace WireGuard; else NULL */
};

struct sock {
	struct prefix addr; /* whole-length; all zero: every address of the family */
	bool is_v6only;     /* [::] that leaves IPv4 to others */
	int ifindex;        /* of the interface that it is bound to; 0: none */
	uint32_t inode;
	uint32_t uid;
	struct sock_holder *holders; /* by pid; none: a socket of the kernel, or see below */
	size_t nholders, holders_capacity;
};

struct socks {
	struct arena *arena;
	struct sock *v;
	size_t n, capacity;
	bool saw_everybody; /* socks_find_holders() could look at every process there is */
};

/*
 * Appends the sockets with that local port, IPv4 first, in any state, by sock_diag (7). Sockets of
 * other network namespaces are not seen. Returns 0 or a negative errno recorded in d; -ENOENT where
 * the kernel lacks udp_diag.
 */
int socks_get_udp(struct socks *out, uint16_t port, struct diag *d);

/* Finds who holds the sockets, by the links in /proc/PID/fd of every process. */
void socks_find_holders(struct socks *s);

/*
 * Binds every address of the family to the port for a moment, as WireGuard of the kernel does:
 * without sharing, IPv6 without IPv4. Returns 0 or the kernel's negative errno: -EADDRINUSE;
 * -EAFNOSUPPORT where there is no such family; -EACCES for a privileged port.
 */
int socks_try_udp(uint8_t family, uint16_t port);

/* The address of ours from which packets to an endpoint would leave now; none are sent.
 * Returns 0 or a negative errno (-ENETUNREACH). */
int socks_find_source(struct prefix *source, const union endpoint *to);

#endif
