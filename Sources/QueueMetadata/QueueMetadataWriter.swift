package import AuditActions
package import Kafka
package import Logging

/// Changes the metadata of queues: reads what the topic holds now, decides, writes, and waits until this node's own
/// reader has come past the record, so that whoever asked sees the change.
///
/// Changes made through one node happen one after the other. Kafka has no compare-and-set: two nodes that change the
/// same queue within the milliseconds between reading the end and writing both succeed, and the later record counts.
package final class QueueMetadataWriter: Sendable {
  /// Most changes that wait for their turn.
  static let waitingMax = 64

  private let reader: QueueMetadataReader
  private let producer: KafkaProducer
  /// Asks where the topic ends. On the reader's connection the question would wait behind its fetch.
  private let inquirer: KafkaConsumer
  private let timeout: Duration
  private let turns = Turns(waitingMax: waitingMax)

  /// - Throws: `_INVALID_ARG` when librdkafka refuses the configuration.
  package init(reader: QueueMetadataReader, logger: Logger) throws(KafkaError) {
    self.reader = reader
    timeout = reader.configuration.writeTimeout
    var kafka = reader.configuration.kafka
    // Whoever asked is waiting.
    if kafka.properties["delivery.timeout.ms"] == nil {
      kafka.properties["delivery.timeout.ms"] = String(max(1_000, Int(timeout / .milliseconds(1))))
    }
    if kafka.properties["linger.ms"] == nil { kafka.properties["linger.ms"] = "0" }
    inquirer = try KafkaConsumer(configuration: reader.configuration.kafka, logger: logger)
    producer = try KafkaProducer(configuration: kafka, logger: logger)
  }

  package func close() async {
    await producer.close(flushTimeout: .seconds(1))
    await inquirer.close()
  }

  /// Changes a queue's metadata.
  /// - Parameter change: given what there is, says what there shall be; nil: nothing. Called once. What it throws is
  ///   thrown as `refused`, and nothing is written. When it changes nothing, nothing is written either.
  package func edit<Refusal: Error>(
    _ queue: QueueAddress, _ change: @Sendable (QueueEntry?) throws(Refusal) -> QueueDocument?
  ) async throws(QueueEditFailure<Refusal>) -> QueueEdit {
    guard reader.isCaughtUp else {
      throw .unavailable(reader.status.failure ?? "queue metadata is not read yet", mayHaveBeenWritten: false)
    }
    guard await turns.begin() else {
      throw .unavailable("too many changes of queue metadata wait already", mayHaveBeenWritten: false)
    }
    defer { turns.end() }
    do throws(KafkaError) { try await refresh() } catch {
      throw .unavailable("Kafka does not tell what the metadata is now: \(error)", mayHaveBeenWritten: false)
    }
    let before = reader.entry(of: queue)
    let document: QueueDocument?
    do throws(Refusal) { document = try change(before) } catch { throw .refused(error) }
    if document == before?.document { return QueueEdit(before: before, after: before) }
    let position = try await write(document, of: queue, as: Refusal.self)
    guard await reader.read(upTo: [position.partition: position.offset + 1], within: timeout) else {
      throw .unavailable("the change is written, and not read back yet", mayHaveBeenWritten: true)
    }
    let version = QueueVersion(partition: position.partition, offset: position.offset)
    return QueueEdit(before: before, after: document.map { QueueEntry(document: $0, version: version) })
  }

  /// Waits until the reader knows what the topic holds now, whoever wrote it.
  private func refresh() async throws(KafkaError) {
    let deadline = ContinuousClock.now + timeout
    let places = reader.places
    let ends = try await runOnOwnThread(name: "queue-metadata-ends") { [inquirer, timeout] () throws(KafkaError) in
      try inquirer.ends(of: places, timeout: timeout)
    }
    let offsets = Dictionary(ends.map { ($0.key.partition, $0.value) }) { first, _ in first }
    guard await reader.read(upTo: offsets, within: max(.milliseconds(1), deadline - .now)) else {
      throw KafkaError(code: KafkaError.Code.timedOut)
    }
  }

  private func write<Refusal: Error>(
    _ document: QueueDocument?, of queue: QueueAddress, as: Refusal.Type
  ) async throws(QueueEditFailure<Refusal>) -> RecordPosition {
    do throws(KafkaError) {
      return try await producer.sendAcknowledged(
        topic: reader.configuration.topic, key: Array(queue.key.utf8), value: document?.bytes)
    } catch {
      let isCertain = [
        KafkaError.Code.queueFull, KafkaError.Code.recordTooLarge, KafkaError.Code.unknownPartition,
        KafkaError.Code.closed, KafkaError.Code.purgedFromQueue, KafkaError.Code.topicAuthorizationFailed,
      ].contains(error.code)
      throw .unavailable("Kafka did not take the change: \(error)", mayHaveBeenWritten: !isCertain)
    }
  }
}

/// What a change found and left.
package struct QueueEdit: Sendable, Equatable {
  package let before: QueueEntry?
  package let after: QueueEntry?
}

/// Why a change was not made.
package enum QueueEditFailure<Refusal: Error>: Error {
  /// By whoever was to decide.
  case refused(Refusal)
  /// Kafka could not be read or written.
  case unavailable(String, mayHaveBeenWritten: Bool)
}
