/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/claims.h"

#include <dirent.h>
#include <fcntl.h>

#include "wgq/plan/record.h"

static void read_record(struct claims *out, const struct rundir *dir, const char *ifname)
{
	struct plan p = { .arena = out->arena };
	struct record r;
	struct diag ignored;
	int err;

	record_init(&r, dir, ifname);
	err = record_read(&r, &p, &ignored);
	for (size_t i = 0; !err && i < p.n; i++)
		if (p.v[i].kind == OP_SYSCTL && !p.v[i].stays)
			*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = p.v[i].sysctl;
	record_close(&r);
}

void claims_read(struct claims *out, const struct rundir *dir, const char *ifname)
{
	char prefix[RUNDIR_NAME];
	size_t n;
	int fd = dir->fd < 0 ? -1 : openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	rundir_name(prefix, dir, "record", "");
	n = strlen(prefix);
	while (folder && (entry = readdir(folder)))
		if (!strncmp(entry->d_name, prefix, n) && strcmp(entry->d_name + n, ifname) != 0)
			read_record(out, dir, entry->d_name + n);
	if (folder)
		closedir(folder);
	else
		util_close(&fd);
}

const struct op_sysctl *claims_find(const struct claims *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

void claims_spare(const struct claims *c, struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct op *op = &p->v[i];

		if (op->kind != OP_SYSCTL || !claims_find(c, op->sysctl.name))
			continue;
		op->stays = true;
		op->done = false;
	}
}
