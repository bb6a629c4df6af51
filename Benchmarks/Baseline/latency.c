/* Latencies, measured by one process with one clock.
 *
 *   latency visible SERVERS TOPIC HOST:PORT QUEUE RATE SECONDS FETCH_WAIT_MS
 *       Emits RATE actions a second, each tenth to one queue. For those tenths: when a consumer of librdkafka got them
 *       (the baseline), and when a page showed them to a client that asks again 1 ms after an answer without actions.
 *   latency pages HOST:PORT FILE RATE SECONDS
 *       GETs of random lines of FILE (paths) over one connection. RATE 0: one after the other. Else so many a second,
 *       each counted from the moment it was due, so that a stall counts for all that had to wait.
 *   latency idle HOST:PORT PATH CONNECTIONS
 *       Opens connections, asks PATH once on each, prints "ready", and keeps them until standard input ends.
 *
 * Prints one JSON object; times in microseconds. */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SAMPLE_EACH = 10, ANSWER_BYTES_MAX = 1 << 20, PATH_BYTES_MAX = 2048, LATE_SECONDS_MAX = 10 };

/* MARK: HTTP */

typedef struct {
  int socket, status;
  char *body;
  size_t body_bytes;
  char room[ANSWER_BYTES_MAX + 1];
} connection;

static connection *connect_to(const char *address) {
  char host[64];
  const char *colon = strrchr(address, ':');
  if (colon == NULL || (size_t)(colon - address) >= sizeof host) fail("address", address);
  memcpy(host, address, (size_t)(colon - address));
  host[colon - address] = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
  connection *made = calloc(1, sizeof *made);
  if (made == NULL || inet_pton(AF_INET, host, &to.sin_addr) != 1) fail("address", address);
  made->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(made->socket, (struct sockaddr *)&to, sizeof to) != 0) fail("connect", address);
  int on = 1;
  setsockopt(made->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return made;
}

static void get(connection *open, const char *path) {
  char request[PATH_BYTES_MAX + 64];
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
  if (write(open->socket, request, (size_t)length) != length) fail("write", path);
  size_t have = 0, want = 0;
  for (;;) {
    ssize_t got = read(open->socket, open->room + have, ANSWER_BYTES_MAX - have);
    if (got <= 0) fail("the server closed the connection at", path);
    have += (size_t)got;
    open->room[have] = 0;
    if (want == 0) {
      char *end = strstr(open->room, "\r\n\r\n");
      if (end == NULL) continue;
      open->status = (int)strtol(open->room + 9, NULL, 10);
      char *field = strcasestr(open->room, "\r\ncontent-length:");
      open->body = end + 4;
      open->body_bytes = field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0;
      want = (size_t)(open->body - open->room) + open->body_bytes;
      if (want > ANSWER_BYTES_MAX) fail("too long an answer", path);
    }
    if (have >= want) return;
  }
}

/* MARK: Percentiles */

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_percentiles(const char *name, double *values, long count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  const double parts[] = {0.5, 0.9, 0.99, 0.999, 1};
  const char *names[] = {"p50", "p90", "p99", "p999", "max"};
  printf("\"%s\":{\"count\":%ld", name, count);
  for (int i = 0; i < 5 && count > 0; i++) {
    long place = (long)(parts[i] * (double)count);
    printf(",\"%s\":%.1f", names[i], values[place < count ? place : count - 1] * 1e6);
  }
  printf("}");
}

/* MARK: Emit to visible */

static const char *servers, *topic, *address, *queue_name, *fetch_wait;
static long total, rate;
static double *emitted, *received, *visible;
static atomic_long received_count, visible_count;
static atomic_bool stopped;

/* The number an action carries, from wherever `"n":"` stands. */
static long number_at(const char *text) { return strtol(text + 5, NULL, 10); }

static void note(double *times, atomic_long *count, long number, double moment) {
  if (number < 0 || number >= total || number % SAMPLE_EACH != 0 || times[number / SAMPLE_EACH] != 0) return;
  times[number / SAMPLE_EACH] = moment;
  atomic_fetch_add(count, 1);
}

