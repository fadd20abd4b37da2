/* SPDX-License-Identifier: GPL-2.0-or-later */
/* genkey, genpsk, pubkey: as wg(8). */
#include <errno.h>
#include <sys/stat.h>

#include "wgq/base/key.h"
#include "wgq/base/log.h"
#include "wgq/cmd/cmd.h"

static int print_key(const struct key *k)
{
	char text[KEY_BASE64_LEN + 1];
	bool written;

	key_to_base64(text, k);
	written = puts(text) >= 0 && !fflush(stdout);
	explicit_bzero(text, sizeof(text));
	if (written)
		return EXIT_DONE;
	log_error("cannot write the key: %s", strerror(errno));
	return EXIT_FAILED;
}

/* A key that goes to a file which others may read is no secret. */
static void warn_if_world_readable(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & S_IRWXO)
		log_warn("writing to a world accessible file: consider setting the umask to 077 "
			 "and trying again");
}

static int generate(int (*make)(struct key *))
{
	struct key k CLEANUP(key_wipe);

	warn_if_world_readable();
	if (make(&k)) {
		log_error("the system gives no randomness");
		return EXIT_FAILED;
	}
	return print_key(&k);
}

int cmd_genkey(const struct invocation *in)
{
	(void)in;
	return generate(key_generate_private);
}

int cmd_genpsk(const struct invocation *in)
{
	(void)in;
	return generate(key_generate_preshared);
}

/* One key on standard input; blanks around it do not matter. */
int cmd_pubkey(const struct invocation *in)
{
	struct key private CLEANUP(key_wipe), public;
	char text[KEY_BASE64_LEN + 2];
	size_t n = fread(text, 1, sizeof(text) - 1, stdin);
	bool blank = true;
	int c, err;

	(void)in;
	while ((c = getchar()) != EOF)
		blank &= c == ' ' || (c >= '\t' && c <= '\r');
	while (n && (text[n - 1] == ' ' || (text[n - 1] >= '\t' && text[n - 1] <= '\r')))
		n--;
	err = blank ? key_from_base64(&private, (struct str){ text, n }) : -EINVAL;
	explicit_bzero(text, sizeof(text));
	if (err) {
		log_error("key is not the correct length or format (44 characters of base64 are "
			  "expected on standard input)");
		return EXIT_FAILED;
	}
	key_public(&public, &private);
	return print_key(&public);
}
