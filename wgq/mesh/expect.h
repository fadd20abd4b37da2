/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mesh is expected to do, one line each:
 *
 *	reach FROM TO [via NODE]	a packet of FROM's arrives at TO, and passes NODE on its way
 *	direct FROM TO			it arrives, and passes nobody
 *	deny FROM TO			it does not arrive
 *
 * FROM and TO are as for queries_make(); a name with blanks stands in double quotes; '#' starts a
 * comment. Pure.
 */
#ifndef WGQ_MESH_EXPECT_H
#define WGQ_MESH_EXPECT_H

#include "wgq/mesh/route.h"

/*
 * Adds a finding for every line that does not hold: a packet that dies has the code of its death
 * and the way to it as related places; a line that fails although the packet arrives is a bad-value
 * of the line; a line that means nothing is syntax.
 */
void expect_check(struct findings *f, const struct mesh *m, const struct routes *r,
		  const struct source *expectations);

#endif