static void *consume(void *context) {
  reader *open = context;
  static rd_kafka_message_t *messages[BATCH];
  char sample[128];
  size_t length = (size_t)snprintf(sample, sizeof sample, "bench/%s", queue_name);
  while (!stopped) {
    /* Waits for the first alone: the batch call by itself would wait until the batch is full or the time is over. */
    rd_kafka_message_t *first = rd_kafka_consume_queue(open->queue, 100);
    if (first == NULL) continue;
    messages[0] = first;
    ssize_t got = 1 + rd_kafka_consume_batch_queue(open->queue, 0, messages + 1, BATCH - 1);
    double moment = now();
    for (ssize_t i = 0; i < got; i++) {
      rd_kafka_message_t *message = messages[i];
      if (!message->err && message->key_len == length && memcmp(message->key, sample, length) == 0) {
        char *text = memmem(message->payload, message->len, "\"n\":\"", 5);
        if (text != NULL) note(received, &received_count, number_at(text), moment);
      }
      rd_kafka_message_destroy(message);
    }
  }
  return NULL;
}

static void *poll_pages(void *unused) {
  (void)unused;
  connection *open = connect_to(address);
  char path[PATH_BYTES_MAX];
  snprintf(path, sizeof path, "/v1/bench/queues/%s/actions?limit=50", queue_name);
  while (!stopped) {
    get(open, path);
    double moment = now();
    if (open->status != 200) {
      sleep_until(moment + 0.001);
      continue;
    }
    for (char *at = open->body; (at = strstr(at, "\"n\":\"")) != NULL; at += 5)
      note(visible, &visible_count, number_at(at), moment);
    char *next = strstr(open->body, "\"next\"");
    char *href = next != NULL ? strstr(next, "\"href\":\"") : NULL;
    char *end = href != NULL ? strchr(href + 8, '"') : NULL;
    if (end == NULL || end - href - 8 >= PATH_BYTES_MAX) fail("a page without a next link", path);
    memcpy(path, href + 8, (size_t)(end - href - 8));
    path[end - href - 8] = 0;
  }
  return NULL;
}

/* To a queue of the project named, or to the one that is sampled. */
static void emit_one(rd_kafka_t *producer, const char *project, long number) {
  char body[BODY_BYTES], key[128];
  make_body(body, number);
  int length = project == NULL ? snprintf(key, sizeof key, "bench/%s", queue_name)
                               : snprintf(key, sizeof key, "%s/queue-%ld", project, number % QUEUES);
  for (;;) {
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, (size_t)length), RD_KAFKA_V_VALUE(body, BODY_BYTES),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (!error) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
    rd_kafka_poll(producer, 1);
  }
}

