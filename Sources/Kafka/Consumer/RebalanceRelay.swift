import Crdkafka
import Logging
import Synchronization

/// Takes librdkafka's rebalance callback, asks the user's, and answers librdkafka, which waits for the answer.
final class RebalanceRelay: Sendable {
  private let callbacks = Mutex(RebalanceCallbacks())
  private let logger: Logger

  init(logger: Logger) {
    self.logger = logger
  }

  func set(_ callbacks: RebalanceCallbacks) {
    self.callbacks.withLock { $0 = callbacks }
  }

  func rebalance(
    _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) {
    let callbacks = callbacks.withLock { $0 }
    let isCooperative = rd_kafka_rebalance_protocol(client).map { String(cString: $0) } == "COOPERATIVE"
    guard let list else {
      rd_kafka_assign(client, nil)
      return
    }
    let partitions = PartitionList.entries(of: list).map { TopicPartition($0) }
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      // A cooperative rebalance that changes nothing for this member assigns an empty list.
      if !partitions.isEmpty {
        logger.info("partitions assigned", metadata: ["partitions": .stringConvertible(partitions)])
        setStarts(callbacks.assigned(partitions), in: list, of: client)
      }
      if isCooperative {
        report(rd_kafka_incremental_assign(client, list))
      } else {
        report(rd_kafka_assign(client, list))
      }
    } else {
      let lost = rd_kafka_assignment_lost(client) != 0
      logger.info(
        "partitions revoked",
        metadata: ["partitions": .stringConvertible(partitions), "lost": .stringConvertible(lost)])
      if !partitions.isEmpty { callbacks.revoked(partitions, lost) }
      if isCooperative {
        report(rd_kafka_incremental_unassign(client, list))
      } else {
        report(rd_kafka_assign(client, nil))
      }
    }
  }

  private func setStarts(
    _ starts: [TopicPartition: Start], in list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>,
    of client: OpaquePointer
  ) {
    guard !starts.isEmpty else { return }
    let offsets: [TopicPartition: Int64]
    do throws(KafkaError) {
      offsets = try StartOffsets.resolve(starts, client: client, timeout: StartOffsets.timeout)
    } catch {
      // The partition then begins at the committed offset or reports that there is none: visible, not silent.
      logger.error("the wanted start of partitions could not be looked up", metadata: ["error": "\(error)"])
      return
    }
    for index in PartitionList.entries(of: list).indices {
      let entries = PartitionList.entries(of: list)
      if let offset = offsets[TopicPartition(entries[index])] { entries[index].offset = offset }
    }
  }

  private func report(_ error: OpaquePointer?) {
    guard let error else { return }
    logger.error("a rebalance could not be answered", metadata: ["error": "\(KafkaError(consuming: error))"])
  }

  private func report(_ code: rd_kafka_resp_err_t) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    logger.error("a rebalance could not be answered", metadata: ["error": "\(KafkaError(code))"])
  }
}

/// Turns starts into offsets; times are looked up at the brokers.
enum StartOffsets {
  /// How long a look-up of times may take where the caller gives no bound.
  static let timeout: Duration = .seconds(10)

  /// Blocks for at most `timeout` when a time is among the starts.
  static func resolve(
    _ starts: [TopicPartition: Start], client: OpaquePointer, timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    var times: [TopicPartition: Int64] = [:]
    for (partition, start) in starts {
      if case .time(let milliseconds) = start {
        times[partition] = milliseconds
      } else if let offset = start.offset {
        offsets[partition] = offset
      }
    }
    guard !times.isEmpty else { return offsets }
    for (partition, offset) in try offsetsForTimes(times, client: client, timeout: timeout) {
      offsets[partition] = offset ?? LogicalOffset.end
    }
    return offsets
  }

  /// - Returns: for each partition the first offset whose record is not older, nil when there is none
  static func offsetsForTimes(
    _ times: [TopicPartition: Int64], client: OpaquePointer, timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64?] {
    let list = try PartitionList(times)
    try check(rd_kafka_offsets_for_times(client, list.list, timeout.cMilliseconds()))
    return try list.offsets().mapValues { $0 >= 0 ? $0 : nil }
  }
}
