/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record: what is written is read back, whatever it holds; what is damaged or not root's is
 * not. */
#include "wgq/plan/record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>

#include "tests/unit/netns.h"
#include "tests/unit/record_ops.h"

enum { HEAD = 16 * 1024 };

struct fixture {
	struct rundir dir;
	struct arena arena;
	struct record record;
	struct diag d;
};

static int prepare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (rundir_open(&f->dir, true, &f->d)) {
		print_error("%s\n", f->d.text);
		return -1;
	}
	record_init(&f->record, &f->dir, "wg0");
	return 0;
}

static int clean(void **state)
{
	struct fixture *f = *state;

	record_close(&f->record);
	rundir_close(&f->dir);
	arena_fini(&f->arena);
	free(f);
	return sh_ok("rm -rf /run/wgq /run/elsewhere") ? 0 : -1;
}

/* --- reading and writing --- */

static int read_into(struct plan *p, struct fixture *f, struct arena *a)
{
	int err;

	*p = (struct plan){ .arena = a };
	f->d.text[0] = '\0';
	record_close(&f->record);
	record_init(&f->record, &f->dir, "wg0");
	err = record_read(&f->record, p, &f->d);
	assert_int_equal(f->record.fd >= 0, !err);
	assert_int_equal(!f->d.text[0], !err || err == -ENOENT);
	return err;
}

static void write_plan(struct fixture *f, const struct plan *p)
{
	if (record_write(&f->record, p, &f->d))
		fail_msg("%s", f->d.text);
}

static size_t count_files(void)
{
	char text[32];

	return strtoul(sh_output(text, sizeof(text), "ls -A /run/wgq | wc -l"), NULL, 10);
}

static void no_record_is_no_error(void **state)
{
	struct plan p;

	assert_int_equal(read_into(&p, *state, &((struct fixture *)*state)->arena), -ENOENT);
	assert_int_equal(p.n, 0);
}

static void every_kind_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;
	bool seen[OP_KINDS] = { false };

	write_plan(f, &wrote);
	assert_int_equal(count_files(), 1);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	same_plan(&wrote, &got);
	assert_int_equal(f->record.state, RECORD_RAISING);
	assert_int_equal(f->record.progress, 0);
	for (size_t i = 0; i < got.n; i++)
		seen[got.v[i].kind] = true;
	for (int kind = 0; kind < OP_KINDS; kind++)
		assert_true(seen[kind]); /* a new kind needs a place in everything() */
}

static void a_plan_without_anything_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = { .arena = &f->arena, .ifname = "wg0" }, got;

	write_plan(f, &wrote);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	same_plan(&wrote, &got);
}

static void the_file_is_roots_alone_and_holds_no_key(void **state)
{
	struct fixture *f = *state;
	struct plan p = everything(&f->arena);
	struct stat st;

	umask(0);
	write_plan(f, &p);
	umask(022);
	assert_int_equal(fstatat(f->dir.fd, f->record.name, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_true(fcntl(f->record.fd, F_GETFD) & FD_CLOEXEC);
	sh("! grep -q -e WlpaWlpa -e 5a5a5a -e ZZZZ /run/wgq/%s", f->record.name);
}

static void fields_change_in_place(void **state)
{
	static const struct {
		enum record_state state;
		size_t progress;
		int ifindex;
	} steps[] = {
		{ RECORD_RAISING, 1, 4711 }, { RECORD_UP, 26, 2147483647 },
		{ RECORD_LOWERING, 3, 1 },   { RECORD_UP, 4000000000U, 2 },
		{ RECORD_RAISING, 0, 0 },    { RECORD_LOWERING, 100000, 3 },
	};
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;

	write_plan(f, &wrote);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		record_set_state(&f->record, steps[i].state);
		record_set_progress(&f->record, steps[i].progress);
		record_set_ifindex(&f->record, steps[i].ifindex);
		wrote.ifindex = steps[i].ifindex;
		assert_int_equal(read_into(&got, f, &f->arena), 0);
		same_plan(&wrote, &got);
		assert_int_equal(f->record.state, steps[i].state);
		assert_int_equal(f->record.progress, steps[i].progress);
	}
}

static void operations_begun_count_as_done(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;

	write_plan(f, &wrote);
	record_set_progress(&f->record, 3);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.v[i].done, i < 3);
	for (enum record_state s = RECORD_UP; s <= RECORD_LOWERING; s++) {
		record_set_state(&f->record, s);
		assert_int_equal(read_into(&got, f, &f->arena), 0);
		for (size_t i = 0; i < got.n; i++)
			assert_true(got.v[i].done);
	}
}

