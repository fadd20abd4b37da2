/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "wgq/plan/record_form.h"

/*
 * The file's head. The three values that change while operations run have a fixed width and thus a
 * fixed place.
 *
 *     wgq-record 1
 *     state raising
 *     progress 0000000000
 *     ifindex 0000000000
 *     boot 7f3c…
 *     netns 4026
 *     interface wg0
 *     config /etc/wireguard/wg0.conf
 *     link add - kernel
 *     …
 *     end
 */
static const char head_format[] = "wgq-record 1\n"
				  "state %-8s\n"
				  "progress %010zu\n"
				  "ifindex %010d\n";

enum {
	STATE_AT = sizeof("wgq-record 1\nstate ") - 1,
	PROGRESS_AT = STATE_AT + sizeof("raising \nprogress ") - 1,
	IFINDEX_AT = PROGRESS_AT + sizeof("0000000000\nifindex ") - 1,
	SIZE_MAX_BYTES = 256 * 1024 * 1024,
};

static const char *const state_names[] = {
	[RECORD_RAISING] = "raising",
	[RECORD_UP] = "up",
	[RECORD_LOWERING] = "lowering",
};

void record_init(struct record *r, const struct rundir *dir, const char *ifname)
{
	*r = (struct record){ .dir = dir, .fd = -1 };
	rundir_name(r->name, dir, "record", ifname);
}

void record_close(struct record *r)
{
	util_close(&r->fd);
	r->fd = -1;
}

static void put_plan(FILE *out, const struct record *r, const struct plan *p)
{
	fprintf(out, head_format, state_names[r->state], r->progress, p->ifindex);
	fprintf(out, "boot %s\nnetns %s\ninterface", r->dir->boot, r->dir->netns);
	put_word(out, p->ifname);
	fputs("\nconfig", out);
	put_word(out, p->config_path ? p->config_path : "");
	putc('\n', out);
	for (size_t i = 0; i < p->n; i++) {
		const struct op *op = &p->v[i];

		fprintf(out, "%s %s", op_kind_name(op->kind), op->stays ? "stays" : "-");
		record_forms[op->kind].put(out, op);
		putc('\n', out);
	}
	fputs("end\n", out);
}

void record_sweep(const struct rundir *dir, const char *ifname)
{
	char name[RUNDIR_NAME];

	rundir_name(name, dir, "new", ifname);
	unlinkat(dir->fd, name, 0);
}

int record_write(struct record *r, const struct plan *p, struct diag *d)
{
	char new_name[RUNDIR_NAME];
	int fd CLEANUP_FD = -1;
	FILE *out CLEANUP_FILE = NULL;

	record_sweep(r->dir, p->ifname);
	rundir_name(new_name, r->dir, "new", p->ifname);
	fd = openat(r->dir->fd, new_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_sys(d, errno, "cannot make the record %s", new_name);
	r->state = RECORD_RAISING;
	out = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "w");
	if (!out)
		return diag_sys(d, errno, "cannot write the record %s", new_name);
	put_plan(out, r, p);
	if (fflush(out) || ferror(out) || renameat(r->dir->fd, new_name, r->dir->fd, r->name)) {
		int err = diag_sys(d, errno, "cannot write the record %s", r->name);

		unlinkat(r->dir->fd, new_name, 0);
		return err;
	}
	record_close(r);
	r->fd = fd_take(&fd);
	return 0;
}

static int check_file(const struct record *r, struct stat *st, struct diag *d)
{
	if (fstat(r->fd, st))
		return diag_sys(d, errno, "record %s", r->name);
	if (!S_ISREG(st->st_mode) || st->st_uid != 0 || (st->st_mode & 077))
		return diag_set(d, EPERM,
				"the record %s does not belong to root alone, and what it holds "
				"runs as root: look at it and remove it",
				r->name);
	if (st->st_size > SIZE_MAX_BYTES)
		return diag_set(d, EFBIG, "the record %s is too large", r->name);
	return 0;
}

