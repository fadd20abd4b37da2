/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record: what `up` is about to do and did, in /run/wgq (WGQ_RUN_DIR), one file for each
 * network namespace and interface. It is in place before the first change, so that after a kill at
 * any moment the next command can finish the undo, and it is what `down` undoes, whatever became of
 * the configuration file. It holds no key.
 *
 * The file is text: a header of fixed-width fields that change in place, then one operation a line
 * in the order of execution. It is refused unless it and its folder belong to root and nobody else
 * may touch them, because its hooks run as root. One of another boot or network namespace is
 * nobody's.
 */
#ifndef WGQ_PLAN_RECORD_H
#define WGQ_PLAN_RECORD_H

#include "wgq/plan/op.h"
#include "wgq/plan/rundir.h"

enum record_state {
	RECORD_RAISING,  /* up is at work, or was killed at it */
	RECORD_UP,       /* up is complete */
	RECORD_LOWERING, /* down is at work, or was killed at it */
};

struct record {
	const struct rundir *dir;
	char name[RUNDIR_NAME];
	int fd; /* -1: there is no file */
	enum record_state state;
	size_t progress; /* operations (of the list in the file, or of its inverse while lowering)
			    begun */
};

/* The record of an interface in dir, which must outlive it; no file is touched yet. */
void record_init(struct record *r, const struct rundir *dir, const char *ifname);
void record_close(struct record *r);

/* Removes what a command that was killed before its record was in place has left. Needs the
 * interface's lock. */
void record_sweep(const struct rundir *dir, const char *ifname);

/* Writes the whole list in state RECORD_RAISING to a new file and puts it in place by rename. 0 or
 * -errno in d. */
int record_write(struct record *r, const struct plan *p, struct diag *d);

/*
 * Reads the interface's record into p, whose arena is set: operations before r->progress are marked
 * done (RECORD_RAISING), or all of them. Returns 0; -ENOENT: there is none, or one of another boot
 * or namespace, which is removed (nothing recorded in d); or another negative errno recorded in d.
 */
int record_read(struct record *r, struct plan *p, struct diag *d);

/* The configuration file that the record of an interface names, or NULL. Changes nothing, not even
 * a record of another boot, and needs no lock. */
const char *record_find_config(const struct rundir *dir, const char *ifname, struct arena *a);

/* Changes one field in place. They neither allocate nor fail: the file and its room are there. */
void record_set_progress(struct record *r, size_t begun);
void record_set_ifindex(struct record *r, int ifindex);
void record_set_state(struct record *r, enum record_state state);

/* Removes the file. */
void record_remove(struct record *r);

#endif
