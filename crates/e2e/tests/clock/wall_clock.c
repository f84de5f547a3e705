// Changes the wall clock of a program, and no other clock. It is loaded by LD_PRELOAD. The file that
// CLOCK_OFFSET_FILE names says by how many seconds; it is read for each call, so that a test can change it.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  const char *path = getenv("CLOCK_OFFSET_FILE");
  if (result == 0 && clock == CLOCK_REALTIME && path) {
    char text[32] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
      (void)!read(file, text, sizeof text - 1);
      close(file);
      now->tv_sec += atol(text);
    }
  }
  return result;
}
