/* The archive's baseline in C: librdkafka and zlib, nothing of ours, and nothing checked. */
#define _GNU_SOURCE
#include "ArchiveBaseline.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { BATCH = 2000, STALL_SECONDS_MAX = 30, ROOM = 64 << 10, LINE_MAX_BYTES = 8192 };

static long fail(const char *what, const char *why) {
  fprintf(stderr, "archive baseline: %s: %s\n", what, why);
  return -1;
}

static long pack(z_stream *stream, const void *bytes, size_t count, int flush) {
  static unsigned char room[ROOM];
  stream->next_in = (unsigned char *)bytes;
  stream->avail_in = (unsigned)count;
  do {
    stream->next_out = room;
    stream->avail_out = ROOM;
    deflate(stream, flush);
  } while (stream->avail_out == 0);
  return (long)count;
}

static char *put(char *at, const char *bytes, size_t count) {
  memcpy(at, bytes, count);
  return at + count;
}
#define PUT(at, text) put(at, text, sizeof text - 1)

static char *put_digits(char *at, int64_t number, int digits) {
  for (int i = digits - 1; i >= 0; i--, number /= 10) at[i] = (char)('0' + number % 10);
  return at + digits;
}

static char *put_number(char *at, int64_t number) {
  int digits = 1;
  for (int64_t rest = number; rest >= 10; rest /= 10) digits++;
  return put_digits(at, number, digits);
}

static char *put_time(char *at, int64_t milliseconds) {
  time_t seconds = milliseconds / 1000;
  struct tm t;
  gmtime_r(&seconds, &t);
  at = PUT(put_digits(at, t.tm_year + 1900, 4), "-");
  at = PUT(put_digits(at, t.tm_mon + 1, 2), "-");
  at = PUT(put_digits(at, t.tm_mday, 2), "T");
  at = PUT(put_digits(at, t.tm_hour, 2), ":");
  at = PUT(put_digits(at, t.tm_min, 2), ":");
  at = PUT(put_digits(at, t.tm_sec, 2), ".");
  return PUT(put_digits(at, milliseconds % 1000, 3), "Z");
}

/* Of records without headers whose value is a bare object without line breaks. */
static size_t make_line(const rd_kafka_message_t *message, char *line) {
  const char *key = message->key, *slash = memchr(key, '/', message->key_len);
  const char *event = memmem(message->payload, message->len, "\"event\":\"", 9);
  if (slash == NULL || event == NULL || message->len > LINE_MAX_BYTES - 512) return 0;
  event += 9;
  const char *event_end = memchr(event, '"', (size_t)((const char *)message->payload + message->len - event));
  rd_kafka_timestamp_type_t kind;
  int64_t time = rd_kafka_message_timestamp(message, &kind);
  char *at = PUT(line, "{\"project\":\"");
  at = put(at, key, (size_t)(slash - key));
  at = PUT(at, "\",\"queue\":\"");
  at = put(at, slash + 1, message->key_len - (size_t)(slash + 1 - key));
  at = put_number(PUT(at, "\",\"partition\":"), message->partition);
  at = put_number(PUT(at, ",\"offset\":"), message->offset);
  at = PUT(at, ",\"event\":\"");
  at = put(at, event, (size_t)(event_end - event));
  at = put_time(PUT(at, "\",\"time\":\""), time);
  at = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? PUT(at, "\",\"timeType\":\"LogAppendTime\",\"headers\":{},\"body\":")
                                                  : PUT(at, "\",\"timeType\":\"CreateTime\",\"headers\":{},\"body\":");
  at = put(at, message->payload, message->len);
  return (size_t)(PUT(at, "}\n") - line);
}

static long run(rd_kafka_t *consumer, const char *topic, long count, enum archive_baseline_content content) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
  rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, 10000);
  rd_kafka_topic_destroy(handle);
  if (error) return fail("metadata", rd_kafka_err2str(error));
  int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; i++)
    rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_metadata_destroy(metadata);
  error = rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (error) return fail("assign", rd_kafka_err2str(error));
  z_stream stream = {0};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return fail("zlib", "no memory");
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
  rd_kafka_message_t *messages[BATCH];
  char line[LINE_MAX_BYTES];
  long seen = 0, packed = 0;
  time_t last = time(NULL);
  while (seen < count && time(NULL) - last <= STALL_SECONDS_MAX) {
    ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);
    for (ssize_t i = 0; i < got; i++) {
      if (!messages[i]->err) {
        seen++;
        if (content == archive_baseline_values) packed += pack(&stream, messages[i]->payload, messages[i]->len, Z_NO_FLUSH);
        if (content == archive_baseline_lines) packed += pack(&stream, line, make_line(messages[i], line), Z_NO_FLUSH);
      }
      rd_kafka_message_destroy(messages[i]);
    }
    if (got > 0) last = time(NULL);
  }
  pack(&stream, NULL, 0, Z_FINISH);
  deflateEnd(&stream);
  rd_kafka_queue_destroy(queue);
  return seen < count ? fail("read", "fewer records than expected") : packed;
}

long archive_baseline(const char *servers, const char *topic, long count, enum archive_baseline_content content) {
  const char *settings[][2] = {
      {"bootstrap.servers", servers}, {"group.id", "baseline"}, {"enable.auto.commit", "false"},
      {"receive.message.max.bytes", "1000000000"}, {"queued.max.messages.kbytes", "65536"}};
  char text[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
      return fail(settings[i][0], text);
  rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
  if (consumer == NULL) return fail("client", text);
  rd_kafka_poll_set_consumer(consumer);
  long packed = run(consumer, topic, count, content);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return packed;
}