static void measure_visible(double duration) {
  long samples = (total = (long)((double)rate * duration)) / SAMPLE_EACH;
  total = samples * SAMPLE_EACH;
  emitted = calloc((size_t)samples, sizeof(double));
  received = calloc((size_t)samples, sizeof(double));
  visible = calloc((size_t)samples, sizeof(double));
  if (emitted == NULL || received == NULL || visible == NULL) fail("samples", "no memory");
  reader consumer = read_topic(servers, topic, RD_KAFKA_OFFSET_END, fetch_wait);
  /* Until every partition's end is known to the consumer, what is written would not reach it. */
  for (double until = now() + 1; now() < until;) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer.handle, 100);
    if (message != NULL) rd_kafka_message_destroy(message);
  }
  pthread_t consuming, polling;
  pthread_create(&consuming, NULL, consume, &consumer);
  pthread_create(&polling, NULL, poll_pages, NULL);
  rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, producer_settings(servers));
  /* The first record of a partition waits for connections and a producer's id: that is no part of it. */
  for (long i = 0; i < QUEUES; i++) emit_one(producer, "bench", i);
  emit_one(producer, NULL, 1); /* a number that is no sample */
  rd_kafka_flush(producer, 60000);
  double begin = now() + 0.2;
  for (long i = 0; i < total; i++) {
    if (i % (rate / 1000) == 0) {
      sleep_until(begin + (double)i / (double)rate);
      rd_kafka_poll(producer, 0);
    }
    if (i % SAMPLE_EACH == 0) emitted[i / SAMPLE_EACH] = now();
    emit_one(producer, i % SAMPLE_EACH == 0 ? NULL : "bench", i);
  }
  double behind = now() - begin - (double)total / (double)rate;
  rd_kafka_flush(producer, 60000);
  for (double until = now() + LATE_SECONDS_MAX; now() < until;) {
    if (received_count == samples && visible_count == samples) break;
    sleep_until(now() + 0.01);
  }
  stopped = true;
  pthread_join(consuming, NULL);
  pthread_join(polling, NULL);
  if (received_count != samples || visible_count != samples) {
    fprintf(stderr, "of %ld sampled actions %ld were received and %ld became visible\n", samples, received_count,
            visible_count);
    exit(1);
  }
  for (long i = 0; i < samples; i++) {
    received[i] -= emitted[i];
    visible[i] -= emitted[i];
  }
  printf("{\"producer_behind_us\":%.1f,", behind * 1e6);
  print_percentiles("received", received, samples);
  printf(",");
  print_percentiles("visible", visible, samples);
  printf("}\n");
  fflush(stdout);
  _exit(0); /* closing the clients takes seconds and measures nothing */
}

/* MARK: Page latency */

static void measure_pages(const char *file, double duration) {
  FILE *list = fopen(file, "r");
  if (list == NULL) fail("open", file);
  char **paths = NULL, line[PATH_BYTES_MAX];
  size_t count = 0;
  while (fgets(line, sizeof line, list) != NULL) {
    line[strcspn(line, "\n")] = 0;
    paths = realloc(paths, (count + 1) * sizeof *paths);
    if (paths == NULL || (paths[count++] = strdup(line)) == NULL) fail("paths", "no memory");
  }
  fclose(list);
  if (count == 0) fail("no paths in", file);
  long room = (long)(duration * (rate > 0 ? (double)rate : 200000)) + 1, done = 0, others = 0;
  double *times = malloc((size_t)room * sizeof *times);
  if (times == NULL) fail("times", "no memory");
  connection *open = connect_to(address);
  unsigned seed = 1;
  double begin = now(), bytes = 0;
  while (done < room && now() - begin < duration) {
    double due = rate > 0 ? begin + (double)done / (double)rate : now();
    if (rate > 0) sleep_until(due);
    get(open, paths[(size_t)rand_r(&seed) % count]);
    times[done++] = now() - due;
    bytes += (double)open->body_bytes;
    if (open->status != 200) others++;
  }
  printf("{\"seconds\":%.3f,\"bytes\":%.0f,\"not_200\":%ld,", now() - begin, bytes, others);
  print_percentiles("latency", times, done);
  printf("}\n");
}

static void keep_idle(const char *path, long count) {
  for (long i = 0; i < count; i++) get(connect_to(address), path);
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {}
}

int main(int argc, char **argv) {
  prctl(PR_SET_TIMERSLACK, 1UL);
  if (argc == 9 && strcmp(argv[1], "visible") == 0) {
    servers = argv[2], topic = argv[3], address = argv[4], queue_name = argv[5], fetch_wait = argv[8];
    rate = strtol(argv[6], NULL, 10);
    if (rate < 1000) fail("rate", "at least 1,000");
    measure_visible(strtod(argv[7], NULL));
  } else if (argc == 6 && strcmp(argv[1], "pages") == 0) {
    address = argv[2], rate = strtol(argv[4], NULL, 10);
    measure_pages(argv[3], strtod(argv[5], NULL));
  } else if (argc == 5 && strcmp(argv[1], "idle") == 0) {
    address = argv[2];
    keep_idle(argv[3], strtol(argv[4], NULL, 10));
  } else fail("usage", "latency visible|pages|idle …; see latency.c");
  return 0;
}
