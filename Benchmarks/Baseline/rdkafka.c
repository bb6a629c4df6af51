/* librdkafka alone, from C: the baselines of emitting and of reading, and the writer of other benchmarks.
 *
 *   rdkafka emit    SERVERS TOPIC COUNT            emits with Strandline's headers, 10,000 outstanding at most
 *   rdkafka acked   SERVERS TOPIC COUNT IN_FLIGHT  the same with at most so many that are not acknowledged
 *   rdkafka discard SERVERS TOPIC COUNT            reads COUNT records from the beginning in batches, drops them
 *   rdkafka fill    SERVERS TOPIC COUNT PROJECT TTL RATE
 *                   writes actions over 1,000 queues of a project; COUNT 0: until it is ended; RATE 0: without pause,
 *                   otherwise with 50 ms of linger
 *
 * Prints one line: records counted, wall seconds, CPU seconds of this process. For discard the time begins with the
 * first batch, which is not counted: what it takes to connect says nothing about reading. */
#include "common.h"

enum { STALL_SECONDS_MAX = 30 };

static long delivered, undelivered;

static void report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  (void)handle;
  (void)opaque;
  if (message->err) undelivered++; else delivered++;
}

static void result(long records, double wall, double cpu) {
  printf("%ld %.6f %.6f\n", records, now() - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  fflush(stdout);
}

/* The headers a worker's ActionEmitter sends. */
static rd_kafka_headers_t *cloud_event(long number) {
  char id[40];
  int length = snprintf(id, sizeof id, "0c7a9d5e4b1f2233-%ld", number + 1);
  rd_kafka_headers_t *headers = rd_kafka_headers_new(6);
  rd_kafka_header_add(headers, "ce_specversion", -1, "1.0", -1);
  rd_kafka_header_add(headers, "ce_id", -1, id, length);
  rd_kafka_header_add(headers, "ce_source", -1, "/strandline/worker", -1);
  rd_kafka_header_add(headers, "ce_type", -1, "ClaimExpired", -1);
  rd_kafka_header_add(headers, "ce_time", -1, "2026-01-01T00:00:00.000Z", -1);
  rd_kafka_header_add(headers, "content-type", -1, "application/json", -1);
  return headers;
}

static void produce(
    rd_kafka_t *producer, const char *topic, const char *key, int key_bytes, const char *body,
    rd_kafka_headers_t *headers) {
  for (;;) {
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, (size_t)key_bytes),
        RD_KAFKA_V_VALUE((void *)body, BODY_BYTES),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (!error) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
    rd_kafka_poll(producer, 10);
  }
}

static rd_kafka_t *producer_for(const char *servers, const char *linger_milliseconds) {
  rd_kafka_conf_t *conf = producer_settings(servers);
  if (linger_milliseconds != NULL) set(conf, "linger.ms", linger_milliseconds);
  rd_kafka_conf_set_dr_msg_cb(conf, report);
  return client(RD_KAFKA_PRODUCER, conf);
}

static void finish(rd_kafka_t *producer, long sent) {
  rd_kafka_flush(producer, 60000);
  if (undelivered > 0 || delivered != sent) fail("emit", "not everything was acknowledged");
}

static void emit(const char *servers, const char *topic, long count, long in_flight) {
  static char bodies[BODIES][BODY_BYTES], keys[QUEUES][32];
  static int key_bytes[QUEUES];
  for (int i = 0; i < BODIES; i++) make_body(bodies[i], i);
  for (int i = 0; i < QUEUES; i++) key_bytes[i] = snprintf(keys[i], sizeof keys[i], "project/queue-%d", i);
  double wall = now(), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  rd_kafka_t *producer = producer_for(servers, NULL);
  for (long i = 0; i < count; i++) {
    while (in_flight > 0 && i - delivered - undelivered >= in_flight) rd_kafka_poll(producer, 100);
    produce(producer, topic, keys[i % QUEUES], key_bytes[i % QUEUES], bodies[i % BODIES], cloud_event(i));
    if (i % 100 == 0) rd_kafka_poll(producer, 0);
  }
  finish(producer, count);
  result(count, wall, cpu);
  rd_kafka_destroy(producer);
}

/* At a steady rate in few large requests: the embedded broker walks through all batches it has of a partition for each
 * fetch, and would take half of the core that the load shares with it. */
static const char steady_linger_milliseconds[] = "50";

static void fill(const char *servers, const char *topic, long count, const char *project, const char *ttl, long rate) {
  rd_kafka_t *producer = producer_for(servers, rate > 0 ? steady_linger_milliseconds : NULL);
  double wall = now(), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  long step = rate > 0 ? (rate + 999) / 1000 : BATCH, sent = 0;
  for (; count == 0 || sent < count;) {
    for (long i = 0; i < step && (count == 0 || sent < count); i++, sent++) {
      char body[BODY_BYTES], key[96];
      make_body(body, sent);
      int key_bytes = snprintf(key, sizeof key, "%s/queue-%ld", project, sent % QUEUES);
      rd_kafka_headers_t *headers = NULL;
      if (strcmp(ttl, "0") != 0) {
        headers = rd_kafka_headers_new(1);
        rd_kafka_header_add(headers, "ttl", -1, ttl, -1);
      }
      produce(producer, topic, key, key_bytes, body, headers);
    }
    rd_kafka_poll(producer, 0);
    if (rate > 0) sleep_until(wall + (double)sent / (double)rate);
  }
  finish(producer, sent);
  result(sent, wall, cpu);
  rd_kafka_destroy(producer);
}

static void discard(const char *servers, const char *topic, long count) {
  reader open = read_topic(servers, topic, RD_KAFKA_OFFSET_BEGINNING, NULL);
  static rd_kafka_message_t *messages[BATCH];
  double last = now(), wall = 0, cpu = 0;
  long seen = 0, first = 0;
  while (seen < count) {
    ssize_t got = rd_kafka_consume_batch_queue(open.queue, 100, messages, BATCH);
    for (ssize_t i = 0; i < got; i++) {
      if (!messages[i]->err) seen++;
      rd_kafka_message_destroy(messages[i]);
    }
    if (seen > 0 && first == 0) first = seen, wall = now(), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (got > 0) last = now();
    else if (now() - last > STALL_SECONDS_MAX) fail("discard", "fewer records than expected");
  }
  result(seen - first, wall, cpu);
  close_reader(open);
}

int main(int argc, char **argv) {
  if (argc < 5) fail("usage", "rdkafka emit|acked|discard|fill SERVERS TOPIC COUNT …");
  const char *task = argv[1], *servers = argv[2], *topic = argv[3];
  long count = strtol(argv[4], NULL, 10);
  if (strcmp(task, "emit") == 0) emit(servers, topic, count, 0);
  else if (strcmp(task, "acked") == 0 && argc == 6) emit(servers, topic, count, strtol(argv[5], NULL, 10));
  else if (strcmp(task, "discard") == 0) discard(servers, topic, count);
  else if (strcmp(task, "fill") == 0 && argc == 8)
    fill(servers, topic, count, argv[5], argv[6], strtol(argv[7], NULL, 10));
  else fail(task, "unknown command, or a wrong number of arguments");
  return 0;
}
