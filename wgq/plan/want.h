/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration and facts become operations. Pure. */
#ifndef WGQ_PLAN_WANT_H
#define WGQ_PLAN_WANT_H

#include "wgq/plan/facts.h"
#include "wgq/plan/op.h"

/* Appends the first stage: the interface, and PreUp hooks if there are any. */
void want_interface(struct plan *p, const struct config *c, const struct facts *f);

/*
 * Appends the second stage, which is the first too where there are no PreUp hooks: device,
 * addresses, MTU, DNS, switches, firewall, rules and routes. What PreUp hooks have made so already
 * is left out.
 */
void want_network(struct plan *p, const struct config *c, const struct facts *f);

/* Appends PostUp hooks and, for the record, those of down. */
void want_hooks(struct plan *p, const struct config *c);

/* The index of the first operation of that kind or of a later one; p->n if there is none. */
size_t plan_find(const struct plan *p, enum op_kind from_kind);

#endif
