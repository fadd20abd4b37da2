/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The executor: runs operations in order, knows of each whether it was done, and walks back over
 * the done ones. Between the first and the last operation nothing is allocated, parsed or ended:
 * apply_prepare() has built what they need.
 */
#ifndef WGQ_PLAN_APPLY_H
#define WGQ_PLAN_APPLY_H

#include "wgq/plan/host.h"
#include "wgq/plan/op.h"
#include "wgq/plan/record.h"

/* Builds firewall transactions, forward and back, for operations from on. Returns 0 or a negative
 * errno in d. */
int apply_prepare(struct host *h, struct plan *p, size_t from, struct diag *d);
void apply_release(struct plan *p);

/* Catches SIGINT, SIGTERM and SIGHUP (those not ignored by our caller) in stop_requested; SIGPIPE
 * is ignored. */
void apply_catch_signals(void);

/* Gives them back their default, as long as nothing is changed. */
void apply_release_signals(void);

/* Dies of the signal that asked to stop; returns if none did. */
void apply_die_of_signal(void);

/*
 * Runs operations from..to-1. Like ones go out together. The record's mark is moved before each, so
 * that whoever comes after a kill knows how far it went (record NULL: nobody will ask). Returns 0
 * or the first failure, recorded in d (-EINTR: a stop request).
 */
int apply_run(struct host *h, struct plan *p, size_t from, size_t to, struct record *r,
	      struct diag *d);

/*
 * Takes back what is done among operations from..n-1, in reverse; hooks stay run, and it says so.
 * Goes on after errors, prints them as notes. Returns how many operations could not be taken back.
 */
size_t apply_undo(struct host *h, struct plan *p, size_t from);

#endif
