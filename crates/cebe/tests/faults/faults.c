// Faults for a process that is started with this in LD_PRELOAD: a clock that is set, a flush that fails or takes its
// time, a disk without room, and a list of what was flushed. What is to happen stands in a file that the test writes
// while the process runs (FAULTS names it): eight numbers of eight bytes. Places are queue 1, central 2, backfills 4.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
  volatile long clock_s;      // added to the wall clock
  volatile long sync_fails;   // places whose flushes fail
  volatile long no_room;      // places where nothing can be written
  volatile long sync_ms;      // how long each flush takes
  volatile long passes;       // so many calls that would fail are let through first
  volatile long hits;         // counts the calls that failed
  volatile long list_syncs;   // 1: flushes are listed in FAULTS.syncs
  volatile long spare;
};

static struct faults *faults;
static char list_path[4096];

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS");
  int fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0) : -1;
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) faults = map;
  snprintf(list_path, sizeof list_path, "%s.syncs", path);
}

static long place_of(const char *path) {
  if (strstr(path, "/data/queue")) return 1;
  if (strstr(path, "/data/central")) return 2;
  if (strstr(path, "/data/backfills")) return 4;
  return 0;
}

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int strikes(volatile long *mask, const char *path) {
  if (!faults || !*mask || !(*mask & place_of(path))) return 0;
  if (__atomic_fetch_sub(&faults->passes, 1, __ATOMIC_SEQ_CST) > 0) return 0;
  __atomic_store_n(&faults->passes, 0, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&faults->hits, 1, __ATOMIC_SEQ_CST);
  return 1;
}

static int strikes_fd(volatile long *mask, int fd) {
  char path[4096];
  return faults && *mask && path_of(fd, path, sizeof path) && strikes(mask, path);
}

static void list(const char *path, long size, long at) {
  char line[4200];
  int length = snprintf(line, sizeof line, "%s\t%ld\t%ld\n", path, size, at);
  int fd = syscall(SYS_openat, AT_FDCWD, list_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) {
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
  }
}

static int flush(int fd, long number) {
  char path[4096] = "";
  struct stat facts = {0};
  long at = 0;
  if (faults && (faults->sync_ms || faults->sync_fails || faults->list_syncs)) {
    path_of(fd, path, sizeof path);
    if (faults->sync_ms && place_of(path)) {
      struct timespec pause = {faults->sync_ms / 1000, faults->sync_ms % 1000 * 1000000};
      syscall(SYS_nanosleep, &pause, NULL);
    }
    if (strikes(&faults->sync_fails, path)) {
      errno = EIO;
      return -1;
    }
    // Looked at before the flush: what is written meanwhile may not be in it.
    fstat(fd, &facts);
    at = lseek(fd, 0, SEEK_CUR);
  }
  int done = syscall(number, fd);
  if (done == 0 && faults && faults->list_syncs && place_of(path) && S_ISREG(facts.st_mode)) list(path, facts.st_size, at);
  return done;
}

int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

ssize_t write(int fd, const void *bytes, size_t size) {
  if (faults && faults->no_room && strikes_fd(&faults->no_room, fd)) { errno = ENOSPC; return -1; }
  return syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (faults && faults->no_room && strikes_fd(&faults->no_room, fd)) { errno = ENOSPC; return -1; }
  return syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  if (faults && faults->no_room && strikes_fd(&faults->no_room, fd)) { errno = ENOSPC; return -1; }
  return syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

static int opened(const char *path, int flags, mode_t mode) {
  if (faults && faults->no_room && (flags & O_CREAT)) {
    struct stat facts;
    if (stat(path, &facts) != 0 && strikes(&faults->no_room, path)) { errno = ENOSPC; return -1; }
  }
  return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int done = syscall(SYS_clock_gettime, clock, now);
  if (done == 0 && faults && clock == CLOCK_REALTIME) now->tv_sec += faults->clock_s;
  return done;
}
