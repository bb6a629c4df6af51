/* The baseline in C: the same library, the same settings, nothing of ours.
 *
 *   rdkafka emit    SERVERS TOPIC COUNT [BODY_BYTES]   sends COUNT actions over 1,000 queues, waits for all reports
 *   rdkafka discard SERVERS TOPIC COUNT                reads COUNT records from the beginning in batches, drops them
 *
 * Prints one line: wall seconds, CPU seconds of this process. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUES = 1000, BATCH = 2000, STALL_SECONDS_MAX = 30 };

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "rdkafka: %s: %s\n", what, why);
  exit(1);
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

static long delivered, undelivered;

static void report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  (void)handle;
  (void)opaque;
  if (message->err) undelivered++; else delivered++;
}

static void emit(const char *servers, const char *topic, long count, size_t body_bytes) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", servers);
  set(conf, "enable.idempotence", "true");
  set(conf, "acks", "all");
  set(conf, "partitioner", "murmur2_random");
  rd_kafka_conf_set_dr_msg_cb(conf, report);
  rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
  char key[32], *body = malloc(body_bytes + 1);
  if (body == NULL) fail("body", "no memory");
  int head = snprintf(body, body_bytes + 1, "{\"event\":\"ClaimExpired\",\"details\":{\"p\":\"");
  if (head < 0 || (size_t)head + 3 > body_bytes) fail("body", "too short");
  memset(body + head, 'x', body_bytes - (size_t)head - 3);
  memcpy(body + body_bytes - 3, "\"}}", 3);
  for (long i = 0; i < count; i++) {
    int length = snprintf(key, sizeof key, "project/queue-%ld", i % QUEUES);
    for (;;) {
      rd_kafka_resp_err_t error = rd_kafka_producev(
          producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, (size_t)length), RD_KAFKA_V_VALUE(body, body_bytes),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      if (!error) break;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
      rd_kafka_poll(producer, 10);
    }
    if (i % BATCH == 0) rd_kafka_poll(producer, 0);
  }
  rd_kafka_flush(producer, 60000);
  if (undelivered > 0 || delivered != count) fail("emit", "not everything was acknowledged");
  rd_kafka_destroy(producer);
  free(body);
}

static void discard(const char *servers, const char *topic, long count) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", servers);
  set(conf, "group.id", "baseline");
  set(conf, "enable.auto.commit", "false");
  set(conf, "receive.message.max.bytes", "1000000000");
  rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer);
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
  rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, 10000);
  if (error) fail("metadata", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt);
  for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
    rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  error = rd_kafka_assign(consumer, list);
  if (error) fail("assign", rd_kafka_err2str(error));
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
  static rd_kafka_message_t *messages[BATCH];
  double last = seconds(CLOCK_MONOTONIC);
  for (long seen = 0; seen < count;) {
    ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);
    for (ssize_t i = 0; i < got; i++) {
      if (!messages[i]->err) seen++;
      rd_kafka_message_destroy(messages[i]);
    }
    if (got > 0) last = seconds(CLOCK_MONOTONIC);
    else if (seconds(CLOCK_MONOTONIC) - last > STALL_SECONDS_MAX) fail("discard", "fewer records than expected");
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

int main(int argc, char **argv) {
  if (argc < 5) fail("usage", "rdkafka emit|discard SERVERS TOPIC COUNT [BODY_BYTES]");
  long count = strtol(argv[4], NULL, 10);
  double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  if (strcmp(argv[1], "emit") == 0) emit(argv[2], argv[3], count, argc > 5 ? (size_t)strtol(argv[5], NULL, 10) : 400);
  else if (strcmp(argv[1], "discard") == 0) discard(argv[2], argv[3], count);
  else fail(argv[1], "unknown command");
  printf("%.3f %.3f\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  return 0;
}
