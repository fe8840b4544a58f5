/* A layer between a process and its files, loaded with LD_PRELOAD: makes the disk slow, faulty, lying or deadly.
 *
 * SHIM_DO     slow: sleep SHIM_MS before each sync; fail: each sync gives EIO; lie: syncs do nothing;
 *             kill: SIGKILL to the own process, in place of the call
 * SHIM_CALL   sync (default) or write
 * SHIM_FILE   only files whose names end so
 * SHIM_AFTER  let so many calls pass first
 * SHIM_NOTE   a file that gets one line for each fault: the moment, in monotonic seconds
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static int meant(int file, const char *call) {
  const char *wanted = getenv("SHIM_FILE"), *after = getenv("SHIM_AFTER"), *kind = getenv("SHIM_CALL");
  if (!getenv("SHIM_DO") || strcmp(kind ? kind : "sync", call)) return 0;
  if (wanted) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < (ssize_t)strlen(wanted)) return 0;
    name[length] = 0;
    if (strcmp(name + length - strlen(wanted), wanted)) return 0;
  }
  return atomic_fetch_add(&calls, 1) >= (after ? atol(after) : 0);
}

static void note(void) {
  const char *path = getenv("SHIM_NOTE");
  if (!path) return;
  struct timespec now;
  char line[64];
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(line, sizeof line, "%ld.%09ld\n", (long)now.tv_sec, now.tv_nsec);
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0) return;
  if (write(file, line, length) != length) abort();
  close(file);
}

/* Whether the call is replaced: 0 it goes on, 1 it succeeds without being made, -1 it fails. */
static int fault(int file, const char *call) {
  if (!meant(file, call)) return 0;
  note();
  const char *what = getenv("SHIM_DO"), *ms = getenv("SHIM_MS");
  if (!strcmp(what, "kill")) {
    kill(getpid(), SIGKILL);
    pause();
  }
  if (!strcmp(what, "slow")) {
    usleep(1000 * (ms ? atol(ms) : 0));
    return 0;
  }
  if (!strcmp(what, "lie")) return 1;
  errno = EIO;
  return -1;
}

#define SYNC(name)                                                                                \
  int name(int file) {                                                                            \
    static int (*real)(int);                                                                      \
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);                                      \
    int made = fault(file, "sync");                                                               \
    return made ? (made < 0 ? -1 : 0) : real(file);                                               \
  }
SYNC(fsync)
SYNC(fdatasync)

#define WRITE(name, offset)                                                                       \
  ssize_t name(int file, const void *data, size_t size, offset at) {                              \
    static ssize_t (*real)(int, const void *, size_t, offset);                                    \
    if (!real) real = (ssize_t (*)(int, const void *, size_t, offset))dlsym(RTLD_NEXT, #name);    \
    int made = fault(file, "write");                                                              \
    return made ? (made < 0 ? -1 : (ssize_t)size) : real(file, data, size, at);                   \
  }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)
