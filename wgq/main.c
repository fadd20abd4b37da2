/* SPDX-License-Identifier: GPL-2.0-or-later */
/* argv → command table → exit status. */
#include <getopt.h>
#include <sys/prctl.h>

#include "wgq/base/log.h"
#include "wgq/cmd/cmd.h"

/* What an option is, for those that mean something to some commands only. */
enum {
	TAKES_DRY_RUN = 1 << 0,
	TAKES_STRICT = 1 << 1,
	TAKES_JSON = 1 << 2,
	TAKES_MATRIX = 1 << 3,
	TAKES_FORMAT = 1 << 4,
	TAKES_EXPECT = 1 << 5,
};

struct command {
	const char *name;
	const char *argument; /* NULL: it takes none */
	int (*run)(const struct invocation *in);
	size_t least, most; /* words that it takes */
	unsigned takes;
	bool quick; /* wg-quick has it too */
	const char *help;
	const char *example;
};

static const struct command commands[] = {
	{ "up", "IFACE|FILE", cmd_up, 1, 1, TAKES_DRY_RUN | TAKES_STRICT, true,
	  "bring the interface up: addresses, routes, DNS, firewall, hooks", "wgq up wg0" },
	{ "down", "IFACE|FILE", cmd_down, 1, 1, TAKES_DRY_RUN, true, "take down what up did",
	  "wgq down wg0" },
	{ "strip", "IFACE|FILE", cmd_strip, 1, 1, 0, true,
	  "print the file as 'wg setconf' takes it", "wg syncconf wg0 <(wgq strip wg0)" },
	{ "check", "[FILE|DIR|IFACE...]", cmd_check, 0, SIZE_MAX,
	  TAKES_JSON | TAKES_MATRIX | TAKES_EXPECT, false,
	  "find faults: in a file, across a mesh of files, on this host", "wgq check mesh/" },
	{ "trace", "FILE|DIR... FROM TO", cmd_trace, 3, SIZE_MAX, TAKES_JSON, false,
	  "the way of a packet through the mesh, and back", "wgq trace mesh/ A 10.0.0.3" },
	{ "map", "FILE|DIR...", cmd_map, 1, SIZE_MAX, TAKES_JSON | TAKES_FORMAT, false,
	  "a picture of the mesh", "wgq map --format dot mesh/ | dot -T svg > mesh.svg" },
	{ "genkey", NULL, cmd_genkey, 0, 0, 0, false, "print a new private key",
	  "(umask 077; wgq genkey > private.key)" },
	{ "genpsk", NULL, cmd_genpsk, 0, 0, 0, false, "print a new preshared key", "wgq genpsk" },
	{ "pubkey", NULL, cmd_pubkey, 0, 0, 0, false,
	  "print the public key of the private key on standard input", "wgq pubkey < private.key" },
};

enum { OPT_VERSION = 256, OPT_STRICT, OPT_JSON, OPT_MATRIX, OPT_FORMAT, OPT_EXPECT };

/* Options that some commands take and others do not; key is getopt_long(3)'s. */
static const struct special {
	int key;
	unsigned takes;
	const char *name; /* as in a command's usage */
} specials[] = {
	{ 'n', TAKES_DRY_RUN, "-n" },
	{ OPT_STRICT, TAKES_STRICT, "--strict" },
	{ OPT_JSON, TAKES_JSON, "--json" },
	{ OPT_MATRIX, TAKES_MATRIX, "--matrix" },
	{ OPT_FORMAT, TAKES_FORMAT, "--format text|dot|mermaid" },
	{ OPT_EXPECT, TAKES_EXPECT, "--expect FILE" },
};

static void print_usage(FILE *out, const struct invocation *in)
{
	fprintf(out, "Usage: %s [OPTION...] COMMAND [ARGUMENT...]\n\n", in->program);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		if (c->quick || !in->is_wg_quick)
			fprintf(out, "  %-7s %-20s %s\n", c->name, c->argument ? c->argument : "",
				c->help);
	}
	fputs("\n"
	      "  IFACE stands for /etc/wireguard/IFACE.conf; FILE is a path that ends in "
	      "IFACE.conf.\n"
	      "\n"
	      "  -n, --dry-run   print the plan on standard output, change nothing\n"
	      "      --strict    let every error that 'up' finds in the file stop it\n"
	      "  -q, --quiet     print warnings and errors only\n"
	      "  -v, --verbose   print every step; long runs of like steps fold into one line "
	      "else\n",
	      out);
	if (!in->is_wg_quick)
		fputs("      --json      print JSON (check, trace, map)\n"
		      "      --matrix    print who reaches whom as a table (check)\n"
		      "      --expect    FILE of what the mesh has to do (check)\n"
		      "      --format    text, dot or mermaid (map)\n",
		      out);
	fputs("      --version   print the version\n"
	      "  -h, --help      print this, or with a command what is to know of it\n"
	      "\n"
	      "See wgq(8) and wgq.conf(5).\n",
	      out);
}

static void print_command_usage(FILE *out, const struct invocation *in, const struct command *c)
{
	fprintf(out, "Usage: %s", in->program);
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (c->takes & specials[i].takes)
			fprintf(out, " [%s]", specials[i].name);
	fprintf(out, "%s %s%s%s\n\n  %s\n\nExample: %s\n", c->takes ? " [-q | -v]" : "", c->name,
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

struct options {
	enum log_level level;
	unsigned takes; /* of specials, those that are given */
	const char *format, *expect;
	bool help, version, bad;
};

static void note_special(struct options *o, int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].key == key)
			o->takes |= specials[i].takes;
	if (key == OPT_FORMAT)
		o->format = optarg;
	if (key == OPT_EXPECT)
		o->expect = optarg;
}

static struct options read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "matrix", no_argument, NULL, OPT_MATRIX },
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "expect", required_argument, NULL, OPT_EXPECT },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .level = LOG_NORMAL };
	int c;

	while ((c = getopt_long(argc, argv, "nqvh", longs, NULL)) != -1) {
		note_special(&o, c);
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

/* The first option given that means nothing to the command; NULL: none. */
static const char *find_useless(const struct command *c, const struct options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].takes & o->takes & ~c->takes)
			return specials[i].name;
	return NULL;
}

static int start(struct invocation *in, const struct command *c, size_t nwords, char **words,
		 const struct options *o)
{
	const char *useless = find_useless(c, o);
	char what[128];

	if (useless) {
		snprintf(what, sizeof(what), "%s means nothing to", useless);
		return complain(in, c, what, c->name);
	}
	if (nwords < c->least)
		return complain(
			in, c, c->most == 1 ? "which interface or file?" : "some words are missing",
			NULL);
	if (nwords > c->most)
		return complain(in, c, "one word too many:", words[c->most]);
	in->words = words;
	in->nwords = nwords;
	in->argument = nwords ? words[0] : NULL;
	in->dry_run = o->takes & TAKES_DRY_RUN;
	in->strict = o->takes & TAKES_STRICT;
	in->json = o->takes & TAKES_JSON;
	in->matrix = o->takes & TAKES_MATRIX;
	in->format = o->format;
	in->expect = o->expect;
	in->quiet = o->level == LOG_QUIET;
	in->verbose = o->level == LOG_VERBOSE;
	return c->run(in);
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
	return start(in, c, (size_t)nwords - 1, words + 1, o);
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
	log_init(in.program, o.level, o.takes & TAKES_DRY_RUN ? STDOUT_FILENO : STDERR_FILENO);
	return run_command(&in, argc - optind, argv + optind, &o);
}
