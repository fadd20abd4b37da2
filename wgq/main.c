/* SPDX-License-Identifier: GPL-2.0-or-later */
/* argv → command table → exit status. */
#include <getopt.h>
#include <sys/prctl.h>

#include "wgq/base/log.h"
#include "wgq/cmd/cmd.h"

struct command {
	const char *name;
	const char *argument; /* NULL: it takes none */
	int (*run)(const struct invocation *in);
	bool dry;    /* takes -n */
	bool strict; /* takes --strict */
	bool quick;  /* wg-quick has it too */
	const char *help;
	const char *example;
};

static const struct command commands[] = {
	{ "up", "IFACE|FILE", cmd_up, true, true, true,
	  "bring the interface up: addresses, routes, DNS, firewall, hooks", "wgq up wg0" },
	{ "down", "IFACE|FILE", cmd_down, true, false, true, "take down what up did",
	  "wgq down wg0" },
	{ "strip", "IFACE|FILE", cmd_strip, false, false, true,
	  "print the file as 'wg setconf' takes it", "wg syncconf wg0 <(wgq strip wg0)" },
	{ "genkey", NULL, cmd_genkey, false, false, false, "print a new private key",
	  "(umask 077; wgq genkey > private.key)" },
	{ "genpsk", NULL, cmd_genpsk, false, false, false, "print a new preshared key",
	  "wgq genpsk" },
	{ "pubkey", NULL, cmd_pubkey, false, false, false,
	  "print the public key of the private key on standard input", "wgq pubkey < private.key" },
};

static void print_usage(FILE *out, const struct invocation *in)
{
	fprintf(out, "Usage: %s [-n] [-q | -v] COMMAND [ARGUMENT]\n\n", in->program);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		if (c->quick || !in->is_wg_quick)
			fprintf(out, "  %-7s %-12s %s\n", c->name, c->argument ? c->argument : "",
				c->help);
	}
	fprintf(out, "\n"
		     "  IFACE stands for /etc/wireguard/IFACE.conf; FILE is a path that ends in "
		     "IFACE.conf.\n"
		     "\n"
		     "  -n, --dry-run   print the plan on standard output, change nothing\n"
		     "      --strict    let every error that 'up' finds in the file stop it\n"
		     "  -q, --quiet     print warnings and errors only\n"
		     "  -v, --verbose   print every step; long runs of like steps fold into one "
		     "line else\n"
		     "      --version   print the version\n"
		     "  -h, --help      print this, or with a command what is to know of it\n"
		     "\n"
		     "See wgq(8) and wgq.conf(5).\n");
}

static void print_command_usage(FILE *out, const struct invocation *in, const struct command *c)
{
	fprintf(out, "Usage: %s%s%s %s%s%s\n\n  %s\n\nExample: %s\n", in->program,
		c->dry ? " [-n] [-q | -v]" : "", c->strict ? " [--strict]" : "", c->name,
		c->argument ? " " : "", c->argument ? c->argument : "", c->help, c->example);
}

static const struct command *find_command(const struct invocation *in, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name) && (commands[i].quick || !in->is_wg_quick))
			return &commands[i];
	return NULL;
}

/* Keys pass through this process: no core file, no ptrace(2) by others of the same user. */
static void protect_memory(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

enum { OPT_VERSION = 256, OPT_STRICT };

struct options {
	enum log_level level;
	bool dry_run, strict, help, version, bad;
};

static struct options read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .level = LOG_NORMAL };
	int c;

	while ((c = getopt_long(argc, argv, "nqvh", longs, NULL)) != -1) {
		o.dry_run |= c == 'n';
		o.strict |= c == OPT_STRICT;
		o.help |= c == 'h';
		o.version |= c == OPT_VERSION;
		o.bad |= c == '?';
		if (c == 'q' || c == 'v')
			o.level = c == 'q' ? LOG_QUIET : LOG_VERBOSE;
	}
	return o;
}

static int complain(const struct invocation *in, const struct command *c, const char *what,
		    const char *word)
{
	log_error("%s%s%s%s", what, word ? " '" : "", word ? word : "", word ? "'" : "");
	if (c)
		print_command_usage(stderr, in, c);
	else
		print_usage(stderr, in);
	return exit_usage(in);
}

static int run_command(struct invocation *in, int nwords, char **words, const struct options *o)
{
	bool help = o->help || (nwords && !strcmp(words[0], "help"));
	FILE *out = in->is_wg_quick ? stderr : stdout;
	const struct command *c;

	if (nwords && !strcmp(words[0], "help")) {
		nwords--;
		words++;
	}
	c = nwords ? find_command(in, words[0]) : NULL;
	if (help && (c || !nwords)) {
		if (c)
			print_command_usage(out, in, c);
		else
			print_usage(out, in);
		return EXIT_DONE;
	}
	if (!nwords)
		return complain(in, NULL, "which command?", NULL);
	if (!c)
		return complain(in, NULL, "there is no command", words[0]);
	if (o->dry_run && !c->dry)
		return complain(in, c, "-n means nothing to", c->name);
	if (o->strict && !c->strict)
		return complain(in, c, "--strict means nothing to", c->name);
	if (c->argument && nwords < 2)
		return complain(in, c, "which interface or file?", NULL);
	if (nwords > (c->argument ? 2 : 1))
		return complain(in, c, "one word too many:", words[c->argument ? 2 : 1]);
	in->argument = c->argument ? words[1] : NULL;
	in->dry_run = o->dry_run;
	in->strict = o->strict;
	return c->run(in);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argc ? argv[0] : "wgq", '/');
	struct invocation in = {
		.program = slash  ? slash + 1
			   : argc ? argv[0]
				  : "wgq",
		.self = argc ? argv[0] : "wgq",
		.argv = argv + (argc > 0),
	};
	struct options o;

	protect_memory();
	in.is_wg_quick = !strcmp(in.program, "wg-quick");
	log_init(in.program, LOG_NORMAL, STDERR_FILENO);
	o = read_options(argc, argv);
	if (o.bad)
		return complain(&in, NULL, "see the options:", NULL);
	if (o.version) {
		puts("wgq " WGQ_VERSION);
		return EXIT_DONE;
	}
	log_init(in.program, o.level, o.dry_run ? STDOUT_FILENO : STDERR_FILENO);
	return run_command(&in, argc - optind, argv + optind, &o);
}