/* The second stage of an up with PreUp hooks: what was begun stays begun. */
static void a_second_list_replaces_the_first_and_keeps_the_mark(void **state)
{
	struct fixture *f = *state;
	struct plan first = { .arena = &f->arena, .ifname = "wg0" }, got;
	struct plan second = everything(&f->arena);

	plan_push(&first, OP_LINK, OP_ADD);
	write_plan(f, &first);
	record_set_progress(&f->record, 1);
	write_plan(f, &second);
	assert_int_equal(count_files(), 1);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	same_plan(&second, &got);
	assert_int_equal(f->record.progress, 1);
}

static void what_a_killed_command_left_is_no_obstacle(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;

	sh("echo half > /run/wgq/new.%s.wg0", f->dir.netns);
	write_plan(f, &wrote);
	assert_int_equal(count_files(), 1);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	sh("rm /run/wgq/*; ln -s /run/elsewhere /run/wgq/new.%s.wg0", f->dir.netns);
	write_plan(f, &wrote);
	sh("test ! -e /run/elsewhere");
}

static void no_room_is_an_error_and_leaves_the_old_record(void **state)
{
	struct fixture *f = *state;
	struct plan small = { .arena = &f->arena, .ifname = "wg0" };
	struct plan large = everything(&f->arena), got;

	rundir_close(&f->dir);
	sh("mount -t tmpfs -o size=64k,mode=700 none /run/wgq");
	assert_int_equal(rundir_open(&f->dir, false, &f->d), 0);
	write_plan(f, &small);
	assert_int_equal(record_write(&f->record, &large, &f->d), -ENOSPC);
	assert_int_equal(count_files(), 1);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
	same_plan(&small, &got);
	record_close(&f->record);
	rundir_close(&f->dir);
	sh("umount /run/wgq");
}

static void removed_is_gone(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;

	write_plan(f, &wrote);
	record_remove(&f->record);
	assert_int_equal(f->record.fd, -1);
	assert_int_equal(count_files(), 0);
	record_set_progress(&f->record, 1); /* no harm */
	record_set_state(&f->record, RECORD_UP);
	record_remove(&f->record);
	assert_int_equal(read_into(&got, f, &f->arena), -ENOENT);
}

/* --- not ours, not whole --- */

static void what_is_not_roots_alone_is_refused(void **state)
{
	static const struct {
		const char *make;
		int err;
	} cases[] = {
		{ "chmod 640 $r", EPERM },
		{ "chmod 604 $r", EPERM },
		{ "chmod 620 $r", EPERM },
		{ "chown 1 $r", EPERM },
		{ "mv $r /run/elsewhere; ln -s /run/elsewhere $r", ELOOP },
		{ "rm $r; mkfifo -m 600 $r", EPERM },
		{ "rm $r; mkdir -m 700 $r", EISDIR },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan wrote = { .arena = &f->arena, .ifname = "wg0" }, got;
		int err;

		write_plan(f, &wrote);
		sh("r=/run/wgq/%s; %s", f->record.name, cases[i].make);
		err = read_into(&got, f, &f->arena);
		if (err != -cases[i].err || !strstr(f->d.text, f->record.name))
			fail_msg("%s: %d, '%s'", cases[i].make, err, f->d.text);
		sh("test -e /run/wgq/%s", f->record.name); /* it stays, to be looked at */
		sh("rm -rf /run/wgq/*");
	}
}

static void one_of_another_boot_or_namespace_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;
	struct rundir here = f->dir;

	write_plan(f, &wrote);
	f->dir.boot[0] ^= 1;
	assert_int_equal(read_into(&got, f, &f->arena), -ENOENT);
	assert_int_equal(count_files(), 0);

	f->dir = here;
	write_plan(f, &wrote);
	sh("mv /run/wgq/%s /run/wgq/record.1.wg0", f->record.name);
	snprintf(f->dir.netns, sizeof(f->dir.netns), "1");
	assert_int_equal(read_into(&got, f, &f->arena), -ENOENT);
	assert_int_equal(count_files(), 0);
}

