/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program whose memory wants to harm whoever looks at it: terminal escapes, C1 controls, bidirectional
 * overrides, quotes and broken UTF-8, in its heap, its name and its arguments. Says "ready" and waits for a
 * byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *const texts[] = {
	"clear the screen: \033[2J\033[H gone",
	"set the title: \033]0;owned\007 done",
	"carriage return\rOVERWRITTEN",
	"right to left \xe2\x80\xae txt.exe",
	"one character CSI \xc2\x9b"
	"31m red",
	"quotes \" and , commas \\ and backslashes",
	"broken \xff\xfe\xc0\x80 bytes",
	"tag \xf3\xa0\x81\x81 characters",
};

int main(int argc, char **argv)
{
	char byte;
	char *copies[8][16];

	prctl(PR_SET_NAME, "na\033[7msty\"");
	if (argc < 2) {
		char *const arguments[] = { argv[0], (char *)"\033[31margument\n\"two\"", NULL };

		return execv("/proc/self/exe", arguments);
	}
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 16; j++) {
			copies[i][j] = malloc(100);
			memset(copies[i][j], 0, 100);
			strcpy(copies[i][j], texts[i]);
		}
	}
	puts("ready");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0 || !copies[7][15];
}
