/// What the metrics of Strandline mean, for the HELP lines.
enum MetricHelp {
  static let texts: [String: String] = [
    "strandline_actions_emitted_total": "Actions that Kafka has acknowledged to this process.",
    "strandline_actions_refused_total": "Actions that were not emitted, by reason.",
    "strandline_actions_skipped_total": "Events that nobody wanted, by reason (channel, queue).",
    "strandline_actions_stored_total": "Actions stored.",
    "strandline_actions_expired_total": "Actions that have expired and gone from the disk.",
    "strandline_actions_over_retention_total":
      "Actions that newer ones pushed out (audit.retention) before their time to live had passed.",
    "strandline_actions_rejected_total":
      "Records that break the contract and went to the dead-letter topic, by reason.",
    "strandline_actions_dropped_total": "Actions read from the topic that their queues do not want, by reason.",
    "strandline_queue_metadata_queues": "Queues that have metadata.",
    "strandline_queue_metadata_skipped_total": "Records of queue metadata that break the contract.",
    "strandline_kafka_consumer_lag": "Records between the consumer and the end of a partition.",
    "strandline_kafka_lost_records_total": "Records that Kafka had removed before they were read.",
    "strandline_store_oldest_age_seconds": "Age of the oldest action in the store.",
    "strandline_feed_complete_through_timestamp_seconds": "Time up to which everything in Kafka is in the store.",
    "strandline_http_request_duration_seconds": "Time from a request's head to its answer, by route and status code.",
    "strandline_http_connections": "Open connections, by listener.",
    "strandline_http_timeouts_total": "Connections closed because a client was too slow, by what was waited for.",
    "strandline_numbered_actions_sent_total":
      "Actions that were sent with their numbers, by outcome (accepted, present, conflict, refused).",
    "strandline_build_info": "Always 1; the labels tell the version.",
  ]
}
