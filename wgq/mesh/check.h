/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with files by themselves, and with a mesh of them. Pure. */
#ifndef WGQ_MESH_CHECK_H
#define WGQ_MESH_CHECK_H

#include "wgq/mesh/route.h"

/*
 * Adds what one file shows: duplicate-allowed-ip, duplicate-peer, self-peer, duplicate-endpoint,
 * endpoint-in-tunnel, host-bits (parsing has them), address-is-network. n log n.
 */
void check_file(struct findings *f, const struct config *c);

/*
 * Adds what only the files together show: nat-port-clash, one-sided-peer, unknown-peer,
 * psk-mismatch, endpoint-port-mismatch, duplicate-key, duplicate-address, address-not-allowed,
 * missing-keepalive, mtu-mismatch, and one finding for each cause of pairs in reach that cannot
 * talk: no-route, source-filtered, no-initiator, routing-loop, relay-not-forwarding. n log n.
 */
void check_mesh(struct findings *f, const struct mesh *m, const struct routes *r,
		const struct reach *reach);

#endif
