/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With a /etc and a /run of its own, and programs that only write down how they were called. */
#include "hooks/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "hooks/resolv_file.h"
#include "tests/unit/netns.h"

static struct arena arena;

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, mode);
	close(fd);
}

/* The text of a file; "" if there is none. */
static const char *read_file(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/* A program that logs its name and arguments, and its input if it is to add something. */
static void install(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/run/bin/%s", name);
	write_file(path,
		   "#!/bin/sh\n"
		   "{ printf %s \"${0##*/}\"; printf ' [%s]' \"$@\"; echo; "
		   "if [ \"$1\" = -a ]; then /bin/cat; fi; } >> /run/log\n"
		   "case \" $* \" in *\" $(/bin/cat /run/fails) \"*) exit 3;; esac\n",
		   0755);
}

/* What has been logged since last asked. */
static const char *logged(void)
{
	const char *text = read_file("/run/log");

	unlink("/run/log");
	return text;
}

/* What an administrator does, with the machine's programs. */
static void paste(const char *command)
{
	sh("PATH=/usr/bin:/bin; %s", command);
}

static void run_resolved(bool running)
{
	struct sockaddr_un addr = { AF_UNIX, "/run/systemd/resolve/io.systemd.Resolve" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/resolve", 0755);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	if (running) /* stays open: the namespace goes with the test */
		assert_int_equal(listen(fd, 1), 0);
	else
		close(fd);
}

static int isolate(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || setenv("PATH", "/run/bin", 1);
}

/* A host without any resolver. */
static int bare_host(void **state)
{
	(void)state;
	if (mount("none", "/etc", "tmpfs", 0, NULL) || mount("none", "/run", "tmpfs", 0, NULL))
		return -1;
	mkdir("/run/bin", 0755);
	write_file("/run/fails", "nothing", 0644);
	return 0;
}

static int leave_host(void **state)
{
	(void)state;
	arena_fini(&arena);
	return umount2("/etc", MNT_DETACH) || umount2("/run", MNT_DETACH);
}

static const char *const servers[] = { "10.0.0.1", "fd00::53" };
static const char *const searches[] = { "corp.example", "lan" };

static struct dns *dns(size_t nservers, size_t nsearches)
{
	struct dns *new = arena_alloc(&arena, sizeof(*new));

	*new = (struct dns){ .servers = (const char **)servers,
			     .nservers = nservers,
			     .searches = (const char **)searches,
			     .nsearches = nsearches };
	return new;
}

static struct resolver choose(const char *ifname, size_t nservers, size_t nsearches)
{
	struct resolver r;
	struct diag d;

	assert_int_equal(resolver_choose(&r, &arena, ifname, dns(nservers, nsearches), false, &d),
			 0);
	return r;
}

/* As a record gives it back. */
static struct resolver recorded(const struct resolver *r)
{
	struct resolver again = { .kind = r->kind,
				  .default_route = r->default_route,
				  .program = r->program,
				  .name = r->name,
				  .dns = r->dns,
				  .previous = r->previous };

	resolver_restore(&again, &arena);
	return again;
}

static const char *describe(const struct resolver *r, bool set)
{
	static char text[512];

	resolver_describe(text, sizeof(text), r, set);
	return text;
}

/* --- resolvconf --- */

static void test_resolvconf_is_called_as_wg_quick_calls_it(void **state)
{
	struct resolver r;
	struct diag d;

	install("resolvconf");
	install("resolvectl");
	run_resolved(true);
	r = choose("wg0", 2, 2);
	assert_int_equal(r.kind, RESOLVER_RESOLVCONF);
	assert_string_equal(r.program, "/run/bin/resolvconf");
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_string_equal(logged(), "resolvconf [-a] [wg0] [-m] [0] [-x]\n"
				      "nameserver 10.0.0.1\nnameserver fd00::53\n"
				      "search corp.example lan\n");
	assert_string_equal(describe(&r, true), "resolvconf -a wg0 -m 0 -x");
	r = recorded(&r);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(logged(), "resolvconf [-d] [wg0] [-f]\n");
	assert_string_equal(describe(&r, false), "resolvconf -d wg0 -f");
	r = choose("wg0", 1, 0);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_string_equal(logged(), "resolvconf [-a] [wg0] [-m] [0] [-x]\nnameserver 10.0.0.1\n");
	(void)state;
}

static void test_the_prefix_is_that_of_the_first_starred_name(void **state)
{
	static const struct {
		const char *order, *name;
	} cases[] = {
		{ "# comment\nlo.inet6\nlo.@(dhclient|pump)\ntun*\ntap*\n", "tun.wg0" },
		{ "  my-tun9*\t\n", "my-tun9.wg0" },
		{ "*\ntun* x\ntun**\n@(br)*([^.]).inet6\n", "wg0" },
		{ "tun*", "wg0" }, /* not a whole line to bash's read */
		{ "", "wg0" },
	};
	struct resolver r;

	install("resolvconf");
	mkdir("/etc/resolvconf", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file("/etc/resolvconf/interface-order", cases[i].order, 0644);
		assert_string_equal(choose("wg0", 1, 0).name, cases[i].name);
	}
	write_file("/etc/resolvconf/interface-order", cases[0].order, 0644);
	r = choose("wg0", 1, 0);
	unlink("/etc/resolvconf/interface-order");
	r = recorded(&r); /* undone by the name that was set */
	assert_string_equal(r.unset[0][2], "tun.wg0");
	mkdir("/etc/resolvconf/interface-order", 0755);
	assert_string_equal(choose("wg0", 1, 0).name, "wg0");
	(void)state;
}

static void test_a_resolvconf_that_is_a_link_gets_no_prefix(void **state)
{
	install("openresolv");
	assert_int_equal(symlink("openresolv", "/run/bin/resolvconf"), 0);
	mkdir("/etc/resolvconf", 0755);
	write_file("/etc/resolvconf/interface-order", "tun*\n", 0644);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_RESOLVCONF);
	assert_string_equal(choose("wg0", 1, 0).name, "wg0");
	(void)state;
}

static void test_a_failing_resolvconf_is_an_error_and_not_undone(void **state)
{
	struct diag d = { "" };
	struct resolver r;

	install("resolvconf");
	write_file("/run/fails", "-a", 0644);
	r = choose("wg0", 1, 0);
	assert_int_equal(resolver_set(&r, &d), -EIO);
	assert_string_equal(d.text, "resolvconf -a wg0 -m 0 -x exited with status 3");
	assert_null(strstr(logged(), "-d"));
	unlink("/run/bin/resolvconf");
	assert_int_equal(resolver_unset(&r, &d), -ENOENT);
	assert_non_null(strstr(d.text, "/run/bin/resolvconf"));
	(void)state;
}

/* --- systemd-resolved --- */

static void test_resolved_takes_every_name_to_the_tunnel(void **state)
{
	struct resolver r;
	struct diag d;

	install("resolvectl");
	assert_int_equal(symlink("resolvectl", "/run/bin/resolvconf"), 0);
	run_resolved(true);
	r = choose("lo", 2, 2); /* an interface that exists */
	assert_int_equal(r.kind, RESOLVER_RESOLVED);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_string_equal(logged(), "resolvectl [dns] [lo] [10.0.0.1] [fd00::53]\n"
				      "resolvectl [domain] [lo] [corp.example] [lan] [~.]\n");
	assert_string_equal(describe(&r, true), "resolvectl dns lo 10.0.0.1 fd00::53\n"
						"resolvectl domain lo corp.example lan '~.'");
	r = recorded(&r);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(logged(), "resolvectl [revert] [lo]\n");
	assert_string_equal(describe(&r, false), "resolvectl revert lo");
	(void)state;
}

static void test_resolved_forgets_a_link_that_is_gone_by_itself(void **state)
{
	struct resolver r;
	struct diag d;

	install("resolvectl");
	run_resolved(true);
	r = choose("gone0", 1, 0);
	assert_int_equal(r.kind, RESOLVER_RESOLVED);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(logged(), "");
	(void)state;
}

static void test_half_set_is_reverted(void **state)
{
	struct diag d = { "" };
	struct resolver r;

	install("resolvectl");
	run_resolved(true);
	r = choose("lo", 1, 0);
	write_file("/run/fails", "domain", 0644);
	assert_int_equal(resolver_set(&r, &d), -EIO);
	assert_string_equal(d.text, "resolvectl domain lo '~.' exited with status 3");
	assert_string_equal(logged(), "resolvectl [dns] [lo] [10.0.0.1]\n"
				      "resolvectl [domain] [lo] [~.]\n"
				      "resolvectl [revert] [lo]\n");
	write_file("/run/fails", "dns", 0644);
	assert_int_equal(resolver_set(&r, &d), -EIO);
	assert_string_equal(logged(), "resolvectl [dns] [lo] [10.0.0.1]\n");
	(void)state;
}

static void test_resolved_must_run(void **state)
{
	install("resolvectl");
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/resolve", 0755);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_RESOLVED); /* before 246 */
	run_resolved(false);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	unlink("/run/systemd/resolve/io.systemd.Resolve");
	run_resolved(true);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_RESOLVED);
	unlink("/run/bin/resolvectl");
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	(void)state;
}

