/* The least that a skipped event and a spooled action could cost, from C:
 *
 *   file branch COUNT              a loop with a load that the compiler cannot leave out, a test and a counter
 *   file write  PATH COUNT BYTES   write(2) of so many bytes, COUNT times, to a file made anew
 *
 * Prints one line: COUNT, wall seconds, CPU seconds of this process. */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static volatile unsigned long wanted;
static volatile unsigned long skipped;

static void result(long count, double wall, double cpu) {
  printf("%ld %.9f %.9f\n", count, now() - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void branch(long count) {
  double wall = now(), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (long i = 0; i < count; i++) {
    if ((wanted & 1) == 0) skipped++;
  }
  result(count, wall, cpu);
}

static void write_file(const char *path, long count, long bytes) {
  char body[BODY_BYTES], *record = malloc((size_t)bytes);
  if (record == NULL) fail(path, "no memory");
  make_body(body, 0);
  for (long i = 0; i < bytes; i++) record[i] = body[i % BODY_BYTES];
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail(path, strerror(errno));
  double wall = now(), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (long i = 0; i < count; i++) {
    if (write(file, record, (size_t)bytes) != bytes) fail(path, strerror(errno));
  }
  result(count, wall, cpu);
  close(file);
  free(record);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "branch") == 0) branch(strtol(argv[2], NULL, 10));
  else if (argc == 5 && strcmp(argv[1], "write") == 0)
    write_file(argv[2], strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
  else fail("usage", "file branch COUNT | file write PATH COUNT BYTES");
  return 0;
}
