import AuditActions
import Foundation
import Kafka
import Logging
import Synchronization

/// Sends records that break the contract to the dead-letter topic, unchanged, with headers that say why and whence.
///
/// A record is sent again when the node stops between Kafka's acknowledgement and the store's write: the dead-letter
/// topic has each such record at least once.
struct DeadLetters {
  struct Letter {
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [KafkaHeader]
  }

  enum Header {
    static let reason = "strandline.dlq.reason"
    static let detail = "strandline.dlq.detail"
    static let topic = "strandline.dlq.topic"
    static let partition = "strandline.dlq.partition"
    static let offset = "strandline.dlq.offset"
    static let timestamp = "strandline.dlq.timestamp"
    /// Present when the value was too large for the dead-letter topic and is left out: its bytes.
    static let omittedBytes = "strandline.dlq.omitted-bytes"
  }

  let producer: KafkaProducer
  let topic: String

  static func letter(for record: ConsumedRecord, _ error: AuditActionError) -> Letter {
    var headers = record.headers()
    headers.append(KafkaHeader(Header.reason, error.code.rawValue))
    headers.append(KafkaHeader(Header.detail, error.detail))
    headers.append(KafkaHeader(Header.topic, record.topic))
    headers.append(KafkaHeader(Header.partition, String(record.partition)))
    headers.append(KafkaHeader(Header.offset, String(record.offset)))
    if let timestamp = record.timestamp.milliseconds {
      headers.append(KafkaHeader(Header.timestamp, String(timestamp)))
    }
    return Letter(key: record.key.map { Array($0) }, value: record.value.map { Array($0) }, headers: headers)
  }

  /// Sends all and waits for Kafka's acknowledgements, on the caller's thread.
  /// - Returns: the letters that are not acknowledged, to be sent again, and the first reason.
  func send(_ letters: [Letter], timeout: Duration) -> (unsent: [Letter], failure: KafkaError?) {
    let results = Results(count: letters.count)
    for (index, letter) in letters.enumerated() {
      do throws(KafkaError) {
        try producer.send(
          topic: topic, key: letter.key, value: letter.value, headers: letter.headers,
          onDelivery: { results.set($0.failure, at: index) })
      } catch {
        results.set(error, at: index)
      }
    }
    let outcomes = results.wait(timeout: timeout)
    var unsent: [Letter] = []
    var failure: KafkaError?
    for (letter, outcome) in zip(letters, outcomes) {
      switch outcome {
      case .acknowledged: break
      case .pending:
        unsent.append(letter)
        failure = failure ?? KafkaError(code: KafkaError.Code.timedOut)
      case .failed(let error):
        unsent.append(error.code == KafkaError.Code.recordTooLarge ? Self.withoutValue(letter) : letter)
        failure = failure ?? error
      }
    }
    return (unsent, failure)
  }

  private static func withoutValue(_ letter: Letter) -> Letter {
    var letter = letter
    letter.headers.append(KafkaHeader(Header.omittedBytes, String(letter.value?.count ?? 0)))
    letter.value = nil
    return letter
  }

  /// The acknowledgements of one round, filled by Kafka's thread.
  private final class Results: Sendable {
    enum Outcome {
      case pending, acknowledged
      case failed(KafkaError)
    }

    private let outcomes: Mutex<[Outcome]>
    private let done = DispatchSemaphore(value: 0)

    init(count: Int) { outcomes = Mutex(Array(repeating: .pending, count: count)) }

    func set(_ failure: KafkaError?, at index: Int) {
      outcomes.withLock { $0[index] = failure.map { .failed($0) } ?? .acknowledged }
      done.signal()
    }

    func wait(timeout: Duration) -> [Outcome] {
      let deadline = DispatchTime.now() + .milliseconds(Int(timeout / .milliseconds(1)))
      let count = outcomes.withLock { $0.count }
      for _ in 0..<count where done.wait(timeout: deadline) == .timedOut { break }
      return outcomes.withLock { $0 }
    }
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
