/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With a firewall-cmd that keeps its zones in files and writes down how it was called. */
#include "hooks/firewalld.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "tests/unit/netns.h"

/* $STATE/ZONE/{target,forward,interfaces}, $STATE/default; answers and statuses are those of
 * firewalld 1.3. */
static const char program[] =
	"#!/bin/bash\n"
	"echo \"$*\" >> $STATE/log\n"
	"fail() { echo \"$2\" >&2; exit $1; }\n"
	"if [ -e $STATE/stopped ]; then fail 252 'FirewallD is not running'; fi\n"
	"info() {\n"
	"  [ -d $STATE/$1 ] || fail 112 \"Error: INVALID_ZONE: $1\"\n"
	"  echo \"$1 (active)\"\n"
	"  echo \"  target: $(< $STATE/$1/target)\"\n"
	"  echo '  icmp-block-inversion: no'\n"
	"  echo \"  interfaces: $(< $STATE/$1/interfaces)\"\n"
	"  echo '  services: dhcpv6-client ssh'\n"
	"  echo \"  forward: $(< $STATE/$1/forward)\"\n"
	"  printf '  %s: \\n' forward-ports source-ports\n"
	"}\n"
	"where() { grep -lsw -- \"$1\" $STATE/*/interfaces | sed 's|.*/\\(.*\\)/.*|\\1|'; }\n"
	"zone=${1#--zone=} name=${2#*=}\n"
	"case \"$*\" in\n"
	"--list-all) if grep -qs . $STATE/[!p]*/interfaces; then\n"
	"    echo \"You're performing an operation over default zone ('public'),\"\n"
	"    echo \"but your connections/interfaces are in zone 'other' (see "
	"--get-active-zones)\"\n"
	"    printf 'You most likely need to use --zone=other option.\\n\\n'\n"
	"  fi; info $(< $STATE/default) ;;\n"
	"--info-zone=*) info \"${1#*=}\" ;;\n"
	"--get-active-zones) for f in $STATE/*/interfaces; do\n"
	"    [ -s $f ] || continue; f=${f%/*}; printf '%s\\n  interfaces: %s\\n' "
	"${f##*/} \"$(< $f/interfaces)\"\n"
	"  done ;;\n"
	"*--change-interface=*)\n"
	"  [ -d $STATE/$zone ] || fail 112 \"Error: INVALID_ZONE: $zone\"\n"
	"  for w in $(where $name); do sed -i \"s/$name//\" $STATE/$w/interfaces; done\n"
	"  echo $name > $STATE/$zone/interfaces; echo success ;;\n"
	"*--remove-interface=*)\n"
	"  [ \"$(where $name)\" ] || fail 17 \"Error: UNKNOWN_INTERFACE: '$name'\"\n"
	"  [ \"$(where $name)\" = $zone ] || fail 18 \"Error: ZONE_CONFLICT: $name\"\n"
	"  : > $STATE/$zone/interfaces; echo success ;;\n"
	"*) fail 2 \"usage: $*\" ;;\n"
	"esac\n";

static char folder[] = "/tmp/wgq-firewalld-XXXXXX";
static struct arena arena;

static void zone(const char *name, const char *target, const char *forward, const char *interfaces)
{
	sh("mkdir -p $STATE/%s && cd $STATE/%s && echo %s > target && echo %s > forward && "
	   "printf %%s '%s' > interfaces",
	   name, name, target, forward, interfaces);
}

static void install(const char *script)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/firewall-cmd", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	close(fd);
}

/* What Debian ships. */
static int debian(void **state)
{
	(void)state;
	sh("rm -rf $STATE/*; echo public > $STATE/default");
	install(program);
	zone("public", "default", "yes", "eth0");
	zone("trusted", "ACCEPT", "yes", "");
	zone("drop", "DROP", "yes", "");
	zone("home", "default", "yes", "");
	return 0;
}

