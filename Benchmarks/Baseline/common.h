/* What the drivers in C share: clocks, failing, librdkafka's clients with the settings Strandline's own have, and the
 * actions that are sent. */
#ifndef STRANDLINE_BENCH_COMMON_H
#define STRANDLINE_BENCH_COMMON_H

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUES = 1000, BATCH = 2000, BODY_BYTES = 400, BODIES = 64, FILLING_BYTES = 8192 };

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void) { return seconds(CLOCK_MONOTONIC); }

/* Sleeps until a moment of now(). */
static inline void sleep_until(double moment) {
  struct timespec t = {.tv_sec = (time_t)moment, .tv_nsec = (long)((moment - (double)(time_t)moment) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* An action of BODY_BYTES with its number in it. The filling packs about as well as the identifiers of real actions do;
 * PathBenchmark makes the same bytes. */
static void make_body(char *out, long number) {
  static char filling[FILLING_BYTES];
  if (filling[0] == 0) {
    unsigned long long state = 88172645463325252ULL;
    for (int i = 0; i < FILLING_BYTES; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      filling[i] = "0123456789abcdef"[state & 15];
    }
  }
  char head[96];
  int length = snprintf(
      head, sizeof head, "{\"event\":\"ClaimExpired\",\"details\":{\"n\":\"%010ld\",\"message\":\"", number);
  memcpy(out, head, (size_t)length);
  memcpy(out + length, filling + (number * 61) % (FILLING_BYTES - BODY_BYTES), (size_t)(BODY_BYTES - length - 3));
  memcpy(out + BODY_BYTES - 3, "\"}}", 3);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char text[512];
  if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) fail(name, text);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char text[512];
  rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
  if (handle == NULL) fail("client", text);
  return handle;
}

/* As ActionEmitter configures it: 10,000 outstanding, 5 ms of linger, lz4. */
static inline rd_kafka_conf_t *producer_settings(const char *servers) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", servers);
  set(conf, "enable.idempotence", "true");
  set(conf, "acks", "all");
  set(conf, "partitioner", "murmur2_random");
  set(conf, "linger.ms", "5");
  set(conf, "compression.codec", "lz4");
  set(conf, "queue.buffering.max.messages", "10000");
  return conf;
}

/* A consumer of all partitions of a topic, as ActionIngest configures it. */
typedef struct {
  rd_kafka_t *handle;
  rd_kafka_queue_t *queue;
} reader;

static inline reader read_topic(const char *servers, const char *topic, int64_t from, const char *fetch_wait_milliseconds) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", servers);
  set(conf, "group.id", "baseline");
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  set(conf, "enable.partition.eof", "true");
  set(conf, "isolation.level", "read_committed");
  set(conf, "receive.message.max.bytes", "1000000000");
  set(conf, "queued.max.messages.kbytes", "65536");
  if (fetch_wait_milliseconds != NULL) set(conf, "fetch.wait.max.ms", fetch_wait_milliseconds);
  rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer);
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
  rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, 10000);
  if (error) fail("metadata", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt);
  for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
    rd_kafka_topic_partition_list_add(list, topic, i)->offset = from;
  error = rd_kafka_assign(consumer, list);
  if (error) fail("assign", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return (reader){consumer, rd_kafka_queue_get_consumer(consumer)};
}

static inline void close_reader(reader open) {
  rd_kafka_queue_destroy(open.queue);
  rd_kafka_consumer_close(open.handle);
  rd_kafka_destroy(open.handle);
}

#endif