/* The whole file, NUL-terminated, in the arena. NULL: *err says why, -ENOENT that there is none. */
static char *read_file(struct record *r, struct arena *a, int *err, struct diag *d)
{
	struct stat st;
	size_t n = 0;
	ssize_t got;
	char *text;

	r->fd = openat(r->dir->fd, r->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (r->fd < 0) {
		*err = errno == ENOENT ? -ENOENT : diag_sys(d, errno, "record %s", r->name);
		return NULL;
	}
	*err = check_file(r, &st, d);
	if (*err)
		return NULL;
	text = arena_alloc(a, (size_t)st.st_size + 1);
	do {
		got = read(r->fd, text + n, (size_t)st.st_size - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (!got)
		return text;
	*err = diag_sys(d, errno, "record %s", r->name);
	return NULL;
}

/* Takes the next line off *text: "KEY rest"; its words remain to be read. NULL at the end. */
static char *next_line(char **text, struct reader *r)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!*line || !end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	r->next = line;
	return get_word(r);
}

static char *get_field(char **text, struct reader *r, const char *key)
{
	char *got = next_line(text, r);

	if (!got || strcmp(got, key)) {
		r->bad = true;
		return r->next + strlen(r->next);
	}
	return get_word(r);
}

static enum record_state get_state(struct reader *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (!strcmp(state_names[i], name))
			return (enum record_state)i;
	r->bad = true;
	return RECORD_UP;
}

static enum op_kind get_kind(struct reader *r, const char *name)
{
	for (int kind = 0; kind < OP_KINDS; kind++)
		if (!strcmp(op_kind_name((enum op_kind)kind), name))
			return (enum op_kind)kind;
	r->bad = true;
	return OP_LINK;
}

static void get_ops(char **text, struct reader *r, struct plan *p)
{
	const char *name = NULL;

	while (!r->bad && (name = next_line(text, r)) && strcmp(name, "end")) {
		enum op_kind kind = get_kind(r, name);
		struct op *op = plan_push(p, kind, op_is_hook(kind) ? OP_RUN : OP_ADD);

		op->stays = !strcmp(get_word(r), "stays");
		if (!r->bad)
			record_forms[kind].get(r, op);
		if (*r->next)
			r->bad = true;
	}
	if (!name)
		r->bad = true;
}

/* Fills r, p and tells whether the record is of this boot and namespace. */
static bool parse(struct record *r, struct plan *p, char *text, struct reader *in)
{
	const char *boot, *netns;

	in->next = text;
	if (strcmp(get_field(&text, in, "wgq-record"), "1"))
		in->bad = true;
	r->state = get_state(in, get_field(&text, in, "state"));
	r->progress = (size_t)strtoul(get_field(&text, in, "progress"), NULL, 10);
	p->ifindex = (int)strtol(get_field(&text, in, "ifindex"), NULL, 10);
	boot = get_field(&text, in, "boot");
	netns = get_field(&text, in, "netns");
	if (!in->bad && (strcmp(boot, r->dir->boot) || strcmp(netns, r->dir->netns)))
		return false;
	snprintf(p->ifname, sizeof(p->ifname), "%s", get_field(&text, in, "interface"));
	p->config_path = get_field(&text, in, "config");
	get_ops(&text, in, p);
	return true;
}

int record_read(struct record *r, struct plan *p, struct diag *d)
{
	struct reader in = { .arena = p->arena };
	int err = 0;
	char *text = read_file(r, p->arena, &err, d);

	if (!text) {
		record_close(r);
		return err;
	}
	if (!parse(r, p, text, &in)) {
		record_remove(r);
		return -ENOENT;
	}
	if (in.bad) {
		record_close(r);
		return diag_set(
			d, EBADMSG,
			"the record %s is damaged; take the interface down by hand (ip link "
			"delete dev %s) and remove the record",
			r->name, p->ifname);
	}
	for (size_t i = 0; i < p->n; i++)
		p->v[i].done = r->state != RECORD_RAISING || i < r->progress;
	return 0;
}

const char *record_find_config(const struct rundir *dir, const char *ifname, struct arena *a)
{
	struct plan p = { .arena = a };
	struct reader in = { .arena = a };
	struct diag ignored;
	struct record r;
	int err = 0;
	char *text;
	bool is_good;

	record_init(&r, dir, ifname);
	text = read_file(&r, a, &err, &ignored);
	is_good = text && parse(&r, &p, text, &in) && !in.bad && *p.config_path;
	record_close(&r);
	return is_good ? p.config_path : NULL;
}

static void set_field(struct record *r, off_t at, const char *value)
{
	ssize_t n;

	if (r->fd < 0)
		return;
	n = pwrite(r->fd, value, strlen(value), at);
	(void)n; /* the place is there already, in memory: nothing to run out of */
}

void record_set_progress(struct record *r, size_t begun)
{
	char text[16];

	r->progress = begun;
	snprintf(text, sizeof(text), "%010zu", begun);
	set_field(r, PROGRESS_AT, text);
}

void record_set_ifindex(struct record *r, int ifindex)
{
	char text[16];

	snprintf(text, sizeof(text), "%010d", ifindex);
	set_field(r, IFINDEX_AT, text);
}

void record_set_state(struct record *r, enum record_state state)
{
	char text[16];

	r->state = state;
	snprintf(text, sizeof(text), "%-8s", state_names[state]);
	set_field(r, STATE_AT, text);
}

void record_remove(struct record *r)
{
	unlinkat(r->dir->fd, r->name, 0);
	record_close(r);
}