static int clean(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int make_folder(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
	return setenv("PATH", path, 1) || setenv("STATE", folder, 1);
}

static int remove_folder(void **state)
{
	(void)state;
	sh("rm -r $STATE");
	return 0;
}

static const char *file(const char *name)
{
	static char text[4096];
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "cat $STATE/%s 2> /dev/null || :", name);
	return sh_output(text, sizeof(text), command);
}

static const char *logged(void)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s", file("log"));
	sh("rm -f $STATE/log");
	return text;
}

static struct firewalld choose(enum forward_mode forward, enum firewalld_input input)
{
	struct firewalld f;
	struct diag d;

	assert_int_equal(firewalld_choose(&f, &arena, "wg0", forward, input, &d), 0);
	return f;
}

/* --- choosing --- */

static void test_the_zone_gives_what_is_declared_and_no_more(void **state)
{
	static const struct {
		enum forward_mode forward;
		enum firewalld_input input;
		enum firewalld_answer answer;
		const char *zone;
	} cases[] = {
		{ FORWARD_MESH, FIREWALLD_INPUT_NONE, FIREWALLD_ZONE, "public" },
		{ FORWARD_MESH, FIREWALLD_INPUT_SOME, FIREWALLD_ZONE, "public" },
		{ FORWARD_MESH, FIREWALLD_INPUT_ALL, FIREWALLD_ZONE, "trusted" },
		{ FORWARD_YES, FIREWALLD_INPUT_ALL, FIREWALLD_ZONE, "trusted" },
		{ FORWARD_YES, FIREWALLD_INPUT_NONE, FIREWALLD_NO_ZONE, "" },
		{ FORWARD_YES, FIREWALLD_INPUT_SOME, FIREWALLD_NO_ZONE, "" },
		{ FORWARD_NO, FIREWALLD_INPUT_SOME, FIREWALLD_NO_ZONE, "" },
		{ FORWARD_NO, FIREWALLD_INPUT_ALL, FIREWALLD_NO_ZONE, "" },
		{ FORWARD_NO, FIREWALLD_INPUT_NONE, FIREWALLD_GIVEN, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct firewalld f = choose(cases[i].forward, cases[i].input);

		assert_int_equal(f.answer, cases[i].answer);
		assert_string_equal(f.zone, cases[i].zone);
		assert_string_equal(f.previous, "");
		assert_string_equal(f.ifname, "wg0");
	}
	logged();
	choose(FORWARD_MESH, FIREWALLD_INPUT_NONE);
	assert_string_equal(logged(), "--list-all\n--get-active-zones\n");
	(void)state;
}

/* Where wg0 is before, and what comes of it. */
static void test_a_zone_that_was_chosen_stays(void **state)
{
	static const struct {
		const char *zone, *target, *forward, *interfaces; /* one zone as it differs */
		enum forward_mode wanted;
		enum firewalld_input input;
		enum firewalld_answer answer;
		const char *to, *previous;
	} cases[] = {
		/* the default zone is no choice */
		{ "public", "default", "yes", "eth0 wg0", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_GIVEN, "", "public" },
		{ "public", "default", "yes", "wg0", FORWARD_MESH, FIREWALLD_INPUT_SOME,
		  FIREWALLD_NO_ZONE, "", "public" },
		{ "public", "default", "yes", "wg0 eth0", FORWARD_YES, FIREWALLD_INPUT_ALL,
		  FIREWALLD_ZONE, "trusted", "public" },
		{ "public", "default", "no", "wg0 eth0", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_NO_ZONE, "", "public" },
		{ "public", "default", "no", "eth0", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_NO_ZONE, "", "" },
		{ "public", "ACCEPT", "no", "eth0", FORWARD_YES, FIREWALLD_INPUT_ALL,
		  FIREWALLD_GIVEN, "", "" },
		/* another one is */
		{ "home", "default", "yes", "wg0", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_GIVEN, "", "home" },
		{ "home", "default", "yes", "wg0", FORWARD_MESH, FIREWALLD_INPUT_ALL,
		  FIREWALLD_NO_ZONE, "", "home" },
		{ "home", "default", "no", "eth1 wg0", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_NO_ZONE, "", "home" },
		{ "trusted", "ACCEPT", "yes", "wg0", FORWARD_YES, FIREWALLD_INPUT_NONE,
		  FIREWALLD_GIVEN, "", "trusted" },
		{ "trusted", "ACCEPT", "yes", "eth1 wg+", FORWARD_YES, FIREWALLD_INPUT_ALL,
		  FIREWALLD_GIVEN, "", "trusted" },
		{ "drop", "DROP", "no", "wg+", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_NO_ZONE, "", "drop" },
		/* names that only begin alike */
		{ "drop", "DROP", "yes", "wg wg01 wg1+", FORWARD_MESH, FIREWALLD_INPUT_NONE,
		  FIREWALLD_ZONE, "public", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct firewalld f;

		debian(NULL);
		zone(cases[i].zone, cases[i].target, cases[i].forward, cases[i].interfaces);
		f = choose(cases[i].wanted, cases[i].input);
		assert_int_equal(f.answer, cases[i].answer);
		assert_string_equal(f.zone, cases[i].to);
		assert_string_equal(f.previous, cases[i].previous);
	}
	(void)state;
}

static void test_without_firewalld_there_is_nothing_to_do(void **state)
{
	struct firewalld f;

	sh(": > $STATE/stopped");
	assert_int_equal(choose(FORWARD_MESH, FIREWALLD_INPUT_NONE).answer, FIREWALLD_ABSENT);
	sh("rm $STATE/firewall-cmd");
	f = choose(FORWARD_MESH, FIREWALLD_INPUT_NONE);
	assert_int_equal(f.answer, FIREWALLD_ABSENT);
	assert_string_equal(f.zone, "");
	(void)state;
}

static void test_answers_that_make_no_sense_are_errors(void **state)
{
	struct firewalld f;
	struct diag d;

	install("#!/bin/sh\necho \"Error: INTERNAL: x\" >&2; echo more; exit 254");
	assert_int_equal(
		firewalld_choose(&f, &arena, "wg0", FORWARD_MESH, FIREWALLD_INPUT_NONE, &d), -EIO);
	assert_string_equal(d.text, "firewall-cmd --list-all: Error: INTERNAL: x");
	install("#!/bin/sh\n");
	assert_int_equal(
		firewalld_choose(&f, &arena, "wg0", FORWARD_MESH, FIREWALLD_INPUT_NONE, &d),
		-EPROTO);
	assert_string_equal(d.text, "firewall-cmd --list-all: no zone in its answer");
	(void)state;
}

static void test_newer_answers_mark_the_default_zone(void **state)
{
	struct firewalld f;

	install("#!/bin/sh\necho \"home (default, active)\"; echo \"  target: default\"; "
		"echo \"  ingress-priority: 0\"; echo \"  interfaces: wg0\"; "
		"echo \"  forward: yes\"");
	f = choose(FORWARD_MESH, FIREWALLD_INPUT_NONE);
	assert_int_equal(f.answer, FIREWALLD_GIVEN);
	assert_string_equal(f.previous, "home");
	(void)state;
}

/* --- adding and removing --- */

static const char *describe(const struct firewalld *f, bool add)
{
	static char text[256];

	firewalld_describe(text, sizeof(text), f, add);
	return text;
}

static void test_an_interface_of_no_zone_is_in_none_again(void **state)
{
	struct firewalld f = choose(FORWARD_MESH, FIREWALLD_INPUT_ALL);
	struct diag d;

	logged();
	assert_int_equal(firewalld_add(&f, &d), 0);
	assert_string_equal(file("trusted/interfaces"), "wg0\n");
	assert_int_equal(firewalld_remove(&f, &d), 0);
	assert_string_equal(file("trusted/interfaces"), "");
	assert_string_equal(logged(), "--zone=trusted --change-interface=wg0\n"
				      "--zone=trusted --remove-interface=wg0\n");
	assert_string_equal(describe(&f, true),
			    "firewall-cmd --zone=trusted --change-interface=wg0");
	assert_string_equal(describe(&f, false),
			    "firewall-cmd --zone=trusted --remove-interface=wg0");
	(void)state;
}

static void test_an_interface_comes_back_into_the_zone_it_was_in(void **state)
{
	struct firewalld f;
	struct diag d;

	zone("public", "default", "yes", "wg0");
	f = choose(FORWARD_YES, FIREWALLD_INPUT_ALL);
	assert_int_equal(firewalld_add(&f, &d), 0);
	assert_string_equal(file("trusted/interfaces"), "wg0\n");
	assert_int_equal(firewalld_remove(&f, &d), 0);
	assert_string_equal(file("trusted/interfaces"), "");
	assert_string_equal(file("public/interfaces"), "wg0\n");
	assert_string_equal(describe(&f, false),
			    "firewall-cmd --zone=trusted --remove-interface=wg0\n"
			    "firewall-cmd --zone=public --change-interface=wg0");
	(void)state;
}

static void test_what_firewalld_has_forgotten_is_removed(void **state)
{
	static const char *const events[] = {
		": > $STATE/trusted/interfaces", /* a reload */
		": > $STATE/stopped",
		"rm $STATE/firewall-cmd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct firewalld f;
		struct diag d;

		debian(NULL);
		zone("public", "default", "yes", i ? "" : "wg0");
		f = choose(FORWARD_YES, FIREWALLD_INPUT_ALL);
		assert_int_equal(firewalld_add(&f, &d), 0);
		sh("%s", events[i]);
		assert_int_equal(firewalld_remove(&f, &d), 0);
		assert_string_equal(file("public/interfaces"), "");
	}
	(void)state;
}

static void test_an_interface_that_somebody_moved_stays_there(void **state)
{
	struct firewalld f = choose(FORWARD_MESH, FIREWALLD_INPUT_ALL);
	struct diag d;

	assert_int_equal(firewalld_add(&f, &d), 0);
	zone("trusted", "ACCEPT", "yes", "");
	zone("home", "default", "yes", "wg0");
	assert_int_equal(firewalld_remove(&f, &d), -ESTALE);
	assert_string_equal(d.text, "somebody else has put wg0 into another zone of firewalld "
				    "since: it stays there");
	assert_string_equal(file("home/interfaces"), "wg0");
	(void)state;
}

static void test_a_refusal_says_why(void **state)
{
	struct firewalld f = choose(FORWARD_MESH, FIREWALLD_INPUT_ALL);
	struct diag d;

	sh("rm -r $STATE/trusted");
	assert_int_equal(firewalld_add(&f, &d), -EIO);
	assert_string_equal(d.text, "firewall-cmd --zone=trusted --change-interface=wg0: "
				    "Error: INVALID_ZONE: trusted");
	sh(": > $STATE/stopped");
	assert_int_equal(firewalld_add(&f, &d), -EIO);
	assert_string_equal(d.text, "firewall-cmd --zone=trusted --change-interface=wg0: "
				    "FirewallD is not running");
	(void)state;
}

#define HOST_TEST(test) cmocka_unit_test_setup_teardown(test, debian, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(test_the_zone_gives_what_is_declared_and_no_more),
		HOST_TEST(test_a_zone_that_was_chosen_stays),
		HOST_TEST(test_without_firewalld_there_is_nothing_to_do),
		HOST_TEST(test_answers_that_make_no_sense_are_errors),
		HOST_TEST(test_newer_answers_mark_the_default_zone),
		HOST_TEST(test_an_interface_of_no_zone_is_in_none_again),
		HOST_TEST(test_an_interface_comes_back_into_the_zone_it_was_in),
		HOST_TEST(test_what_firewalld_has_forgotten_is_removed),
		HOST_TEST(test_an_interface_that_somebody_moved_stays_there),
		HOST_TEST(test_a_refusal_says_why),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
