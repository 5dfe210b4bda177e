/* Preloaded into the service, it counts what the service writes, and at the n-th time kills it,
   as a power cut would, or lets the call fail, as a full or broken disk would. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int count; /* calls seen since the fault was planned */
static int nth;          /* at which it strikes; 0: never */
static int failure;      /* the errno to fail with; 0: be killed */
static int torn;         /* whether half of the bytes are written before the kill */
static char place[512];  /* a part of the paths that it concerns; "socket:" are all sockets */
static char also[512];   /* another one */

void fault_plan(int at, int with, int half, const char *where, const char *or_where) {
  count = 0;
  nth = at;
  failure = with;
  torn = half;
  snprintf(place, sizeof place, "%s", where);
  snprintf(also, sizeof also, "%s", or_where);
}

int fault_count(void) { return count; }

static int concerns(const char *path) {
  return nth && (strstr(path, place) || (*also && strstr(path, also)));
}

/* Whether the call must fail; a full disk stays full, a broken sector is one. */
static int strikes(const char *path, int is_sync) {
  if (!concerns(path) || (failure == ENOSPC && is_sync)) return 0;
  int seen = ++count;
  if (failure == ENOSPC ? seen < nth : seen != nth) return 0;
  if (!failure) kill(getpid(), SIGKILL);
  errno = failure;
  return 1;
}

static const char *path_of(int fd) {
  static _Thread_local char path[512];
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  return path;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITING(name, parameters, whole, half)             \
  ssize_t name parameters {                                \
    const char *path = path_of(fd);                        \
    if (torn && concerns(path) && count + 1 == nth) {      \
      if (size > 1) REAL(name) half;                       \
      kill(getpid(), SIGKILL);                             \
    }                                                      \
    return strikes(path, 0) ? -1 : REAL(name) whole;       \
  }

WRITING(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRITING(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at),
        (fd, data, size / 2, at))
WRITING(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at),
        (fd, data, size / 2, at))
WRITING(send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags),
        (fd, data, size / 2, flags))

#define CALLING(name, parameters, arguments, path, is_sync) \
  int name parameters { return strikes(path, is_sync) ? -1 : REAL(name) arguments; }

CALLING(fsync, (int fd), (fd), path_of(fd), 1)
CALLING(fdatasync, (int fd), (fd), path_of(fd), 1)
CALLING(ftruncate, (int fd, off_t size), (fd, size), path_of(fd), 0)
CALLING(ftruncate64, (int fd, off64_t size), (fd, size), path_of(fd), 0)
CALLING(unlink, (const char *path), (path), path, 1)
CALLING(rename, (const char *path, const char *new), (path, new), path, 1)