/* --- /etc/resolv.conf --- */

static void test_the_file_is_written_in_place_and_put_back_byte_for_byte(void **state)
{
	static const char *const texts[] = {
		"nameserver 192.168.1.1\n",
		"nameserver 192.168.1.1", /* no final newline */
		"",
		"\n\n",
		"; old\r\nsearch lan\r\nnameserver ::1\r\n",
		"# wgq is only named here\n#wgq# and here\nnameserver 1.1.1.1\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct stat before, after;
		struct resolver r;
		struct diag d;

		write_file(RESOLV_FILE, texts[i], 0640);
		stat(RESOLV_FILE, &before);
		r = choose("wg0", 2, 2);
		assert_int_equal(r.kind, RESOLVER_FILE);
		assert_int_equal(resolver_set(&r, &d), 0);
		assert_memory_equal(read_file(RESOLV_FILE), "# wgq wg0:", 10);
		assert_non_null(strstr(read_file(RESOLV_FILE),
				       "\nnameserver 10.0.0.1\nnameserver fd00::53\n"
				       "search corp.example lan\n"));
		if (i % 2)
			r = recorded(&r);
		assert_int_equal(resolver_unset(&r, &d), 0);
		assert_string_equal(read_file(RESOLV_FILE), texts[i]);
		stat(RESOLV_FILE, &after);
		assert_int_equal(before.st_ino, after.st_ino);
		assert_int_equal(before.st_mode, after.st_mode);
	}
	(void)state;
}

