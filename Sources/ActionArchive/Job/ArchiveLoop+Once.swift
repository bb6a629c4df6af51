import Kafka
import Logging

/// `--once`: every partition is read from where the archive stands to where it ends now.
extension ArchiveLoop {
  /// Drains the topic. Partitions are assigned, not shared: nobody has to be waited for.
  /// - Throws: `KafkaError` when Kafka does not answer in time. What fails in one partition is in the status.
  func drain() throws(KafkaError) {
    let deadline = ContinuousClock.now + .milliseconds(configuration.oncePatienceMilliseconds)
    let topic = configuration.layout.topic
    let partitions = try patiently(deadline) { () throws(KafkaError) in
      try consumer.partitions(of: topic, timeout: .seconds(5))
    }
    for partition in partitions { begin(TopicPartition(topic: topic, partition: partition)) }
    while readers.values.contains(where: { $0.state == .recovering && arriving[$0.place] == nil }), !isStopping {
      state.wait(milliseconds: 200)
      attend()
    }
    let moment = nowMilliseconds
    var starts: [TopicPartition: Start] = [:]
    for (place, found) in arriving {
      guard !isStopping, let reader = readers[place] else { continue }
      _ = try patiently(deadline) { () throws(KafkaError) in try settle(reader, found) }
      guard reader.state == .reading, let expected = reader.expected, let end = reader.end else { continue }
      reader.target = end
      if expected < end { starts[place] = .offset(expected) }
    }
    arriving = [:]
    if !starts.isEmpty { try consumer.assign(starts) }
    while !isStopping {
      finishReached(moment)
      guard readers.values.contains(where: { $0.state == .reading || $0.state == .finishing }) else { break }
      if readers.values.contains(where: { $0.state == .reading }) {
        turn()
      } else {
        state.wait(milliseconds: 200)
        attend()
      }
    }
    attend()
    report()
    for reader in readers.values where reader.state != .finished { reader.drop() }
  }

  private func finishReached(_ moment: Int64) {
    for reader in readers.values where reader.state == .reading {
      guard let target = reader.target, reader.reached >= target else { continue }
      attempt(reader) { (reader) throws(ArchiveError) in try reader.finish(moment) }
    }
  }

  private func patiently<Value>(
    _ deadline: ContinuousClock.Instant, _ body: () throws(KafkaError) -> Value
  ) throws(KafkaError) -> Value {
    while true {
      do throws(KafkaError) { return try body() } catch {
        guard error.isRetriable, !isStopping, .now < deadline else { throw error }
        noteLost(error)
        state.wait(milliseconds: 500)
      }
    }
  }
}
