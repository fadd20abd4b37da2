/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How findings about many files are put before a reader. Pure. */
#ifndef WGQ_MESH_REPORT_H
#define WGQ_MESH_REPORT_H

#include "wgq/mesh/route.h"

/* Orders findings by file, as the mesh has them, line and column; what is of no such file comes
 * last. Equal places stay as they were added. */
void report_sort(struct findings *f, const struct mesh *m);

/* f's findings of at least this severity. Shares f's arena. */
struct findings report_select(const struct findings *f, enum severity least);

/* "5 nodes, 20 pairs, 20 reachable; 0 errors, 1 warning"; mesh and reach are NULL for a host. */
void report_summary(FILE *out, const struct findings *f, const struct mesh *m,
		    const struct reach *reach);

#endif