static void test_only_the_tunnels_lines_count_while_it_is_up(void **state)
{
	struct resolver r;
	struct diag d;

	write_file(RESOLV_FILE, "nameserver 192.168.1.1\nsearch home\n", 0644);
	r = choose("wg0", 1, 0);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_string_equal(
		read_file(RESOLV_FILE),
		"# wgq wg0: \"wgq down wg0\" takes these lines out and makes the comments "
		"below lines again.\n"
		"nameserver 10.0.0.1\n"
		"#wgq# nameserver 192.168.1.1\n"
		"#wgq# search home\n");
	(void)state;
}

static void test_the_described_commands_work_when_pasted(void **state)
{
	struct resolver r;
	struct diag d;

	write_file(RESOLV_FILE, "nameserver 192.168.1.1\nsearch home\n", 0644);
	r = choose("wg0", 1, 0);
	assert_string_equal(describe(&r, true),
			    "printf '%s\\n' 'nameserver 10.0.0.1' > /etc/resolv.conf");
	assert_int_equal(resolver_set(&r, &d), 0);
	paste(describe(&r, false));
	assert_string_equal(read_file(RESOLV_FILE), "nameserver 192.168.1.1\nsearch home\n");
	r = choose("wg0", 2, 2);
	paste(describe(&r, true));
	assert_string_equal(read_file(RESOLV_FILE), "nameserver 10.0.0.1\nnameserver fd00::53\n"
						    "search corp.example lan\n");
	(void)state;
}

