import Crdkafka
import Dispatch
import Synchronization

/// Has librdkafka look again whether it may fetch.
///
/// A full queue stops fetching, and librdkafka 2.0 does not notice by itself that the queue has been read: a broker's
/// thread looks again when something wakes it, after a second at the latest. A reader that needs 0.2 s for what the queue
/// holds would stand still for the rest. Any request to the broker wakes its thread, and asking for a partition's
/// offsets is a small one; it is made on a thread of its own, when half of what was there is read.
final class FetchWaker: Sendable {
  /// Fewer records are no backlog.
  static let backlogRecordsMin = 8_192
  private static let timeoutMilliseconds: Int32 = 1_000

  private struct State {
    /// The most that was queued since the last request.
    var peak = 0
    /// A partition of each broker that was read from.
    var partitions: [Int32: TopicPartition] = [:]
    var asked: [TopicPartition] = []
    var isAsking = false
    var isEnded = false
  }

  private let handle: ClientHandle
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)

  init(handle: ClientHandle) { self.handle = handle }

  /// To be called after each poll.
  /// - Parameters:
  ///   - queued: records that wait in the queue
  ///   - last: the last record taken
  func note(queued: Int, last: ConsumedBatch.Message) {
    let (starts, wakes) = state.withLock { state -> (Bool, Bool) in
      state.peak = max(state.peak, queued)
      guard state.peak >= Self.backlogRecordsMin, !state.isEnded else { return (false, false) }
      let broker = rd_kafka_message_broker_id(last)
      if state.partitions[broker]?.partition != last.pointee.partition, let topic = last.pointee.rkt {
        state.partitions[broker] = TopicPartition(
          topic: String(cString: rd_kafka_topic_name(topic)), partition: last.pointee.partition)
      }
      guard queued < state.peak / 2, state.asked.isEmpty else { return (false, false) }
      state.peak = queued
      state.asked = Array(state.partitions.values)
      defer { state.isAsking = true }
      return (!state.isAsking, true)
    }
    if starts { _ = DedicatedThread(name: "kafka-wake") { self.run() } }
    if wakes { work.signal() }
  }

  /// Ends the thread.
  func end() {
    state.withLock { $0.isEnded = true }
    work.signal()
  }

  private func run() {
    while true {
      work.wait()
      let (partitions, isEnded) = state.withLock { ($0.asked, $0.isEnded) }
      if isEnded { return }
      for partition in partitions {
        // Whatever the answer: asking is what wakes.
        _ = try? handle.use { client in
          var low: Int64 = 0
          var high: Int64 = 0
          return rd_kafka_query_watermark_offsets(
            client, partition.topic, partition.partition, &low, &high, Self.timeoutMilliseconds)
        }
      }
      state.withLock { $0.asked = [] }
    }
  }
}