static void another_namespace_does_not_see_it(void **state)
{
	struct fixture *f = *state;
	struct plan wrote = everything(&f->arena), got;
	int status = -1;
	pid_t pid;

	write_plan(f, &wrote);
	pid = fork();
	if (!pid) {
		struct rundir dir;
		struct record r;
		struct diag d;

		if (unshare(CLONE_NEWNET) || rundir_open(&dir, false, &d))
			_exit(2);
		record_init(&r, &dir, "wg0");
		_exit(record_read(&r, &got, &d) == -ENOENT ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read_into(&got, f, &f->arena), 0);
}

/* Writes n bytes as the record, reads them, and touches everything that came of it. */
static int read_bytes(struct fixture *f, const char *bytes, size_t n)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	char text[512];
	struct plan p;
	int err, fd = openat(f->dir.fd, f->record.name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	err = read_into(&p, f, &a);
	for (size_t i = 0; !err && i < p.n; i++) {
		op_describe(text, sizeof(text), &p, &p.v[i], false);
		op_describe(text, sizeof(text), &p, &p.v[i], true);
	}
	if (!err)
		record_set_progress(&f->record, 1);
	return err;
}

static char *bytes_of_record(struct fixture *f, size_t *n)
{
	struct plan p = everything(&f->arena);
	char *bytes = arena_alloc(&f->arena, HEAD);
	ssize_t got;

	p.n--; /* the long text last: it would only be more of the same */
	write_plan(f, &p);
	got = pread(f->record.fd, bytes, HEAD, 0);
	assert_true(got > 1000 && got < HEAD);
	*n = (size_t)got;
	return bytes;
}

static void a_truncated_record_is_damaged(void **state)
{
	struct fixture *f = *state;
	size_t n;
	char *bytes = bytes_of_record(f, &n);

	for (size_t i = 0; i < n; i++) {
		int err = read_bytes(f, bytes, i);

		if (err != -EBADMSG)
			fail_msg("%zu of %zu bytes: %d", i, n, err);
		assert_non_null(strstr(f->d.text, f->record.name));
	}
	assert_int_equal(read_bytes(f, bytes, n), 0);
}

static void any_changed_byte_is_read_or_refused(void **state)
{
	static const char changes[] = { 1, 4, 0x10, 0x20, (char)0x80 };
	struct fixture *f = *state;
	size_t n, boot, config, outcomes[2] = { 0 };
	char *bytes = bytes_of_record(f, &n), old;

	boot = (size_t)(strstr(bytes, "\nboot ") - bytes);
	config = (size_t)(strstr(bytes, "\ninterface ") - bytes);
	for (size_t i = 0; i < 8 * n; i++) {
		size_t at = i / 8, change = i % 8;
		int err;

		old = bytes[at];
		bytes[at] = change < ARRAY_SIZE(changes) ? (char)(old ^ changes[change])
							 : "\n 0"[change - ARRAY_SIZE(changes)];
		if (change == 7 && old == '0')
			bytes[at] = '\0';
		err = read_bytes(f, bytes, n);
		if (err && err != -EBADMSG && !(err == -ENOENT && at > boot && at <= config))
			fail_msg("byte %zu '%c' to %#x: %d", at, old, bytes[at], err);
		outcomes[err != 0]++;
		bytes[at] = old;
	}
	assert_true(outcomes[0] > 0 && outcomes[1] > 0);
}

static void a_count_beyond_the_line_is_damage(void **state)
{
	static const char *const lines[] = {
		"firewall - 4 1 99999999999999999999",
		"firewall - 4 1 9223372036854775807",
		"firewall - 4 1 2 10.0.0.0/8",
		"dns - 1 0 wg0 \\- 4000000000 0 \\-",
		"dns - 1 0 wg0 \\- -1 0 \\-",
		"dns - 9 0 wg0 \\- 0 0 \\-",
		"sysctl - net/../kernel/core_pattern 1 0",
		"sysctl - kernel/modprobe 1 0",
		"route - 10.0.0.0/33 1 1",
		"route - 10.0.0.0/8 1 1 1",
		"rule - 4 1 1 1 2 -1",
		"rule - 7 1 1 1 1 -1",
		"addr -",
		"addr",
		"link - \\x4",
		"link - \\q",
		"nonsense - 1",
		"",
	};
	struct fixture *f = *state;
	size_t n;
	char *bytes = bytes_of_record(f, &n), *first = strstr(bytes, "\nlink ") + 1;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *text = arena_printf(&f->arena, "%.*s%s\nend\n", (int)(first - bytes),
						bytes, lines[i]);

		if (read_bytes(f, text, strlen(text)) != -EBADMSG)
			fail_msg("'%s' is taken for good", lines[i]);
	}
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, prepare, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(no_record_is_no_error),
		WITH_FOLDER(every_kind_is_read_back),
		WITH_FOLDER(a_plan_without_anything_is_read_back),
		WITH_FOLDER(the_file_is_roots_alone_and_holds_no_key),
		WITH_FOLDER(fields_change_in_place),
		WITH_FOLDER(operations_begun_count_as_done),
		WITH_FOLDER(a_second_list_replaces_the_first_and_keeps_the_mark),
		WITH_FOLDER(what_a_killed_command_left_is_no_obstacle),
		WITH_FOLDER(no_room_is_an_error_and_leaves_the_old_record),
		WITH_FOLDER(removed_is_gone),
		WITH_FOLDER(what_is_not_roots_alone_is_refused),
		WITH_FOLDER(one_of_another_boot_or_namespace_is_dropped),
		WITH_FOLDER(another_namespace_does_not_see_it),
		WITH_FOLDER(a_truncated_record_is_damaged),
		WITH_FOLDER(any_changed_byte_is_read_or_refused),
		WITH_FOLDER(a_count_beyond_the_line_is_damage),
	};

	unsetenv("WGQ_RUN_DIR");
	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