static void test_a_bind_mounted_file_is_written_too(void **state)
{
	struct resolver r;
	struct diag d;

	write_file("/run/theirs", "nameserver 172.17.0.1\n", 0644);
	write_file(RESOLV_FILE, "", 0644);
	assert_int_equal(mount("/run/theirs", RESOLV_FILE, NULL, MS_BIND, NULL), 0);
	r = choose("wg0", 1, 0);
	assert_int_equal(r.kind, RESOLVER_FILE);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_non_null(strstr(read_file("/run/theirs"), "\nnameserver 10.0.0.1\n"));
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(read_file("/run/theirs"), "nameserver 172.17.0.1\n");
	(void)state;
}

static void test_a_file_that_cannot_be_written_is_no_resolver(void **state)
{
	int fd;

	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE); /* there is none */
	assert_int_equal(symlink("/run/nowhere", RESOLV_FILE), 0);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	assert_int_not_equal(access("/run/nowhere", F_OK), 0);
	unlink(RESOLV_FILE);
	mkdir(RESOLV_FILE, 0755);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	rmdir(RESOLV_FILE);
	mkfifo(RESOLV_FILE, 0600);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	unlink(RESOLV_FILE);
	write_file(RESOLV_FILE, "nameserver ", 0644);
	fd = open(RESOLV_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "\0\n", 2), 2); /* could not be put back from a record */
	close(fd);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	write_file(RESOLV_FILE, "nameserver 1.1.1.1\n", 0644);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_FILE);
	assert_int_equal(mount(RESOLV_FILE, RESOLV_FILE, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, RESOLV_FILE, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(choose("wg0", 1, 0).kind, RESOLVER_NONE);
	(void)state;
}

static void test_what_somebody_else_has_changed_stays(void **state)
{
	static const char *const changes[] = {
		"echo nameserver 9.9.9.9 > /etc/resolv.conf",
		"echo nameserver 9.9.9.9 >> /etc/resolv.conf",
		"sed -i 's/10.0.0.1/10.0.0.2/' /etc/resolv.conf",
		"sed -i 2d /etc/resolv.conf",
		": > /etc/resolv.conf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes) * 2; i++) {
		struct diag d = { "" };
		struct resolver r;
		char changed[512];

		write_file(RESOLV_FILE, "nameserver 192.168.1.1\n", 0644);
		r = choose("wg0", 1, 0);
		assert_int_equal(resolver_set(&r, &d), 0);
		paste(changes[i / 2]);
		stpcpy(changed, read_file(RESOLV_FILE));
		if (i % 2)
			r = recorded(&r);
		assert_int_equal(resolver_unset(&r, &d), -ESTALE);
		assert_string_equal(d.text, "/etc/resolv.conf has been changed by somebody else "
					    "since: it stays as it is");
		assert_string_equal(read_file(RESOLV_FILE), changed);
	}
	(void)state;
}

static void test_two_tunnels_go_in_either_order(void **state)
{
	static const char text[] = "nameserver 192.168.1.1\nsearch home";

	for (int second_first = 0; second_first < 2; second_first++) {
		struct resolver r[2], *first, *then;
		char alone[2][512];
		struct diag d;

		write_file(RESOLV_FILE, text, 0644);
		for (int i = 0; i < 2; i++) { /* what each leaves when it is the only one */
			r[i] = choose(i ? "wg1" : "wg0", 1, (size_t)i);
			assert_int_equal(resolver_set(&r[i], &d), 0);
			stpcpy(alone[i], read_file(RESOLV_FILE));
			assert_int_equal(resolver_unset(&r[i], &d), 0);
		}
		for (int i = 0; i < 2; i++) {
			r[i] = choose(i ? "wg1" : "wg0", 1, (size_t)i);
			assert_int_equal(resolver_set(&r[i], &d), 0);
		}
		first = &r[second_first];
		then = &r[!second_first];
		*first = recorded(first);
		assert_int_equal(resolver_unset(first, &d), 0);
		assert_string_equal(read_file(RESOLV_FILE), alone[!second_first]);
		*then = recorded(then);
		assert_int_equal(resolver_unset(then, &d), 0);
		assert_string_equal(read_file(RESOLV_FILE), text);
	}
	(void)state;
}

static void test_undoing_what_was_never_done_is_no_error(void **state)
{
	struct resolver r;
	struct diag d;

	write_file(RESOLV_FILE, "nameserver 192.168.1.1\n", 0644);
	r = choose("wg0", 1, 0);
	r = recorded(&r);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(read_file(RESOLV_FILE), "nameserver 192.168.1.1\n");
	(void)state;
}

static void test_lines_left_by_a_power_cut_are_not_taken_for_the_hosts(void **state)
{
	struct resolver r;
	struct diag d;

	write_file(RESOLV_FILE, "nameserver 192.168.1.1\n", 0644);
	r = choose("wg0", 1, 0);
	assert_int_equal(resolver_set(&r, &d), 0);
	r = choose("wg0", 2, 1); /* of the next boot, with another file */
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_null(strstr(read_file(RESOLV_FILE), "#wgq# nameserver 10."));
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(read_file(RESOLV_FILE), "nameserver 192.168.1.1\n");
	(void)state;
}

/* --- forgetting --- */

static void test_forgetting_needs_no_record(void **state)
{
	struct resolver r;
	struct diag d;

	assert_int_equal(resolver_forget(&r, &arena, "lo", &d), 0);
	assert_int_equal(r.kind, RESOLVER_NONE);
	write_file(RESOLV_FILE, "nameserver 192.168.1.1\n", 0644);
	assert_int_equal(resolver_forget(&r, &arena, "lo", &d), 0);
	assert_int_equal(r.kind, RESOLVER_NONE);

	r = choose("lo", 1, 0);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_int_equal(resolver_forget(&r, &arena, "lo", &d), 0);
	assert_int_equal(r.kind, RESOLVER_FILE);
	r = recorded(&r);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(read_file(RESOLV_FILE), "nameserver 192.168.1.1\n");

	install("resolvectl");
	run_resolved(true);
	assert_int_equal(resolver_forget(&r, &arena, "lo", &d), 0);
	r = recorded(&r);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(logged(), "resolvectl [revert] [lo]\n");

	install("resolvconf");
	assert_int_equal(resolver_forget(&r, &arena, "lo", &d), 0);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(logged(), "resolvconf [-d] [lo] [-f]\n");
	(void)state;
}

static void test_nothing_to_set_by_is_nothing_done(void **state)
{
	struct resolver r = choose("wg0", 1, 1);
	struct diag d;

	assert_int_equal(r.kind, RESOLVER_NONE);
	assert_int_equal(resolver_set(&r, &d), 0);
	assert_int_equal(resolver_unset(&r, &d), 0);
	assert_string_equal(describe(&r, true), "");
	(void)state;
}

#define HOST_TEST(test) cmocka_unit_test_setup_teardown(test, bare_host, leave_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(test_resolvconf_is_called_as_wg_quick_calls_it),
		HOST_TEST(test_the_prefix_is_that_of_the_first_starred_name),
		HOST_TEST(test_a_resolvconf_that_is_a_link_gets_no_prefix),
		HOST_TEST(test_a_failing_resolvconf_is_an_error_and_not_undone),
		HOST_TEST(test_resolved_takes_every_name_to_the_tunnel),
		HOST_TEST(test_resolved_forgets_a_link_that_is_gone_by_itself),
		HOST_TEST(test_half_set_is_reverted),
		HOST_TEST(test_resolved_must_run),
		HOST_TEST(test_the_file_is_written_in_place_and_put_back_byte_for_byte),
		HOST_TEST(test_only_the_tunnels_lines_count_while_it_is_up),
		HOST_TEST(test_the_described_commands_work_when_pasted),
		HOST_TEST(test_a_bind_mounted_file_is_written_too),
		HOST_TEST(test_a_file_that_cannot_be_written_is_no_resolver),
		HOST_TEST(test_what_somebody_else_has_changed_stays),
		HOST_TEST(test_two_tunnels_go_in_either_order),
		HOST_TEST(test_undoing_what_was_never_done_is_no_error),
		HOST_TEST(test_lines_left_by_a_power_cut_are_not_taken_for_the_hosts),
		HOST_TEST(test_forgetting_needs_no_record),
		HOST_TEST(test_nothing_to_set_by_is_nothing_done),
	};

	return cmocka_run_group_tests(tests, isolate, NULL);
}
